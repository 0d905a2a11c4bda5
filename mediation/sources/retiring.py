"""Retiring a source: it delivers no more, by design. A file that comes all the same puts it back to work."""

from __future__ import annotations

from typing import Any

from contracts.clock import iso
from contracts.errors import UserError
from infrastructure.store import Store
from mediation.suspense import note


def retire(store: Store, name: str, *, by: str, why: str) -> list[str]:
    """Retires the sources of that name, or folder; returns their names. Raises UserError when there is none, or no reason."""
    if not why.strip():
        raise UserError("a reason is needed", where="--why", remedy='say why, such as --why "taken out of service"')
    found = _named(store, name)
    note(store, by, "source retire", name, why)
    now = iso(store.clock())

    def change(source: dict[str, Any]) -> dict[str, Any]:
        return {**source, "feed": {**source["feed"], "state": "retired", "retired": now, "by": by, "why": why}}

    for key in found:
        store.modify("cdr-source", key, change)
    store.refresh("cdr-source")
    return list(found.values())


def unretire(store: Store, name: str, *, by: str) -> list[str]:
    """Puts retired sources back to work."""
    found = _named(store, name)
    note(store, by, "source unretire", name, "")

    def change(source: dict[str, Any]) -> dict[str, Any]:
        feed = {key: value for key, value in source["feed"].items() if key not in ("retired", "by", "why")}
        return {**source, "feed": {**feed, "state": "on_time" if "patience" in feed else "learning"}}

    for key in found:
        store.modify("cdr-source", key, change)
    store.refresh("cdr-source")
    return list(found.values())


def _named(store: Store, name: str) -> dict[str, str]:
    """Ids and names of sources."""
    store.refresh("cdr-source")
    either = [{"term": {"feed.name": name}}, {"term": {"feed.folder": name}}]
    query = {"bool": {"should": either, "minimum_should_match": 1}}
    found = {hit["_id"]: hit["_source"]["feed"]["name"] for hit in store.scan("cdr-source", query)}
    if not found:
        raise UserError(
            f"no source is called {name!r}, and none delivers to such a folder", remedy="`busyhour files sources`"
        )
    return found
