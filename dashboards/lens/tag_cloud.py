"""Tag clouds: words as large as their value."""

from __future__ import annotations

from dashboards.lens.common import LAYER, VALUE, Chart, Layer, column
from dashboards.model import Panel


def chart(panel: Panel) -> Chart:
    columns = [column(VALUE, panel.values[0]), column(f"{VALUE}_breakdown", panel.by[0])]
    state = {
        "layerId": LAYER,
        "valueAccessor": VALUE,
        "maxFontSize": 72,
        "minFontSize": 12,
        "orientation": "single",
        "showLabel": True,
        "tagAccessor": f"{VALUE}_breakdown",
    }
    return Chart("lnsTagcloud", {LAYER: Layer(panel.query, columns)}, state)
