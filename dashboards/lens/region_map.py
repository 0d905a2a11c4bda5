"""Region maps: a value for each country. Kibana draws them with the shapes of Elastic Maps Service, which it fetches itself."""

from __future__ import annotations

from dashboards.lens.common import LAYER, VALUE, Chart, Layer, column
from dashboards.model import Panel


def chart(panel: Panel) -> Chart:
    columns = [column(VALUE, panel.values[0]), column(f"{VALUE}_breakdown", panel.by[0])]
    state = {
        "layerId": LAYER,
        "layerType": "data",
        "valueAccessor": VALUE,
        "regionAccessor": f"{VALUE}_breakdown",
    }
    return Chart("lnsChoropleth", {LAYER: Layer(panel.query, columns)}, state)
