"""Whom people talk to: a line's calls go mostly to its circle, which is computed from the line and stored nowhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from datagen.people.base import Customers
from datagen.streams import Stream, mixed
from datagen.table import Floats, Ints


class Outside:
    """Numbers of people elsewhere: ranges of the network file, each as likely as its size."""

    def __init__(self, ranges: Sequence[tuple[int, int]]) -> None:
        self._prefixes = np.array([prefix for prefix, _ in ranges])
        self._sizes = np.array([10**digits for _, digits in ranges])
        self._edges = np.cumsum(self._sizes)

    def number(self, chance: Ints) -> Ints:
        """E.164 number for any whole number from 0 on."""
        place = chance % self._edges[-1]
        part = np.searchsorted(self._edges, place, side="right")
        numbers: Ints = self._prefixes[part] * self._sizes[part] + place - (self._edges[part] - self._sizes[part])
        return numbers


def peers(rng: Stream, outside: Outside, line: Ints, customers: Customers) -> Ints:
    """The other party of each line's call: `circle.share` of them within its circle, the first of which most often."""
    circle, seed = customers.base.circle, customers.seed
    draws: Floats = rng.random((2, line.size))
    people = np.maximum(1, members(line, circle, seed))
    member = (people * draws[0] ** circle["skew"]).astype(np.int64)
    inside = mixed(line * 1024 + member, seed + 21)
    anybody = rng.integers(0, 2**62, line.size)
    return outside.number(np.where(draws[1] < circle["share"], inside, anybody))


def members(line: Ints, circle: Mapping[str, float], seed: int) -> Ints:
    """People in each line's circle: from half to one and a half times `circle.people`."""
    spread = (mixed(line, seed + 20) >> 10) / 2.0**53
    return np.clip(np.rint(circle["people"] * (0.5 + spread)), 1, 1000).astype(np.int64)
