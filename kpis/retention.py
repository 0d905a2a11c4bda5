"""Retention: whole partitions of points are dropped when all in them is old, and coarser points hold the same time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from contracts.clock import from_epoch_ms, iso
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

    A partition stays while coarser points do not cover all of its time: then nothing would be left of the rest.
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
    coarser = _COARSER.get(resolution)
    points, buckets = _buckets(store, partition, coarser or resolution, {"match_all": {}})
    if not buckets or coarser is None:
        return Dropped(partition, end, points, "")
    span = {"range": {"@timestamp": {"gte": iso(min(buckets)), "lte": iso(max(buckets))}}}
    covered = _buckets(store, KPI_INDEX[coarser], coarser, span)[1]
    if missing := len(buckets - covered):
        kept = f"{missing} of its {len(buckets)} buckets of {coarser} s have no points of that length: roll up first"
        return Dropped(partition, end, points, kept)
    return Dropped(partition, end, points, "")


def _buckets(store: Store, index: str, seconds: int, query: dict[str, Any]) -> tuple[int, set[datetime]]:
    """Points in all, and the buckets of so many seconds in which there are some."""
    by = {"date_histogram": {"field": "@timestamp", "fixed_interval": f"{seconds}s", "min_doc_count": 1}}
    body = {"size": 0, "track_total_hits": True, "query": query, "aggs": {"by": by}}
    params = {"ignore_unavailable": "true", "allow_partial_search_results": "false"}
    answer = store.exchange.ask("POST", path_of(index, "_search"), body, params=params)
    rows = answer.get("aggregations", {}).get("by", {}).get("buckets", ())
    return int(answer["hits"]["total"]["value"]), {from_epoch_ms(row["key"]) for row in rows}


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
