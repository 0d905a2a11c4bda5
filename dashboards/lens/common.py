"""What all charts share: columns, layers on ES|QL, the data view that only this panel has, colours by value."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from dashboards.kinds import colour
from dashboards.model import Panel, Threshold

LAYER = "layer_0"
VALUE = "metric_formula_accessor"  # what Kibana's own builder calls the column of a chart's value
Column = dict[str, Any]


class Layer(NamedTuple):
    """A query and the columns that the chart takes from its answer."""

    query: str
    columns: list[Column]


class Chart(NamedTuple):
    """`type`: Lens's name of the visualization; layers by id; `state` of the visualization."""

    type: str
    layers: dict[str, Layer]
    state: dict[str, Any]


def column(key: str, name: str, kind: str = "") -> Column:
    """A column of the chart: its id, the result column it shows, and `number` or `date` where the chart must know."""
    found: Column = {"columnId": key, "fieldName": name}
    return {**found, "meta": {"type": kind}} if kind else found


def numbered(prefix: str, names: Sequence[str]) -> list[Column]:
    return [column(f"{prefix}_{number}", name) for number, name in enumerate(names)]


def assembled(panel: Panel, chart: Chart, time_field: str) -> dict[str, Any]:
    layers = {
        key: {
            "index": panel.index,
            "query": {"esql": layer.query},
            "columns": layer.columns,
            "allColumns": layer.columns,
        }
        for key, layer in chart.layers.items()
    }
    references = [
        {"type": "index-pattern", "id": panel.index, "name": f"indexpattern-datasource-layer-{key}"} for key in layers
    ]
    return {
        "title": panel.heading,
        "visualizationType": chart.type,
        "references": [],
        "state": {
            "datasourceStates": {"textBased": {"layers": layers}},
            "internalReferences": references,
            "filters": [],
            "query": {"language": "kuery", "query": ""},
            "visualization": chart.state,
            "adHocDataViews": {panel.index: ad_hoc_view(panel.index, time_field)},
        },
    }


def ad_hoc_view(index: str, time_field: str) -> dict[str, Any]:
    """The data view that only this panel has, so that it needs no saved one."""
    view: dict[str, Any] = {
        "id": index,
        "title": index,
        "sourceFilters": [],
        "type": "esql",
        "fieldFormats": {},
        "runtimeFieldMap": {},
        "allowNoIndex": False,
        "name": index,
        "allowHidden": False,
    }
    return {**view, "timeFieldName": time_field} if time_field else view


def palette(thresholds: Sequence[Threshold]) -> dict[str, Any]:
    """Colours by value: each from its threshold on, the lowest below it, too."""
    steps = sorted(thresholds, key=lambda step: step.value)
    ends = [*(step.value for step in steps[1:]), None]
    return {
        "name": "custom",
        "type": "palette",
        "params": {
            "name": "custom",
            "steps": len(steps),
            "maxSteps": 5,
            "progression": "fixed",
            "reverse": False,
            "rangeType": "number",
            "rangeMin": None,
            "rangeMax": None,
            "continuity": "all",
            "colorStops": [
                {"color": colour(step.colour), "stop": step.value if place else None}
                for place, step in enumerate(steps)
            ],
            "stops": [{"color": colour(step.colour), "stop": end} for step, end in zip(steps, ends, strict=True)],
        },
    }
