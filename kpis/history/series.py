"""The points of one KPI and entity as a series without gaps in its clock."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from contracts.clock import epoch_ms, floor_to, from_epoch_ms
from contracts.entities import Entity
from contracts.indices import KPI_INDEX
from infrastructure.store import Store
from kpis import compiler
from kpis.history.windows import own
from kpis.tracking import Tracked

Floats = NDArray[np.float64]


class Series(NamedTuple):
    """`values`, `samples`: one a bucket of `step_sec` from `start`; NaN and 0 where there is no value."""

    start: datetime
    step_sec: int
    values: Floats
    samples: Floats

    def moment(self, position: int) -> datetime:
        return self.start + timedelta(seconds=self.step_sec * position)

    @property
    def known(self) -> int:
        return int(np.isfinite(self.values).sum())


def series(store: Store, tracked: Tracked, entity: str, start: datetime, end: datetime, resolution_sec: int) -> Series:
    """start ≤ t < end, whole buckets."""
    kind, name = Entity.parse(entity)
    query = f"""FROM {KPI_INDEX[resolution_sec]}
| WHERE @timestamp >= ? AND @timestamp < ? AND kpi.value IS NOT NULL AND {own(tracked)}
| WHERE entity.type == {compiler.constant(kind)} AND entity.id == {compiler.constant(name)}
| EVAL k = TO_LONG(@timestamp)
| STATS v = MAX(kpi.value), s = MAX(kpi.samples) BY k"""
    first, last = floor_to(start, resolution_sec), floor_to(end, resolution_sec)
    step = resolution_sec * 1000
    low, count = epoch_ms(first), max((epoch_ms(last) - epoch_ms(first)) // step, 0)
    values, samples = np.full(count, np.nan), np.zeros(count)
    windows = store.esql_windows(lambda a, b: (query, [a, b]), first, last, step=timedelta(seconds=resolution_sec))
    for table in windows if count else ():
        for row in table.dicts():
            position = (row["k"] - low) // step
            values[position], samples[position] = row["v"], row["s"] or 0
    return Series(from_epoch_ms(low), resolution_sec, values, samples)
