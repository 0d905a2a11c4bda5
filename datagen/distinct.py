"""Counting what is different without keeping all of it: exact up to a bound, then an estimate. Parts merge in any order.

The estimate is that of the K smallest hashes (Bar-Yossef et al. 2002, algorithm 1; the unbiased form of Beyer et al. 2007):
where K hashes spread over 0–1 end at h, there are about (K - 1) / h of them; relative standard error 1 / sqrt(K - 2).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from datagen.streams import mixed
from datagen.table import Ints

BOUND = 2**16  # half a megabyte; beyond it the count is right within 0.4 % (one standard deviation)
_SALT = 0x5EED
_HASHES = 2.0**63


def _none() -> Ints:
    return np.zeros(0, np.int64)


@dataclass(slots=True)
class Distinct:
    """Different whole numbers ≥ 0. `smallest`: their hashes, sorted, at most `bound`; `more`: some were left out."""

    bound: int = BOUND
    smallest: Ints = field(default_factory=_none)
    more: bool = False

    def add(self, numbers: Ints) -> None:
        self._take(mixed(np.unique(numbers), _SALT))

    def merge(self, other: Distinct) -> None:
        self._take(other.smallest)
        self.more |= other.more

    def _take(self, hashes: Ints) -> None:
        together = np.union1d(self.smallest, hashes)
        self.more |= together.size > self.bound
        self.smallest = together[: self.bound]

    @property
    def count(self) -> int:
        """How many: exact unless `more`."""
        if not self.more:
            return int(self.smallest.size)
        return round((self.bound - 1) * _HASHES / (float(self.smallest[-1]) + 1))


@dataclass(slots=True)
class Sighting:
    """The values of one field: all of them while they are few, and the lowest and highest."""

    most: int = 32
    values: set[int] | None = field(default_factory=set)
    low: int = 2**63 - 1
    high: int = -1

    def add(self, values: Iterable[int]) -> None:
        for value in values:
            self.low, self.high = min(self.low, value), max(self.high, value)
            if self.values is not None:
                self.values.add(value)
                if len(self.values) > self.most:
                    self.values = None

    def merge(self, other: Sighting) -> None:
        if other.values is None:
            self.values = None
            self.low, self.high = min(self.low, other.low), max(self.high, other.high)
        else:
            self.add(other.values)

    def prefix(self) -> str:
        """Digits that all values begin with; empty where there are none, or numbers of several lengths."""
        low, high = str(self.low), str(self.high)
        if self.high < 0 or len(low) != len(high):
            return ""
        return next((low[:place] for place in range(len(low)) if low[place] != high[place]), low)
