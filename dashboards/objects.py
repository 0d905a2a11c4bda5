"""Saved objects as Kibana exports them: data views, tags, Discover sessions. Versions are those of Kibana 8.19 or before.

Whatever comes later migrates them when it imports: an object may be older than Kibana, never newer.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from dashboards.lens.common import ad_hoc_view
from dashboards.model import DataView, Search
from dashboards.queries import bounded_by

Reference = dict[str, str]
_CORE = "8.8.0"  # the last change of what all saved objects have in common
_VERSIONS = {"index-pattern": "8.0.0", "search": "10.5.0", "dashboard": "10.2.0", "tag": "8.0.0"}
_SOURCE = "kibanaSavedObjectMeta.searchSourceJSON.index"
_TAG_COLOURS = {  # of Okabe and Ito's palette
    "noc": "#D55E00",
    "analyst": "#0072B2",
    "service desk": "#009E73",
    "data engineer": "#E69F00",
    "management": "#CC79A7",
}


def saved_object(kind: str, key: str, content: dict[str, Any], references: Iterable[Reference] = ()) -> dict[str, Any]:
    return {
        "attributes": content,
        "coreMigrationVersion": _CORE,
        "id": key,
        "managed": False,
        "references": list(references),
        "type": kind,
        "typeMigrationVersion": _VERSIONS[kind],
    }


def packed(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def ndjson(objects: Iterable[Mapping[str, Any]]) -> str:
    return "".join(packed(row) + "\n" for row in objects)


def view_id(index: str) -> str:
    return f"busyhour-{index}"


def tag_id(audience: str) -> str:
    return f"busyhour-for-{audience.replace(' ', '-')}"


def tag_reference(audience: str) -> Reference:
    return {"id": tag_id(audience), "name": f"tag-ref-{tag_id(audience)}", "type": "tag"}


def data_view(view: DataView) -> dict[str, Any]:
    content = {
        "allowHidden": False,
        "fieldAttrs": "{}",
        "fieldFormatMap": "{}",
        "fields": "[]",
        "name": view.title,
        "runtimeFieldMap": "{}",
        "sourceFilters": "[]",
        "timeFieldName": view.time,
        "title": view.index,
    }
    return saved_object("index-pattern", view_id(view.index), content)


def tag(audience: str) -> dict[str, Any]:
    """A tag says whom a dashboard is for."""
    content = {
        "name": f"for {audience}",
        "description": f"Busyhour: made for the {audience}",
        "color": _TAG_COLOURS[audience],
    }
    return saved_object("tag", tag_id(audience), content)


def search(found: Search, time_field: str) -> dict[str, Any]:
    """A Discover session: KQL on the saved data view, or ES|QL on one of its own. `time_field` of its index."""
    references = [] if found.esql else [{"id": view_id(found.index), "name": _SOURCE, "type": "index-pattern"}]
    source: dict[str, Any]
    if found.esql:
        field = time_field if bounded_by(found.query, time_field) else ""
        source = {"query": {"esql": found.query}, "index": ad_hoc_view(found.index, field), "filter": []}
    else:
        source = {"query": {"query": found.query, "language": "kuery"}, "filter": [], "indexRefName": _SOURCE}
    content = {
        "columns": list(found.columns),
        "description": found.description,
        "grid": {},
        "hideChart": found.esql,
        "isTextBasedQuery": found.esql,
        "kibanaSavedObjectMeta": {"searchSourceJSON": packed(source)},
        "sort": [[found.sort, "desc"]] if found.sort else [],
        "timeRestore": False,
        "title": found.title,
    }
    if found.esql:
        content["usesAdHocDataView"] = True
    return saved_object("search", f"busyhour-{found.name}", content, references)
