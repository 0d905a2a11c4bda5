"""Gaps: buckets that a KPI should have a value for and has none, or says that it has no data."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from contracts.clock import epoch_ms, floor_to, from_epoch_ms
from contracts.indices import KPI_INDEX
from infrastructure.store import Store
from kpis import compiler
from kpis.tracking.model import Tracked

MOST_BUCKETS = 20_000


class Gap(NamedTuple):
    """Consecutive buckets without a value: start ≤ t < end."""

    start: datetime
    end: datetime
    buckets: int


def gaps(store: Store, tracked: Tracked, entity: str, start: datetime, end: datetime, resolution_sec: int) -> list[Gap]:
    """Gaps of an entity from its first value within the span on, oldest first; [] where it has none at all."""
    step = resolution_sec * 1000
    first, last = epoch_ms(floor_to(start, resolution_sec)) // step, epoch_ms(floor_to(end, resolution_sec)) // step
    first = max(first, last - MOST_BUCKETS)
    kind, _, name = entity.partition(":")
    query = f"""FROM {KPI_INDEX[resolution_sec]}
| WHERE @timestamp >= ? AND @timestamp < ? AND kpi.value IS NOT NULL
| WHERE kpi.id == {compiler.constant(tracked.id)} AND kpi.version == {tracked.version}
| WHERE entity.type == {compiler.constant(kind)} AND entity.id == {compiler.constant(name)}
| EVAL k = TO_LONG(@timestamp) / {step}
| STATS n = COUNT(*) BY k"""
    bounds = from_epoch_ms(first * step), from_epoch_ms(last * step)
    found: set[int] = set()
    for table in store.esql_windows(lambda a, b: (query, [a, b]), *bounds, step=timedelta(seconds=resolution_sec)):
        found |= set(table.column("k"))
    if not found:
        return []
    return [
        Gap(from_epoch_ms(low * step), from_epoch_ms((high + 1) * step), high - low + 1)
        for low, high in _runs(sorted(set(range(min(found), last)) - found))
    ]


def _runs(numbers: list[int]) -> list[tuple[int, int]]:
    runs: list[tuple[int, int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], number)
        else:
            runs.append((number, number))
    return runs
