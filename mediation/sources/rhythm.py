"""How often a source delivers, learned from when it did, and how long its silence is still nothing. Pure.

Files delivered together are one delivery. The interval is the median between deliveries, which a few outages do not move; a
source that keeps no rhythm has none and is never late. A pause that a source has made twice in the window (the night, the
weekend) is its way.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from statistics import median
from typing import NamedTuple

TOGETHER_SEC = 20.0  # files that come within this time are one delivery
LEAST = 6  # pauses that a rhythm is learned from
SHORTEST_SEC = 30.0  # of an interval that is watched
_IRREGULAR = 0.5  # median deviation from the median pause, as a share of it: more is no rhythm
_USUAL = 1.25  # a pause made twice may be a quarter longer the third time


class Rhythm(NamedTuple):
    """`interval` s between deliveries; a silence longer than `patience` s is late. `learned`: from history."""

    interval: float
    patience: float
    learned: bool


def rhythm(moments: Sequence[float], *, every: float | None, intervals: int) -> Rhythm | None:
    """Rhythm of deliveries at `moments` (seconds since 1970, in order); None while there is none.

    `every`: the interval, where it is given. `intervals`: a silence of so many of them is late.
    """
    if every is not None:
        return Rhythm(every, every * intervals, learned=False)
    pauses = _pauses(moments)
    if len(pauses) < LEAST:
        return None
    middle = median(pauses)
    if middle < SHORTEST_SEC or median(abs(pause - middle) for pause in pauses) > _IRREGULAR * middle:
        return None
    usual = sorted(pauses)[-2] * _USUAL
    return Rhythm(middle, max(middle * intervals, usual), learned=True)


def _pauses(moments: Sequence[float]) -> list[float]:
    starts: list[float] = []
    last = float("-inf")
    for moment in moments:
        if moment - last > TOGETHER_SEC:
            starts.append(moment)
        last = moment
    return [right - left for left, right in pairwise(starts)]


def in_words(seconds: float) -> str:
    """`45 seconds`, `5 minutes`, `2.5 hours`, `3 days`."""
    for unit, size in (("day", 86400.0), ("hour", 3600.0), ("minute", 60.0)):
        if seconds >= 2 * size or (seconds >= size and seconds % size < size / 20):
            return _counted(seconds / size, unit)
    return _counted(seconds, "second")


def _counted(number: float, unit: str) -> str:
    text = f"{number:.1f}".removesuffix(".0") if number < 10 else f"{number:.0f}"
    return f"{text} {unit}{'' if text == '1' else 's'}"
