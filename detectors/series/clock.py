"""A clock that never goes back, made from stamps that may."""

from __future__ import annotations

import numpy as np

from detectors.series.windows import Floats

DAY_SEC, WEEK_SEC = 86_400.0, 604_800.0
_LONGEST_GAP = 2 * WEEK_SEC
_FIRST = 64  # rows that tell the step


def steady(seconds: Floats) -> Floats:
    """Seconds, not falling. A row that is late by up to a day stands still with the row before it.

    A longer step back, or one ahead of more than two weeks, is a clock that was set: it is taken as whole weeks, so that
    the time of the day and of the week stay what they say, and what was learned stays in reach.
    """
    out = np.empty(len(seconds))
    shift, last = 0.0, -np.inf
    for row, stamp in enumerate(seconds.tolist()):
        now = stamp + shift
        if row and (now < last - DAY_SEC or now > last + _LONGEST_GAP):
            moved = np.ceil((last - now) / WEEK_SEC) * WEEK_SEC
            shift, now = shift + moved, now + moved
        last = max(now, last)
        out[row] = last
    return out


def step(clock: Floats) -> float:
    """Usual seconds between rows, from the first ones; 0 where they do not move."""
    return float(np.median(np.diff(clock[:_FIRST]))) if len(clock) > 1 else 0.0
