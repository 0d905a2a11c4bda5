"""Bytes in flight: how much of what clients sent may be in memory at once, over all connections."""

from __future__ import annotations

import threading


class Budget:
    """Safe for threads. Who holds something never waits for more without giving it back first, so nobody waits for ever."""

    def __init__(self, total: int) -> None:
        self._free = total
        self._changed = threading.Condition()

    def take(self, size: int, timeout: float = 0.0) -> bool:
        """Whether `size` bytes could be had within `timeout` seconds."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._free >= size, timeout):
                return False
            self._free -= size
            return True

    def give(self, size: int) -> None:
        with self._changed:
            self._free += size
            self._changed.notify_all()
