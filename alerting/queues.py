"""Work for other systems, beside the run: one queue and one thread for each destination, so that none waits for another.

A destination that does not answer costs its own notices only. After `GIVE_UP` failed ones in a row its queue is closed
for this run and the rest comes back as pending. Threads are daemons: one that hangs beyond its own time limits (a server
that sends a header byte by byte) is left behind when the run ends.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator

from alerting.alert import Notice, Outcome, Status

GIVE_UP = 2
Work = Callable[[Notice], Outcome]


class Queues:
    """`submit` never waits, `done` gives what is finished, `finish` waits for the rest, `idle_sec` long without progress."""

    def __init__(self, work: Work, *, idle_sec: float) -> None:
        self._work, self._idle_sec = work, idle_sec
        self._lines: dict[str, queue.SimpleQueue[Notice]] = {}
        self._finished: queue.SimpleQueue[tuple[Notice, Outcome]] = queue.SimpleQueue()
        self._open: dict[str, Notice] = {}

    def submit(self, destination: str, notice: Notice) -> None:
        self._open[notice.id] = notice
        line = self._lines.get(destination)
        if line is None:
            line = self._lines[destination] = queue.SimpleQueue()
            name = f"alerts to {destination}"
            threading.Thread(target=self._serve, args=(line,), name=name, daemon=True).start()
        line.put(notice)

    def waits(self, notice_id: str) -> bool:
        """It is in a queue already."""
        return notice_id in self._open

    def _serve(self, line: queue.SimpleQueue[Notice]) -> None:
        failed = 0
        while True:
            notice = line.get()
            if failed >= GIVE_UP:
                outcome = Outcome(Status.PENDING, "the destination keeps failing: left for the next run", attempts=0)
            else:
                outcome = self._work(notice)
            failed = 0 if outcome.status is Status.SENT else failed + 1
            self._finished.put((notice, outcome))

    def done(self) -> Iterator[tuple[Notice, Outcome]]:
        """What was finished since the last call; does not wait."""
        while True:
            try:
                notice, outcome = self._finished.get_nowait()
            except queue.Empty:
                return
            if self._open.pop(notice.id, None) is not None:
                yield notice, outcome

    def finish(self) -> Iterator[tuple[Notice, Outcome]]:
        """The rest. What has not come back after `idle_sec` without any progress is pending."""
        while self._open:
            try:
                notice, outcome = self._finished.get(timeout=self._idle_sec)
            except queue.Empty:
                break
            if self._open.pop(notice.id, None) is not None:
                yield notice, outcome
        for notice in self._open.values():
            yield notice, Outcome(Status.PENDING, "no end in sight: left for the next run", attempts=0)
        self._open.clear()
