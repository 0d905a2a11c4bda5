"""What records say beside their KPIs: how many there are an hour of each release cause, destination, cause for closing.

Each value is a series of its own, counted straight from the records: a value that comes more often than its hour knows, or that
(hardly) ever came before, is told even where no KPI moves. Hours only; a value has no point of its own in `kpi-*`.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np

from contracts.clock import from_epoch_ms, iso
from contracts.entities import Entity
from detectors.panel import Panel, merged
from detectors.subject import Kpi, Series
from infrastructure.store import Store
from kpis import catalogue, counting

HOUR_MS = 3_600_000
FAMILY = "mix"


class Mix(NamedTuple):
    """A field of the records of a service; its values are entities of the type `entity`."""

    id: str
    alias: str
    service: str
    field: str
    entity: str
    noun: str


MIXES = (
    Mix("voip.calls_by_cause", "CAUSE", "voip", "voip.release.name", "release_cause", "calls"),
    Mix("voip.calls_by_destination", "DEST", "voip", "voip.called.country", "destination", "calls"),
    Mix("epc.records_by_closing", "CLOSING", "epc", "epc.cause_for_closing", "cause_for_closing", "sessions"),
)
_BY_ID = {one.id: one for one in MIXES}


def mix_kpis() -> list[Kpi]:
    """The counts by value, as detection sees a KPI: more than usual is bad, fewer is what KPIs tell."""
    return [
        Kpi(
            one.id,
            one.alias,
            one.service,
            one.noun,
            "count",
            "high",
            FAMILY,
            weight=0.0,
            noun=one.noun,
            finest_sec=3600,
        )
        for one in MIXES
    ]


def load_mix(store: Store, kpi: Kpi, step_sec: int, since_ms: int, until_ms: int, zone: ZoneInfo) -> Panel:
    """Records by value over [since, until): hours, or days merged from them; nothing at finer steps.

    An hour in which the service delivered anything is 0 for the values that it has not; one without any is absent.
    """
    if step_sec < 3600:
        return _panel(kpi, [], np.zeros(0, dtype=np.int64))
    if step_sec > 3600:
        edge = 86_400_000
        return merged(load_mix(store, kpi, 3600, since_ms - edge, until_ms + edge, zone), step_sec, zone).between(
            since_ms, until_ms
        )
    first = -(-since_ms // HOUR_MS)
    starts = np.arange(first, until_ms // HOUR_MS, dtype=np.int64)
    return _panel(kpi, _rows(store, _BY_ID[kpi.id], first * HOUR_MS, until_ms - until_ms % HOUR_MS), starts)


def _rows(store: Store, mix: Mix, since_ms: int, until_ms: int) -> list[list[Any]]:
    """[hour since the epoch, value, records]"""
    service = catalogue.services()[mix.service]
    counted = counting.condition("call" if service.correlated else "")
    text = f"""FROM {", ".join(service.sources)}
| WHERE @timestamp >= ? AND @timestamp < ?{f" AND {counted}" if counted else ""}
| EVAL k = TO_LONG(@timestamp) / {HOUR_MS}, v = COALESCE(TO_STRING({mix.field}), "")
| STATS n = COUNT(*) BY k, v
| KEEP k, v, n"""

    def query(start: datetime, end: datetime) -> tuple[str, list[Any]]:
        return text, [iso(start), iso(end)]

    if since_ms >= until_ms:
        return []
    begin, end = from_epoch_ms(since_ms), from_epoch_ms(until_ms)
    return [row for table in store.esql_windows(query, begin, end, step=timedelta(hours=1)) for row in table.rows]


def _panel(kpi: Kpi, rows: list[list[Any]], starts: Any) -> Panel:
    values = sorted({row[1] for row in rows if row[1]})
    place = {value: number for number, value in enumerate(values)}
    shape = (len(values), len(starts))
    count, alive = np.zeros(shape), np.zeros(len(starts), dtype=bool)
    for hour, value, records in rows:
        alive[hour - starts[0]] = True
        if value:
            count[place[value], hour - starts[0]] = records
    entity = _BY_ID[kpi.id].entity
    series = tuple(Series(kpi.id, kpi.service, Entity(entity, value)) for value in values)
    there = np.broadcast_to(alive, shape)
    seen = np.where(there, count, np.nan)
    nothing = np.full(shape, np.nan)
    return Panel(
        kpi, 3600, series, starts * HOUR_MS, seen, seen.copy(), nothing, seen.copy(), there.astype(float),
        np.zeros(shape, dtype=bool),
    )  # fmt: skip
