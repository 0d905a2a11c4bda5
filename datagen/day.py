"""One day of one service: the rows that fall on it, in order of time, whatever else is generated."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np

from datagen import epc, sms, voip
from datagen.arrivals import BLOCKS_A_DAY, DAY_MS
from datagen.model import Model
from datagen.table import Flags, Ints, Table, concatenate, length, take, whole

Block = Callable[[Model, int], Table]
_BLOCKS: dict[str, Block] = {"voip": voip.block, "sms": sms.block, "epc": epc.block}
Day = Callable[[int], Table]


def days(model: Model, service: str) -> Day:
    """A function from a day (days since 1970, UTC) to its table; it remembers the last block, which two days share."""

    @lru_cache(maxsize=1)
    def late_block(number: int) -> Table:
        return _BLOCKS[service](model, number)

    def day(number: int) -> Table:
        first = number * BLOCKS_A_DAY
        tables = [late_block(first - 1)]
        tables += [_BLOCKS[service](model, first + part) for part in range(BLOCKS_A_DAY - 1)]
        tables.append(late_block(first + BLOCKS_A_DAY - 1))
        return _arranged(concatenate(tables), number * DAY_MS, silences(model, service))

    return day


def silences(model: Model, service: str) -> tuple[tuple[int, int], ...]:
    """Spans (ms) in which the service's feed delivers nothing."""
    return tuple(
        (incident.start, incident.end)
        for incident in model.incidents
        if incident.type.mechanism == "silence" and incident.service == service
    )


def _arranged(table: Table, start: int, silent: tuple[tuple[int, int], ...]) -> Table:
    """Rows of the day that were delivered, sorted by time, numbered."""
    times: Ints = table["_time"].values
    kept: Flags = (times >= start) & (times < start + DAY_MS)
    for first, end in silent:
        kept &= (times < first) | (times >= end)
    rows = np.flatnonzero(kept)
    arranged = take(table, rows[np.argsort(times[rows], kind="stable")])
    arranged["cdr.record"] = whole(np.arange(length(arranged)))
    return arranged
