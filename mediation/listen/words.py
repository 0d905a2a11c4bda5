"""What the server says: every line for people, but never a flood of them, whatever clients do."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

_LINES = 20
_SPAN_SEC = 10.0
_LONGEST = 500


class Words:
    """At most 20 lines in 10 seconds; how many were left out is said with the next one. Safe for threads."""

    def __init__(self, say: Callable[[str], None], monotonic: Callable[[], float] = time.monotonic) -> None:
        self._say, self._monotonic = say, monotonic
        self._lock = threading.Lock()
        self._since, self._said, self._unsaid = monotonic(), 0, 0

    def say(self, text: str) -> None:
        with self._lock:
            if self._monotonic() - self._since >= _SPAN_SEC:
                self._since, self._said = self._monotonic(), 0
            if self._said >= _LINES:
                self._unsaid += 1
                return
            self._said += 1
            if self._unsaid:
                self._say(f"{self._unsaid} lines like these were left out")
                self._unsaid = 0
            # What a client sent may stand in it: no line of its own making.
            self._say("".join(letter if letter.isprintable() or letter == "\n" else "?" for letter in text[:_LONGEST]))
