"""Evaluations that are ahead in a run, in order of time."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from datetime import datetime, timedelta

from alerting.schedules import Every
from alerting.ticks import ticks
from alerting.watch import Watch
from infrastructure.store import Store

TOGETHER = 64  # evaluations of one moment that are asked for at once
_MILLISECOND = timedelta(milliseconds=1)


class Agenda:
    """Of some watches over [since, until]. `every` takes the place of regular schedules; times of day stay as they are."""

    def __init__(
        self, store: Store, watches: Sequence[Watch], since: datetime, until: datetime, every: timedelta | None
    ) -> None:
        self._schedules = [Every(every) if every and watch.schedule.regular else watch.schedule for watch in watches]
        self._watches, self._since, self._until = watches, since, until
        self._numbers = {watch.name: number for number, watch in enumerate(watches)}
        self._heap = [
            (tick, number)
            for number, watch in enumerate(watches)
            for tick in ticks(store, watch, since, until, self._schedules[number])
        ]
        self._queued = set(self._heap)
        heapq.heapify(self._heap)

    def __len__(self) -> int:
        return len(self._heap)

    def next(self) -> list[tuple[datetime, Watch]]:
        """The earliest evaluations: of one moment, each of another watch."""
        found: list[tuple[datetime, Watch]] = []
        while self._heap and len(found) < TOGETHER and (not found or self._heap[0][0] == found[0][0]):
            tick, number = heapq.heappop(self._heap)
            self._queued.discard((tick, number))
            found.append((tick, self._watches[number]))
        return found

    def all_at(self, moment: datetime) -> None:
        """Every watch at its first tick from a moment on that lies within the range: who is told may change there."""
        for number in range(len(self._watches)):
            self._add(number, moment)

    def again(self, tick: datetime, watch: Watch, later: timedelta = _MILLISECOND) -> None:
        """A watch at its first tick so much after another one; the next one unless said."""
        self._add(self._numbers[watch.name], tick + later)

    def _add(self, number: int, moment: datetime) -> None:
        tick = self._schedules[number].first(moment)
        if tick is None or not self._since <= tick <= self._until or (tick, number) in self._queued:
            return
        self._queued.add((tick, number))
        heapq.heappush(self._heap, (tick, number))
