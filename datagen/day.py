"""One day of one service: the rows that fall on it, in order of time, whatever else is generated."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache

import numpy as np

from datagen import epc, sms, voip
from datagen.arrivals import BLOCKS_A_DAY, DAY_MS
from datagen.model import Model
from datagen.table import Flags, Ints, Table, concatenate, length, take, whole

Block = Callable[[Model, int], Table]
BLOCKS: dict[str, Block] = {"voip": voip.block, "sms": sms.block, "epc": epc.block}
BLOCK_MS = DAY_MS // BLOCKS_A_DAY
Day = Callable[[int], Table]
View = Callable[
    [Table], Table
]  # rows → records of a format, each with its own `_time`, not before the block's beginning
Pieces = Callable[[int], Iterator[list[Table]]]


def pieces(model: Model, service: str, views: Sequence[View]) -> Pieces:
    """A function from a day (days since 1970, UTC) to its pieces, one a block of six hours, in order; a piece is a table a view.

    Only rows of one block, and those that it hands on to the next, are in memory. The last block, which two days share, is
    remembered. Rows are sorted by `_time` and numbered over the day.
    """

    @lru_cache(maxsize=1)
    def late_block(number: int) -> Table:
        return BLOCKS[service](model, number)

    def day(number: int) -> Iterator[list[Table]]:
        first = number * BLOCKS_A_DAY
        silent = silences(model, service)
        carried: list[Table | None] = [None] * len(views)
        numbered = [0] * len(views)
        for part in range(-1, BLOCKS_A_DAY):
            block = late_block(first + part) if part in (-1, BLOCKS_A_DAY - 1) else BLOCKS[service](model, first + part)
            start = (first + part) * BLOCK_MS
            piece = []
            for place, view in enumerate(views):
                before = carried[place]
                together = view(block) if before is None else concatenate([before, view(block)])
                late = together["_time"].values >= start + BLOCK_MS
                carried[place] = take(together, np.flatnonzero(late))
                if part >= 0:
                    piece.append(_arranged(together, ~late, start, silent, numbered[place]))
                    numbered[place] += length(piece[-1])
            del block, together
            if part >= 0:
                yield piece

    return day


def days(model: Model, service: str) -> Day:
    """A function from a day to its table."""
    make = pieces(model, service, [lambda table: table])

    def day(number: int) -> Table:
        return concatenate([piece[0] for piece in make(number)])

    return day


def silences(model: Model, service: str) -> tuple[tuple[int, int], ...]:
    """Spans (ms) in which the service's feed delivers nothing."""
    return tuple(
        (incident.start, incident.end)
        for incident in model.incidents
        if incident.type.mechanism == "silence" and incident.service == service
    )


def _arranged(table: Table, kept: Flags, start: int, silent: tuple[tuple[int, int], ...], first: int) -> Table:
    """The rows to keep that were delivered, sorted by time, numbered from `first` on. One before this piece is at its start."""
    times: Ints = np.maximum(table["_time"].values, start)
    for begin, end in silent:
        kept = kept & ((times < begin) | (times >= end))
    rows = np.flatnonzero(kept)
    arranged = take({**table, "_time": table["_time"].of(times)}, rows[np.argsort(times[rows], kind="stable")])
    arranged["cdr.record"] = whole(first + np.arange(length(arranged)))
    return arranged
