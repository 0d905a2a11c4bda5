"""Lines, areas and bars over time or over categories, with reference lines for thresholds."""

from __future__ import annotations

from typing import Any

from dashboards.kinds import colour
from dashboards.lens.common import LAYER, VALUE, Chart, Column, Layer, column
from dashboards.model import Panel, Threshold

_BOTH_AXES = {"x": True, "yLeft": True, "yRight": True}
_TIMES = ("time", "@timestamp")  # result columns of this name are times


def chart(panel: Panel) -> Chart:
    """One data layer, and a layer of reference lines where there are thresholds: each with a query of its own, as Lens wants."""
    layers = {LAYER: Layer(panel.query, _columns(panel))}
    shown = [_data_layer(panel)]
    if panel.thresholds:
        columns = _reference_columns(panel)
        layers["layer_1"] = Layer(reference_query(panel.thresholds), columns)
        shown.append(_reference_layer(panel, columns))
    state = {
        "axisTitlesVisibilitySettings": _BOTH_AXES,
        "legend": {
            "isVisible": panel.legend != "none",
            "position": "right" if panel.legend == "none" else panel.legend,
        },
        "hideEndzones": True,
        "preferredSeriesType": "line",
        "valueLabels": "hide",
        "emphasizeFitting": True,
        "fittingFunction": "None",  # a bucket without a value is a gap, never a guess
        "yLeftExtent": {"mode": "full"},
        "tickLabelsVisibilitySettings": _BOTH_AXES,
        "labelsOrientation": {"x": 0, "yLeft": 0, "yRight": 0},
        "gridlinesVisibilitySettings": _BOTH_AXES,
        "layers": shown,
    }
    return Chart("lnsXY", layers, state)


def reference_query(thresholds: tuple[Threshold, ...]) -> str:
    """One row with a column for each threshold; its name is what the line is called."""
    return "ROW " + ", ".join(f"`{each.label}` = {each.value!r}" for each in thresholds)


def _columns(panel: Panel) -> list[Column]:
    breakdown = [column(f"{VALUE}0_breakdown", panel.by[0])] if panel.by else []
    values = [column(f"{VALUE}0_{number}", name, "number") for number, name in enumerate(panel.values)]
    return [*breakdown, column(f"x_{VALUE}0", panel.x, "date" if panel.x in _TIMES else ""), *values]


def _data_layer(panel: Panel) -> dict[str, Any]:
    accessors = {name: f"{VALUE}0_{number}" for number, name in enumerate(panel.values)}
    layer: dict[str, Any] = {"layerId": LAYER, "layerType": "data", "xAccessor": f"x_{VALUE}0"}
    if panel.by:
        layer["splitAccessor"] = f"{VALUE}0_breakdown"
    layer |= {"accessors": list(accessors.values()), "seriesType": panel.kind}
    if panel.colours:
        layer["yConfig"] = [
            {"forAccessor": accessors[name], "color": colour(chosen)} for name, chosen in panel.colours.items()
        ]
    return layer


def _reference_columns(panel: Panel) -> list[Column]:
    return [column(f"{VALUE}1_{number}", each.label, "number") for number, each in enumerate(panel.thresholds)]


def _reference_layer(panel: Panel, columns: list[Column]) -> dict[str, Any]:
    accessors = [each["columnId"] for each in columns]
    return {
        "layerId": "layer_1",
        "layerType": "referenceLine",
        "accessors": accessors,
        "yConfig": [
            {"forAccessor": accessor, "axisMode": "left", "color": colour(each.colour)}
            for accessor, each in zip(accessors, panel.thresholds, strict=True)
        ],
    }
