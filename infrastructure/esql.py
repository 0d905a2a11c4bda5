"""ES|QL: answers as tables, and ways around the row cap of a query. Pure; the store asks."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from contracts.clock import from_epoch_ms, iso
from contracts.errors import StoreRefused, TooSlow

_UNKNOWN_INDEX = re.compile(r"(?:Unknown|no such) index \[([^\]]+)\]")
_FROM = re.compile(r"^(\s*FROM\s+)([^|\n]+?)(\s+METADATA\b[^|\n]*)?(?=\s*(?:\||\n|$))", re.IGNORECASE)
_SHORTEST = timedelta(milliseconds=1)  # resolution of a stored date


class Table(NamedTuple):
    """Answer of a query: `rows` in the order of `columns`; times are ISO text, absent values None."""

    columns: list[str]
    rows: list[list[Any]]

    def dicts(self) -> list[dict[str, Any]]:
        """One dict a row."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]

    def column(self, name: str) -> list[Any]:
        """Values of one column. Raises KeyError on a name the answer does not have; an empty table has any."""
        if name not in self.columns:
            if not self.columns:
                return []
            raise KeyError(name)
        position = self.columns.index(name)
        return [row[position] for row in self.rows]


class TooManyRows(StoreRefused):
    """The answer was cut at the row cap, so it is worth nothing."""


def with_limit(query: str, rows: int) -> str:
    """The query, bounded to one row more than may be used: who gets it knows that rows are missing."""
    return f"{query.rstrip()}\n| LIMIT {rows + 1}"


def without_unknown(query: str, reason: str, ours: Callable[[str], bool]) -> str | None:
    """The query without indices of ours that have no partition yet; None when none is left.

    Raises StoreRefused when the unknown index is not ours.
    """
    found = _UNKNOWN_INDEX.search(reason)
    head = _FROM.match(query)
    unknown = {name.strip() for name in found.group(1).split(",")} if found else set()
    if head is None or not unknown or not all(ours(name) for name in unknown):
        raise StoreRefused(reason, where="ES|QL", remedy="correct the query:\n" + query)
    left = [name for name in (part.strip() for part in head.group(2).split(",")) if name not in unknown]
    if not left:
        return None
    return f"{head.group(1)}{', '.join(left)}{head.group(3) or ''}{query[head.end() :]}"


def windows(
    ask: Callable[[datetime, datetime], Table], start: datetime, end: datetime, step: timedelta | None, most: int
) -> Iterator[Table]:
    """Answers that together cover `start` ≤ t < `end`, in order, each within the row cap.

    A window whose answer is cut, or takes too long, is halved, and grows again where rows are few; after one that took too long
    it does not grow. Inner edges are multiples of `step` in UTC since the epoch. Raises TooManyRows when a single step has too
    many rows, TooSlow when it takes too long.
    """
    step = step or _SHORTEST
    length = longest = end - start
    while start < end:
        stop = _edge(start, start + length, end, step)
        try:
            table = ask(start, stop)
        except (TooManyRows, TooSlow) as error:
            shorter = _edge(start, start + (stop - start) / 2, end, step)
            if shorter >= stop and isinstance(error, TooSlow):
                raise
            if shorter >= stop:
                raise TooManyRows(
                    f"more than {most} rows between {iso(start)} and {iso(stop)}",
                    where="ES|QL",
                    remedy="group by less, or raise rollup.rows and esql.query.result_truncation_max_size",
                ) from error
            length = shorter - start
            longest = length if isinstance(error, TooSlow) else longest
            continue
        yield table
        if len(table.rows) * 2 <= most:
            length *= 2
        length = min(length, longest, end - start)
        start = stop


def _edge(start: datetime, wanted: datetime, end: datetime, step: timedelta) -> datetime:
    """The last multiple of `step` up to `wanted`, at least one step on, at most `end`."""
    if wanted >= end:
        return end
    epoch = from_epoch_ms(0)
    edge = wanted - (wanted - epoch) % step
    if edge <= start:
        edge = start + step - (start - epoch) % step
    return min(edge, end)
