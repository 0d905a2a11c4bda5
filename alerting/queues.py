"""Work for other systems, beside the run: one queue and one thread for each destination, so that none waits for another.

A destination that does not answer costs its own work only. After `GIVE_UP` failed ones in a row its queue is closed
for this run and the rest comes back as pending. Threads are daemons: one that hangs beyond its own time limits (a server
that sends a header byte by byte) is left behind when the run ends.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator
from typing import Generic, Protocol, TypeVar

from alerting.alert import Outcome, Status

GIVE_UP = 2
NO_END = "no end in sight: left behind"
NO_TIME = "no time was left: left for the next run"
_LAST_SEC = 2.0  # what is under way when the time is over may end: its answer is worth more than a second telling


class Named(Protocol):
    @property
    def id(self) -> str: ...


T = TypeVar("T", bound=Named)


class Queues(Generic[T]):
    """`submit` never waits, `finish` gives what comes back."""

    def __init__(self, work: Callable[[T], Outcome], *, idle_sec: float) -> None:
        self._work, self._idle_sec = work, idle_sec
        self._lines: dict[str, queue.SimpleQueue[T]] = {}
        self._finished: queue.SimpleQueue[tuple[T, Outcome]] = queue.SimpleQueue()
        self._open: dict[str, T] = {}
        self._lock = threading.Lock()
        self._begun: set[str] = set()
        self._stopped = False

    def submit(self, destination: str, item: T) -> None:
        self._open[item.id] = item
        line = self._lines.get(destination)
        if line is None:
            line = self._lines[destination] = queue.SimpleQueue()
            name = f"alerts to {destination}"
            threading.Thread(target=self._serve, args=(line,), name=name, daemon=True).start()
        line.put(item)

    @property
    def stopped(self) -> bool:
        """Somebody was left behind: nothing more is begun."""
        return self._stopped

    def _begin(self, item: T) -> bool:
        with self._lock:
            if not self._stopped:
                self._begun.add(item.id)
            return not self._stopped

    def _serve(self, line: queue.SimpleQueue[T]) -> None:
        failed = 0
        while True:
            item = line.get()
            if not self._begin(item):
                return
            if failed >= GIVE_UP:
                outcome = Outcome(Status.PENDING, "the destination keeps failing: left for the next run", attempts=0)
            else:
                outcome = self._work(item)
            failed = 0 if outcome.status is Status.SENT else failed + 1
            self._finished.put((item, outcome))

    def finish(self, within_sec: float = 86400.0) -> Iterator[tuple[T, Outcome]]:
        """What comes back. After `idle_sec` without progress, or `within_sec`, the rest is pending and nothing more is begun."""
        yield from self._ended(time.monotonic() + within_sec, lambda: bool(self._open))
        if self._open:
            with self._lock:
                self._stopped = True
            yield from self._ended(time.monotonic() + _LAST_SEC, lambda: not self._begun.isdisjoint(self._open))
        for item in self._open.values():
            if item.id in self._begun:
                yield item, Outcome(Status.PENDING, NO_END)
            else:
                yield item, Outcome(Status.PENDING, NO_TIME, attempts=0)
        self._open.clear()

    def _ended(self, end: float, wanted: Callable[[], bool]) -> Iterator[tuple[T, Outcome]]:
        """What ends while it is `wanted`, until nothing does for `idle_sec`, or until `end` (monotonic)."""
        while wanted():
            try:
                item, outcome = self._finished.get(timeout=max(0.001, min(self._idle_sec, end - time.monotonic())))
            except queue.Empty:
                return
            if self._open.pop(item.id, None) is not None:
                yield item, outcome
