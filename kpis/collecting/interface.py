"""What a collector is: it makes the values of one KPI over a span of time."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple, Protocol

from infrastructure.store import Store
from kpis.tracking.model import Tracked
from kpis.tracking.points import Value


class Due(NamedTuple):
    """start ≤ t < end, whole buckets of `resolution_sec`, all of them over."""

    start: datetime
    end: datetime
    resolution_sec: int


class Collector(Protocol):
    """`touched`: earliest time whose values may have changed since `before` (None: ever), None where nothing came.

    `values`: every value of a span; what it leaves out is no longer there. Raises BusyhourError where the source fails.
    """

    def touched(self, store: Store, tracked: Tracked, before: datetime | None) -> datetime | None: ...

    def values(self, store: Store, tracked: Tracked, due: Due) -> Iterable[Value]: ...


class UsageValues(Protocol):
    """A port: daily values from the usage store, which is above this package."""

    def first(self) -> datetime | None:
        """Start of the first day that has anything; None: nothing is there."""
        ...

    def daily(self, measure: str, start: datetime, end: datetime) -> list[tuple[datetime, float]]:
        """(start of a UTC day, value), days without a value left out. Raises UserError on an unknown measure."""
        ...
