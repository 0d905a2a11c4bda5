"""Parts of a whole: pie, donut, treemap, mosaic, waffle."""

from __future__ import annotations

from dashboards.lens.common import LAYER, VALUE, Chart, Layer, column, numbered
from dashboards.model import Panel


def chart(panel: Panel) -> Chart:
    """`by`: one level of parts a column, outermost first."""
    groups = numbered(f"{VALUE}_breakdown", panel.by)
    layer = {
        "layerId": LAYER,
        "layerType": "data",
        "metrics": [VALUE],
        "allowMultipleMetrics": False,
        "numberDisplay": "percent",
        "categoryDisplay": "default",
        "legendDisplay": "hide" if panel.legend == "none" else "show",
        "legendPosition": "right" if panel.legend == "none" else panel.legend,
        "primaryGroups": [group["columnId"] for group in groups],
    }
    columns = [*groups, column(VALUE, panel.values[0])]
    return Chart("lnsPie", {LAYER: Layer(panel.query, columns)}, {"shape": panel.kind, "layers": [layer]})
