"""The backlog as KPI points: tickets that are live now, for the hour and the day that are under way.

It can only be looked at, not counted afterwards, since a ticket keeps its last state only. The last look of an hour stays.
"""

from __future__ import annotations

from collections.abc import Iterator

from contracts.clock import epoch_ms, floor_to
from contracts.errors import InternalError
from infrastructure.store import Store
from kpis.tracking import load
from kpis.tracking.points import Value, sampled, write

KPI = "desk.backlog"
WHOLE = "network:all"
_GROUPS = {"team": "ticket.team", "agent": "ticket.assignee", "priority": "ticket.priority"}
_LIVE = {"terms": {"ticket.state": ["new", "open", "pending"]}}
_MOST = 1000  # groups of one type


def write_backlog(store: Store) -> int:
    """Points written. Run again within the hour, it writes them anew."""
    definition = load(store).known.get(KPI)
    if definition is None:
        raise InternalError("no such KPI", where=KPI)
    now = store.clock()
    store.refresh("ticket")
    counts = dict(_counts(store))
    written = 0
    for resolution in definition.resolutions:
        bucket = epoch_ms(floor_to(now, resolution))
        values: list[Value] = [sampled(entity, bucket, float(count)) for entity, count in counts.items()]
        written += write(store, definition, values, resolution, now)
    return written


def _counts(store: Store) -> Iterator[tuple[str, int]]:
    """Live tickets by entity; 0 for those that had one lately and have none now."""
    groups = {name: {"terms": {"field": field, "size": _MOST}} for name, field in _GROUPS.items()}
    every = store.search("ticket", size=0, aggs=groups).get("aggregations", {})
    live = store.search("ticket", query=_LIVE, size=0, aggs=groups, track_total_hits=True)
    yield WHOLE, live["hits"]["total"]["value"]
    for name in _GROUPS:
        now = {row["key"]: row["doc_count"] for row in live.get("aggregations", {}).get(name, {}).get("buckets", [])}
        for row in every.get(name, {}).get("buckets", []):
            yield f"{name}:{row['key']}", now.get(row["key"], 0)
