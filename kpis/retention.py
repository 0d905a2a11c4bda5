"""Retention: whole partitions of points are dropped when all in them is old, and coarser points hold the same time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from contracts.clock import iso
from contracts.indices import BY_NAME, KPI_INDEX
from infrastructure.exchange import path_of
from infrastructure.setup import existing
from infrastructure.store import Store

_SETTINGS = {300: "kpi.keep.5m.days", 3600: "kpi.keep.1h.days", 86400: "kpi.keep.1d.days"}
_COARSER = {300: 3600, 3600: 86400}


class Dropped(NamedTuple):
    """A partition: `points` in it up to `end`; `kept` says why it stays although it is old, "" where it was dropped."""

    partition: str
    end: datetime
    points: int
    kept: str


def retain(store: Store, *, now: datetime | None = None, dry_run: bool = False) -> list[Dropped]:
    """Drops partitions older than the settings kpi.keep.* say, finest first. Run again at will.

    A partition stays while no coarser points cover its time: then nothing would be left of it.
    """
    moment = now or store.clock()
    found: list[Dropped] = []
    partitions = existing(store)
    for resolution, name in KPI_INDEX.items():
        days = store.settings.number(_SETTINGS[resolution])
        if not days:
            continue
        limit = moment - timedelta(days=days)
        for partition in partitions.get(name, []):
            end = ends(partition, name)
            if end is None or end > limit:
                continue
            one = _judged(store, partition, resolution, end)
            if not one.kept and not dry_run:
                store.exchange.ask("DELETE", path_of(partition), allow=(404,))
            found.append(one)
    return found


def _judged(store: Store, partition: str, resolution: int, end: datetime) -> Dropped:
    bounds = {"first": {"min": {"field": "@timestamp"}}, "last": {"max": {"field": "@timestamp"}}}
    body = {"size": 0, "track_total_hits": True, "aggs": bounds}
    answer = store.exchange.ask("POST", path_of(partition, "_search"), body)
    points, found = int(answer["hits"]["total"]["value"]), answer["aggregations"]
    coarser = _COARSER.get(resolution)
    if points and coarser is not None:
        first, last = (
            datetime.fromtimestamp(found[name]["value"] / 1000 // coarser * coarser, UTC) for name in ("first", "last")
        )
        span = {"range": {"@timestamp": {"gte": iso(first), "lte": iso(last)}}}
        if not store.count(KPI_INDEX[coarser], span):
            return Dropped(partition, end, points, f"no points by {coarser} s cover it: roll up first")
    return Dropped(partition, end, points, "")


def ends(partition: str, name: str) -> datetime | None:
    """End of the period that a partition is named after: `kpi-5m-2026.11`, `-2026.w47`, `-2026.11.21`, `-2026`; None: none."""
    suffix = partition.removeprefix(f"{name}-")
    if name not in BY_NAME or suffix == partition:
        return None
    try:
        if ".w" in suffix:
            year, week = suffix.split(".w")
            return datetime.fromisocalendar(int(year), int(week), 1).replace(tzinfo=UTC) + timedelta(days=7)
        parts = [int(part) for part in suffix.split(".")]
        if len(parts) == 1:
            return datetime(parts[0] + 1, 1, 1, tzinfo=UTC)
        if len(parts) == 2:
            return (datetime(parts[0], parts[1], 1, tzinfo=UTC) + timedelta(days=32)).replace(day=1)
        return datetime(parts[0], parts[1], parts[2], tzinfo=UTC) + timedelta(days=1)
    except ValueError:
        return None
