"""Tables: the columns as they are, in their order."""

from __future__ import annotations

from dashboards.lens.common import LAYER, VALUE, Chart, Layer, column, numbered
from dashboards.model import Panel


def chart(panel: Panel) -> Chart:
    """All columns but the last are called breakdowns by Lens, the last one the value; it shows them as they are listed."""
    *groups, last = panel.values
    columns = numbered(f"{VALUE}_breakdown", groups)
    if "split" in panel.extra:
        columns.append(column(f"{VALUE}_splitby_0", panel.extra["split"]))
    columns.append(column(VALUE, last))
    state = {
        "layerId": LAYER,
        "layerType": "data",
        "columns": [{"columnId": each["columnId"]} for each in columns],
    }
    return Chart("lnsDatatable", {LAYER: Layer(panel.query, columns)}, state)
