"""Heat maps: a value for each pair of two columns. Lens's own colours run from blue to red, which everybody tells apart."""

from __future__ import annotations

from typing import Any

from dashboards.lens.common import LAYER, VALUE, Chart, Layer, column
from dashboards.model import Panel


def chart(panel: Panel) -> Chart:
    """`x` and `by` are the two axes."""
    columns = [column(f"x_{VALUE}", panel.x), column(VALUE, panel.values[0])]
    state: dict[str, Any] = {
        "layerId": LAYER,
        "layerType": "data",
        "shape": "heatmap",
        "valueAccessor": VALUE,
        "xAccessor": f"x_{VALUE}",
    }
    if panel.by:
        columns.insert(0, column(f"y_{VALUE}", panel.by[0]))
        state["yAccessor"] = f"y_{VALUE}"
    state["gridConfig"] = {
        "type": "heatmap_grid",
        "isCellLabelVisible": False,
        "isXAxisLabelVisible": True,
        "isXAxisTitleVisible": True,
        "isYAxisLabelVisible": True,
        "isYAxisTitleVisible": True,
    }
    position = "right" if panel.legend == "none" else panel.legend
    state["legend"] = {"isVisible": panel.legend != "none", "position": position, "type": "heatmap_legend"}
    return Chart("lnsHeatmap", {LAYER: Layer(panel.query, columns)}, state)
