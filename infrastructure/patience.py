"""Waiting for an Elasticsearch that is away: back-off, what is said meanwhile, and when it is given up."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable

from contracts.errors import StoreUnavailable

LONGEST_PAUSE_SEC = 10.0  # a server that is back is found within ten seconds
_FIRST_PAUSE_SEC = 0.1
_QUIET_SEC = 3.0  # an overloaded server pushes back many times a minute: said only when it lasts


class Announcer:
    """One voice for the threads of a store: the first to wait says so, again at growing intervals, then that it is over."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._lock = threading.Lock()
        self._said_at: float | None = None  # waited seconds at the last message; None: nothing said

    def waiting(self, text: str, waited: float) -> None:
        with self._lock:
            if self._said_at is None or waited >= 2 * self._said_at + 5:
                self._said_at = waited
                self._say(text)

    def over(self, text: str) -> None:
        with self._lock:
            if self._said_at is not None:
                self._said_at = None
                self._say(text)


class Patience:
    """Waiting within one call. `pause` waits a little longer each time, and raises StoreUnavailable after `limit` seconds."""

    def __init__(
        self,
        place: str,
        limit: float,
        announcer: Announcer,
        *,
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._place, self._limit, self._announcer = place, limit, announcer
        self._sleep, self._monotonic = sleep, monotonic
        self._since: float | None = None
        self._pause = _FIRST_PAUSE_SEC

    @property
    def used(self) -> bool:
        return self._since is not None

    def pause(
        self, reason: str, *, remedy: str, at_once: bool = True, within: float | None = None, spent: float = 0.0
    ) -> None:
        """Waits before the next try. `at_once`: say so now, not only when it lasts. `within`: a shorter limit, in s.

        `spent`: seconds that the try which failed waited itself; they count.
        """
        limit = self._limit if within is None else min(within, self._limit)
        now = self._monotonic()
        self._since = now - spent if self._since is None else self._since
        waited = now - self._since
        if waited >= limit:
            raise StoreUnavailable(f"{reason}; waited {waited:.0f} s", where=self._place, remedy=remedy)
        if at_once or waited >= _QUIET_SEC:
            self._announcer.waiting(
                f"Elasticsearch at {self._place}: {reason}; waiting, "
                f"{waited:.0f} s so far, will give up after {limit:.0f} s",
                waited,
            )
        jitter = random.uniform(0.5, 1.0)  # many jobs must not come back in step
        self._sleep(min(self._pause * jitter, limit - waited))
        self._pause = min(self._pause * 2, LONGEST_PAUSE_SEC)

    def over(self) -> None:
        """The call went through."""
        if self._since is not None:
            waited = self._monotonic() - self._since
            self._announcer.over(f"Elasticsearch at {self._place} answers again after {waited:.0f} s")
