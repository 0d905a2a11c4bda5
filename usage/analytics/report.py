"""What a report is: named columns with units, rows, notes. How it looks is `usage.render`'s matter."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from usage.analytics.period import Period

Value = str | int | float | Decimal | date | datetime | None
UNITS = ("text", "count", "ms", "bytes", "money", "ratio", "time")


class Column(NamedTuple):
    """`unit`: text, count, ms (a duration), bytes, money (decimal), ratio (0 to 1, or a change: -1 and more), time (UTC),
    mixed: the row's own column `unit` says.
    """

    name: str
    unit: str = "count"


class Report(NamedTuple):
    """`rows` in the order of `columns`; `totals` for those columns that have one; `notes`: what a reader must know."""

    name: str
    title: str
    period: Period
    columns: tuple[Column, ...]
    rows: list[tuple[Value, ...]]
    totals: Mapping[str, Value] = {}
    notes: tuple[str, ...] = ()
    currency: str = ""


def whole_number(value: Any) -> int:
    """A sum as the database gives it: a decimal, or nothing."""
    return int(value or 0)


def share(part: int, of: int) -> float | None:
    return part / of if of else None


def change(now: int, before: int) -> float | None:
    """-0.25: a quarter less than before; None where there was nothing before."""
    return (now - before) / before if before else None
