"""A panel as Kibana's Lens keeps it: the `attributes` of a by-value chart on ES|QL, with the keys that Kibana 8.19 writes."""

from __future__ import annotations

from typing import Any

from dashboards.model import Panel

LAYER = "layer_0"
_VALUE = "metric_formula_accessor"
_SERIES = {"line": "line", "bar": "bar_stacked"}
_BOTH_AXES = {"x": True, "yLeft": True, "yRight": True}


def attributes(panel: Panel, time_field: str) -> dict[str, Any]:
    """Lens attributes of `panel`; `time_field` of its index, empty where there is none."""
    kind, columns, visualization = _BUILDERS[panel.kind](panel)
    layer = {"index": panel.index, "query": {"esql": panel.query}, "columns": columns, "allColumns": columns}
    return {
        "title": panel.title,
        "visualizationType": kind,
        "references": [],
        "state": {
            "datasourceStates": {"textBased": {"layers": {LAYER: layer}}},
            "internalReferences": [
                {"type": "index-pattern", "id": panel.index, "name": f"indexpattern-datasource-layer-{LAYER}"}
            ],
            "filters": [],
            "query": {"language": "kuery", "query": ""},
            "visualization": visualization,
            "adHocDataViews": {panel.index: _ad_hoc(panel.index, time_field)},
        },
    }


def _ad_hoc(index: str, time_field: str) -> dict[str, Any]:
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


def _column(key: str, field: str, kind: str = "") -> dict[str, Any]:
    column: dict[str, Any] = {"columnId": key, "fieldName": field}
    return {**column, "meta": {"type": kind}} if kind else column


def _metric(panel: Panel) -> tuple[str, list[dict[str, Any]], dict[str, Any]]:
    columns = [_column(_VALUE, panel.values[0], "number")]
    visualization: dict[str, Any] = {
        "layerId": LAYER,
        "layerType": "data",
        "metricAccessor": _VALUE,
        "showBar": False,
    }
    if panel.by:
        columns.insert(0, _column(f"{_VALUE}_breakdown", panel.by))
        visualization["breakdownByAccessor"] = f"{_VALUE}_breakdown"
    return "lnsMetric", columns, visualization


def _xy(panel: Panel) -> tuple[str, list[dict[str, Any]], dict[str, Any]]:
    first = f"{_VALUE}0"
    values = [_column(f"{first}_{number}", field, "number") for number, field in enumerate(panel.values)]
    columns = [_column(f"x_{first}", panel.x, "date"), *values]
    layer: dict[str, Any] = {"layerId": LAYER, "layerType": "data", "xAccessor": f"x_{first}"}
    if panel.by:
        columns.insert(0, _column(f"{first}_breakdown", panel.by))
        layer["splitAccessor"] = f"{first}_breakdown"
    layer |= {"accessors": [value["columnId"] for value in values], "seriesType": _SERIES[panel.kind]}
    visualization = {
        "axisTitlesVisibilitySettings": _BOTH_AXES,
        "legend": {"isVisible": True, "position": "right"},
        "hideEndzones": True,
        "preferredSeriesType": "line",
        "valueLabels": "hide",
        "emphasizeFitting": True,
        "fittingFunction": "None",  # a bucket without a value is a gap, never a guess
        "yLeftExtent": {"mode": "full"},
        "tickLabelsVisibilitySettings": _BOTH_AXES,
        "labelsOrientation": {"x": 0, "yLeft": 0, "yRight": 0},
        "gridlinesVisibilitySettings": _BOTH_AXES,
        "layers": [layer],
    }
    return "lnsXY", columns, visualization


def _table(panel: Panel) -> tuple[str, list[dict[str, Any]], dict[str, Any]]:
    columns = [_column(f"{_VALUE}_breakdown_{number}", field) for number, field in enumerate(panel.values)]
    visualization = {
        "layerId": LAYER,
        "layerType": "data",
        "columns": [{"columnId": column["columnId"]} for column in columns],
    }
    return "lnsDatatable", columns, visualization


_BUILDERS = {"metric": _metric, "line": _xy, "bar": _xy, "table": _table}
