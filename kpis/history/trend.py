"""Trend and change points of a series.

Slope: Theil and Sen's median of pairwise slopes, which a few odd days do not move. Change points of the mean: PELT (Killick,
Fearnhead and Eckley 2012) with a quadratic cost over the series less its weekday pattern, measured in its own noise.
"""

from __future__ import annotations

import warnings
from datetime import datetime
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kpis.history.series import Floats, Series

LEAST = 8  # values to say anything from
_PENALTY = 4.0  # × log n × noise variance; BIC has 2 for mean and place of a change, and noise here has memory
_LEAST_SEGMENT = 3  # buckets between two changes
_WEEK_SEC = 604_800


class Change(NamedTuple):
    """From `at` on the level is `after`, until then it was `before` (means, in the KPI's unit)."""

    at: datetime
    before: float
    after: float


class Trend(NamedTuple):
    """`slope`: units a week, `low` and `high` its 95 % interval; `rising` and so on: `word`. Changes oldest first."""

    slope: float
    low: float
    high: float
    word: str
    changes: tuple[Change, ...]


def trend(found: Series) -> Trend | None:
    """None where fewer than eight values are known."""
    from scipy.stats import theilslopes

    where = np.flatnonzero(np.isfinite(found.values))
    if len(where) < LEAST:
        return None
    values = found.values[where]
    weeks = where * found.step_sec / _WEEK_SEC
    slope, _, low, high = theilslopes(values, weeks, 0.95)
    word = "rising" if low > 0 else "falling" if high < 0 else "level"
    return Trend(float(slope), float(low), float(high), word, _changes(found, where))


def _changes(found: Series, where: NDArray[np.intp]) -> tuple[Change, ...]:
    import ruptures

    values = found.values[where]
    flat = values - _weekdays(found, where)
    noise = float(np.median(np.abs(np.diff(flat)))) * 1.4826 / np.sqrt(2)
    spread = float(flat.std())
    if spread <= 1e-12 * max(abs(float(values.mean())), 1e-300):
        return ()
    scaled = flat / max(noise, 0.05 * spread)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of numpy inside the library
        penalty = _PENALTY * np.log(len(scaled))
        ends = ruptures.Pelt(model="l2", min_size=_LEAST_SEGMENT, jump=1).fit(scaled.reshape(-1, 1)).predict(penalty)
    edges = [0, *ends]
    means = [float(values[a:b].mean()) for a, b in pairwise(edges)]
    return tuple(
        Change(found.moment(int(where[edge])), before, after)
        for edge, before, after in zip(edges[1:-1], means[:-1], means[1:], strict=True)
    )


def _weekdays(found: Series, where: NDArray[np.intp]) -> Floats:
    """What each place in the week adds to the level around it, by medians; zeros where there are not three weeks."""
    import pandas as pd

    slots = _WEEK_SEC // found.step_sec
    values, pattern = found.values[where], np.zeros(len(where))
    if len(found.values) < 3 * slots:
        return pattern
    level = pd.Series(found.values).rolling(slots, center=True, min_periods=slots // 2).median().to_numpy()[where]
    beside = values - level
    for slot in np.unique(where % slots):
        own = where % slots == slot
        pattern[own] = np.nanmedian(beside[own])
    return pattern - float(np.median(pattern))
