"""Rate limit: a bucket of tokens for each key, refilled evenly. Bounded memory."""

from __future__ import annotations

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable

from console.errors import TooMany

MOST_KEYS = 20_000


class Limiter:
    """At most `burst` tries at once, then one every `every_sec`. Safe for threads."""

    def __init__(self, burst: int, every_sec: float, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._burst, self._every, self._monotonic = burst, every_sec, monotonic
        self._lock = threading.Lock()
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()  # tokens left, as of when

    def take(self, key: str) -> None:
        """Raises TooMany when the bucket of `key` is empty."""
        now = self._monotonic()
        with self._lock:
            left, since = self._buckets.pop(key, (float(self._burst), now))
            left = min(self._burst, left + (now - since) / self._every)
            self._buckets[key] = (left - 1 if left >= 1 else left, now)
            if len(self._buckets) > MOST_KEYS:
                self._buckets.popitem(last=False)
        if left < 1:
            raise TooMany("too many tries", retry_sec=math.ceil((1 - left) * self._every))

    def forgive(self, key: str) -> None:
        """Forgets the tries of `key`."""
        with self._lock:
            self._buckets.pop(key, None)
