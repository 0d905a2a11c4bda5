"""The collector of the usage store's values, through a port: the store is above this package."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from contracts.clock import epoch_ms
from infrastructure.store import Store
from kpis.collecting.interface import Due, UsageValues
from kpis.tracking.model import WHOLE, Tracked
from kpis.tracking.points import Value

_AGAIN = timedelta(days=3)  # records of these days may still come


class Used:
    def __init__(self, port: UsageValues) -> None:
        self._port = port

    def touched(self, store: Store, tracked: Tracked, before: datetime | None) -> datetime | None:
        first = self._port.first()
        return first if before is None or first is None else max(first, before - _AGAIN)

    def values(self, store: Store, tracked: Tracked, due: Due) -> Iterator[Value]:
        for day, value in self._port.daily(tracked.details["measure"], due.start, due.end):
            yield Value(WHOLE, epoch_ms(day), value, None, None, 1, "ok")
