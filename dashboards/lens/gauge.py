"""Gauges: a value on its scale, with its goal."""

from __future__ import annotations

from typing import Any

from dashboards.lens.common import LAYER, VALUE, Chart, Layer, column
from dashboards.model import Panel


def chart(panel: Panel) -> Chart:
    """`min`, `max`, `goal` are columns of the query's answer, too."""
    columns = [column(VALUE, panel.values[0])]
    state: dict[str, Any] = {
        "layerId": LAYER,
        "layerType": "data",
        "ticksPosition": "auto",
        "shape": panel.shape or "arc",
        "labelMajorMode": "auto",
        "metricAccessor": VALUE,
    }
    for part in ("max", "min", "goal"):
        if part in panel.extra:
            columns.append(column(f"{VALUE}_{part}", panel.extra[part]))
            state[f"{part}Accessor"] = f"{VALUE}_{part}"
    if "max" in panel.extra:
        state["showBar"] = True
    return Chart("lnsGauge", {LAYER: Layer(panel.query, columns)}, state)
