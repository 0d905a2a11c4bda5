"""A dashboard as a saved object: panels by value, controls, links to other dashboards, and all they refer to."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from dashboards.kinds import KINDS
from dashboards.lens import attributes
from dashboards.model import ANY, Control, Dashboard, Panel
from dashboards.objects import Reference, packed, saved_object, tag_reference, view_id
from dashboards.queries import bounded_by

_NAMESPACE = uuid.UUID(
    "6f2f6a44-9c5e-5d5a-8c0d-6b5f0c5b9d10"
)  # ids that Kibana wants as UUIDs are made from names under it
_DRILLDOWN = "DASHBOARD_TO_DASHBOARD_DRILLDOWN"
_OPTIONS = {
    "useMargins": True,
    "syncColors": False,
    "syncCursor": True,
    "syncTooltips": False,
    "hidePanelTitles": False,
}
_HEED_ALL = {"ignoreFilters": False, "ignoreQuery": False, "ignoreTimerange": False, "ignoreValidations": False}


def stable_uuid(*names: str) -> str:
    """The same names give the same UUID, so that building twice changes nothing."""
    return str(uuid.uuid5(_NAMESPACE, "/".join(names)))


def dashboard_id(name: str) -> str:
    return f"busyhour-{name}"


def dashboard_object(board: Dashboard, times: Mapping[str, str]) -> dict[str, Any]:
    """`times`: time field of each index that has one."""
    content = {
        "description": board.description,
        "kibanaSavedObjectMeta": {
            "searchSourceJSON": packed({"query": {"query": "", "language": "kuery"}, "filter": []})
        },
        "optionsJSON": packed(_OPTIONS),
        "panelsJSON": packed([_panel(board, panel, _time_field(panel, times)) for panel in board.panels]),
        "refreshInterval": {"pause": board.refresh_sec == 0, "value": board.refresh_sec * 1000},
        "timeFrom": board.time[0],
        "timeRestore": True,
        "timeTo": board.time[1],
        "title": board.title,
        "version": 3,
    }
    if board.controls:
        content["controlGroupInput"] = _control_group(board)
    references = [
        *(_link_reference(board, panel, number) for panel in board.panels for number in range(len(panel.links))),
        *(_view_reference(control) for control in board.controls if control.field),
        *(tag_reference(audience) for audience in board.audience),
    ]
    return saved_object("dashboard", dashboard_id(board.name), content, references)


def _time_field(panel: Panel, times: Mapping[str, str]) -> str:
    """Time field of the panel's own data view: none where Kibana's filter on it would hide what the query looks for."""
    field = times.get(panel.index, "")
    return field if field and bounded_by(panel.query, field) else ""


def _panel(board: Dashboard, panel: Panel, time_field: str) -> dict[str, Any]:
    x, y, width, height = panel.at
    text = KINDS[panel.kind].family == "text"
    inside: dict[str, Any] = {"savedVis": _markdown(panel)} if text else {"attributes": attributes(panel, time_field)}
    inside |= {
        "enhancements": _enhancements(board, panel),
        "title": panel.heading,
    }  # before 8.19 the title stood beside it
    if panel.description:
        inside["description"] = panel.description
    if not text:
        inside |= {"syncColors": False, "syncCursor": True, "syncTooltips": False}
    return {
        "type": "visualization" if text else "lens",
        "embeddableConfig": inside,
        "panelIndex": panel.name,
        "gridData": {"x": x, "y": y, "w": width, "h": height, "i": panel.name},
    }


def _markdown(panel: Panel) -> dict[str, Any]:
    return {
        "title": panel.title,
        "description": "",
        "type": "markdown",
        "params": {"fontSize": 12, "openLinksInNewTab": False, "markdown": panel.text},
        "uiState": {},
        "data": {"aggs": [], "searchSource": {"query": {"query": "", "language": "kuery"}, "filter": []}},
    }


def _enhancements(board: Dashboard, panel: Panel) -> dict[str, Any]:
    """Drilldowns: a click on a value leads on, with time range and filters kept and the clicked value added to them."""
    if not panel.links:
        return {}
    events = [
        {
            "eventId": _event_id(board, panel, number),
            "triggers": ["FILTER_TRIGGER"],
            "action": {
                "factoryId": _DRILLDOWN,
                "name": link.label,
                "config": {"useCurrentFilters": True, "useCurrentDateRange": True, "openInNewTab": False},
            },
        }
        for number, link in enumerate(panel.links)
    ]
    return {"dynamicActions": {"events": events}}


def _event_id(board: Dashboard, panel: Panel, number: int) -> str:
    return stable_uuid(board.name, panel.name, panel.links[number].to)


def _link_reference(board: Dashboard, panel: Panel, number: int) -> Reference:
    event = _event_id(board, panel, number)
    return {
        "id": dashboard_id(panel.links[number].to),
        "name": f"{panel.name}:drilldown:{_DRILLDOWN}:{event}:dashboardId",
        "type": "dashboard",
    }


def _control_group(board: Dashboard) -> dict[str, Any]:
    panels = {
        control.name: {
            "type": "optionsListControl" if control.field else "esqlControl",
            "order": order,
            "grow": True,
            "width": "medium",
            "explicitInput": _options_list(control) if control.field else _variable(control),
        }
        for order, control in enumerate(board.controls)
    }
    return {
        "chainingSystem": "HIERARCHICAL",
        "controlStyle": "oneLine",
        "ignoreParentSettingsJSON": packed(_HEED_ALL),
        "panelsJSON": packed(panels),
        "showApplySelections": False,
    }


def _options_list(control: Control) -> dict[str, Any]:
    return {
        "id": control.name,
        "fieldName": control.field,
        "title": control.label,
        "searchTechnique": "prefix",
        "selectedOptions": [],
        "sort": {"by": "_count", "direction": "desc"},
    }


def _variable(control: Control) -> dict[str, Any]:
    return {
        "id": control.name,
        "title": control.label,
        "availableOptions": [],
        "selectedOptions": [ANY],
        "variableName": control.variable,
        "variableType": "values",
        "esqlQuery": control.query,
        "controlType": "VALUES_FROM_QUERY",
    }


def _view_reference(control: Control) -> Reference:
    name = f"controlGroup_{control.name}:optionsListDataView"
    return {"id": view_id(control.index), "name": name, "type": "index-pattern"}
