"""Tiles: one number, or one for each value of a column."""

from __future__ import annotations

from typing import Any

from dashboards.lens.common import LAYER, VALUE, Chart, Layer, column, palette
from dashboards.model import Panel


def chart(panel: Panel) -> Chart:
    """`by`: a tile for each; `max`: a bar up to it; `secondary`: a smaller number beside; thresholds colour the tile."""
    columns = [column(VALUE, panel.values[0], "number")]
    state: dict[str, Any] = {"layerId": LAYER, "layerType": "data", "metricAccessor": VALUE, "showBar": False}
    if panel.subtitle:
        state["subtitle"] = panel.subtitle
    if panel.by:
        columns.insert(0, column(f"{VALUE}_breakdown", panel.by[0]))
        state["breakdownByAccessor"] = f"{VALUE}_breakdown"
    if "max" in panel.extra:
        columns.append(column(f"{VALUE}_max", panel.extra["max"], "number"))
        state |= {"maxAccessor": f"{VALUE}_max", "showBar": True}
    if "secondary" in panel.extra:
        columns.append(column(f"{VALUE}_secondary", panel.extra["secondary"]))
        state["secondaryMetricAccessor"] = f"{VALUE}_secondary"
    if panel.thresholds:
        state["palette"] = palette(panel.thresholds)
    return Chart("lnsMetric", {LAYER: Layer(panel.query, columns)}, state)
