"""A new series in its first week: the shape of its parent (a trunk group's service), its own level, and honest doubt.

`levels.settle` already lets a child differ from its parent's shape only as far as its own hours prove it. What a first day cannot
show is how days differ, and how far a new trunk's week is unlike the service's: that doubt is taken from the parent's own spread,
widened, and goes as days come in (empirical Bayes with the parent as prior; Morris, JASA 78, 1983).
"""

from __future__ import annotations

import numpy as np

from detectors.baseline import Baseline
from detectors.panel import Bools, Floats

FULL_DAYS = 7.0  # from here on a series speaks for itself: a week is what repeats
LEAST_HOURS = 3.0  # of data; with fewer not even the level is known
STRANGE = 3.0  # a day's own deviation counts so many times at first, since shape and level rest on that one day
LEAST_SPREAD = 0.0025  # squared: a new series follows its parent's shape to within 5 % at best


def judgeable(days: Floats, hours: Floats, parent: Baseline | None) -> Bools:
    """Which series can be judged: those with a week of data, and younger ones that a known parent speaks for."""
    enough = days >= FULL_DAYS
    if parent is None:
        return enough
    leans = np.isfinite(parent.centre).any(axis=1) & (hours >= LEAST_HOURS)
    return np.asarray(enough | leans)


def young_spread(between: Floats, days: Floats, parent: Baseline | None) -> Floats:
    """`between` (series, 168) of series in their first week, never less than their parent's; of older ones as it is."""
    if parent is None:
        return between
    young = ((days < FULL_DAYS) & np.isfinite(parent.centre).any(axis=1))[:, None]
    if not young.any():
        return between
    passed = np.clip(days, 1.0, FULL_DAYS)[:, None]
    prior = np.maximum(np.nan_to_num(parent.between), LEAST_SPREAD) * (1.0 + STRANGE * (1.0 / passed - 1.0 / FULL_DAYS))
    return np.where(young, np.maximum(between, prior), between)
