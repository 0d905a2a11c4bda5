"""One day of one service: the rows that fall on it, in order of time, whatever else is generated."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

import numpy as np

from datagen import epc, sms, voip
from datagen.arrivals import BLOCKS_A_DAY, DAY_MS, Span, parts_of, spans
from datagen.model import Model
from datagen.table import Flags, Ints, Table, concatenate, length, take, whole

Block = Callable[[Span], Table]
BLOCKS: dict[str, Callable[[Model], Block]] = {
    "voip": voip.blocks,
    "sms": lambda model: partial(sms.block, model),
    "epc": lambda model: partial(epc.block, model),
}
Day = Callable[[int], Table]
View = Callable[
    [Table], Table
]  # rows → records of a format, each with its own `_time`, not before the block's beginning
Pieces = Callable[[int], Iterator[list[Table]]]


def pieces(model: Model, service: str, views: Sequence[View]) -> Pieces:
    """A function from a day (days since 1970, UTC) to its pieces, one a block of six hours or a part of it, in order; a piece is
    a table a view.

    Only rows of one piece, and those that it hands on to the next, are in memory. What the last block of a day hands on to the
    next day is remembered. Rows are sorted by `_time` and numbered over the day.
    """
    make, parts = BLOCKS[service](model), parts_of(model.per_day[service])
    remembered: dict[int, list[Table]] = {}  # by the day that it was handed on to

    def handed_on(number: int) -> list[Table]:
        """Of each view, what the last block before the day has on it."""
        late: list[list[Table]] = [[] for _ in views]
        for span in spans(number * BLOCKS_A_DAY - 1, 1, parts):
            block = make(span)
            for place, view in enumerate(views):
                late[place].append(_since(view(block), number * DAY_MS))
        return [concatenate(tables) for tables in late]

    def day(number: int) -> Iterator[list[Table]]:
        first, silent = number * BLOCKS_A_DAY, silences(model, service)
        carried = remembered.pop(number, None) or handed_on(number)
        remembered.clear()
        numbered = [0] * len(views)
        late: list[list[Table]] = [[] for _ in views]
        for span in spans(first, BLOCKS_A_DAY, parts):
            block = make(span)
            piece = []
            for place, view in enumerate(views):
                seen = view(block)
                if span.block == first + BLOCKS_A_DAY - 1:
                    late[place].append(_since(seen, (number + 1) * DAY_MS))
                together = concatenate([carried[place], seen])
                carried[place] = _since(together, span.end)
                due = together["_time"].values < span.end
                piece.append(_arranged(together, due, span.start, silent, numbered[place]))
                numbered[place] += length(piece[-1])
            del block, seen, together
            yield piece
        remembered[number + 1] = [concatenate(tables) for tables in late]

    return day


def _since(table: Table, moment: int) -> Table:
    return take(table, np.flatnonzero(table["_time"].values >= moment))


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
