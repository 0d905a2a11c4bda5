"""Kibana's saved objects from the YAML under `kibana/`, as importable NDJSON under `kibana/saved_objects/`.

    data-views.ndjson   one data view per index that people look at
    searches.ndjson     saved searches for analysts
    NAME.ndjson         the dashboard NAME

Format: Kibana 8.19, which later versions migrate when they import. They are checked in, and a test fails when they are stale.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from dashboards.lens import attributes
from dashboards.model import Dashboard, DataView, Panel, Search, dashboard, data_views, searches

FOLDER = "kibana/saved_objects"
_CORE = "8.8.0"  # the last change of what all saved objects have in common
_VERSIONS = {
    "index-pattern": "8.0.0",
    "search": "10.5.0",
    "dashboard": "10.2.0",
}  # each as Kibana 8.18 or older wrote it
_SOURCE = "kibanaSavedObjectMeta.searchSourceJSON.index"


def build(root: Path) -> dict[str, str]:
    """NDJSON by path below `root`. Raises DefinitionError on a bad YAML file."""
    kibana = root / "kibana"
    views = data_views(kibana / "data_views.yml")
    times = {view.index: view.time for view in views}
    files = {
        "data-views": [_data_view(view) for view in views],
        "searches": [_search(search) for search in searches(kibana / "searches.yml")],
    }
    for path in sorted((kibana / "dashboards").glob("*.yml")):
        files[path.stem] = [_dashboard(dashboard(path), times)]
    return {f"{FOLDER}/{name}.ndjson": _ndjson(objects) for name, objects in files.items()}


def write_built(root: Path) -> list[str]:
    """Writes what differs, removes what no YAML file asks for any more; the paths changed. Raises DefinitionError."""
    files = build(root)
    changed = []
    for path, text in files.items():
        place = root / path
        if not place.is_file() or place.read_text(encoding="utf-8") != text:
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text, encoding="utf-8")
            changed.append(path)
    for place in sorted((root / FOLDER).glob("*.ndjson")):
        path = f"{FOLDER}/{place.name}"
        if path not in files:
            place.unlink()
            changed.append(path)
    return changed


def _ndjson(objects: Iterable[dict[str, Any]]) -> str:
    return "".join(_packed(row) + "\n" for row in objects)


def _packed(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _object(kind: str, key: str, content: dict[str, Any], references: list[dict[str, str]]) -> dict[str, Any]:
    return {
        "attributes": content,
        "coreMigrationVersion": _CORE,
        "id": key,
        "managed": False,
        "references": references,
        "type": kind,
        "typeMigrationVersion": _VERSIONS[kind],
    }


def _data_view(view: DataView) -> dict[str, Any]:
    content = {
        "allowHidden": False,
        "fieldAttrs": "{}",
        "fieldFormatMap": "{}",
        "fields": "[]",
        "name": view.title,
        "runtimeFieldMap": "{}",
        "sourceFilters": "[]",
        "title": view.index,
    }
    if view.time:
        content["timeFieldName"] = view.time
    return _object("index-pattern", f"busyhour-{view.index}", content, [])


def _search(search: Search) -> dict[str, Any]:
    source = {"query": {"query": search.query, "language": "kuery"}, "filter": [], "indexRefName": _SOURCE}
    content = {
        "columns": list(search.columns),
        "description": search.description,
        "grid": {},
        "hideChart": False,
        "isTextBasedQuery": False,
        "kibanaSavedObjectMeta": {"searchSourceJSON": _packed(source)},
        "sort": [[search.sort, "desc"]],
        "timeRestore": False,
        "title": search.title,
    }
    reference = {"id": f"busyhour-{search.index}", "name": _SOURCE, "type": "index-pattern"}
    return _object("search", f"busyhour-{search.name}", content, [reference])


def _dashboard(board: Dashboard, times: dict[str, str]) -> dict[str, Any]:
    options = {
        "useMargins": True,
        "syncColors": False,
        "syncCursor": True,
        "syncTooltips": False,
        "hidePanelTitles": False,
    }
    source = {"query": {"query": "", "language": "kuery"}, "filter": []}
    content = {
        "description": board.description,
        "kibanaSavedObjectMeta": {"searchSourceJSON": _packed(source)},
        "optionsJSON": _packed(options),
        "panelsJSON": _packed([_panel(panel, times.get(panel.index, "")) for panel in board.panels]),
        "refreshInterval": {"pause": False, "value": board.refresh_sec * 1000},
        "timeFrom": board.time[0],
        "timeRestore": True,
        "timeTo": board.time[1],
        "title": board.title,
        "version": 3,
    }
    return _object("dashboard", f"busyhour-{board.name}", content, [])


def _panel(panel: Panel, time_field: str) -> dict[str, Any]:
    x, y, width, height = panel.at
    return {
        "type": "lens",
        "title": panel.title,
        "embeddableConfig": {
            "attributes": attributes(panel, time_field),
            "enhancements": {},
            "syncColors": False,
            "syncCursor": True,
            "syncTooltips": False,
        },
        "panelIndex": panel.name,
        "gridData": {"x": x, "y": y, "w": width, "h": height, "i": panel.name},
    }
