"""The robust start of learning: which hours are too wild to learn from, before anything is known.

Per local day and hour the value is put on a scale where quiet noise has variance 1 (square root of counts, arcsine of
ratios; Anscombe, Biometrika 35, 1948), compared with the median of the same hour over days of its type, and set aside
when it strays more than six times the series' own robust spread.
"""

from __future__ import annotations

import numpy as np

from detectors.levels import day_type_hour
from detectors.panel import Bools, Floats, Ints, LocalTime, Observed
from detectors.subject import Kpi

WILD = 6.0
_TO_SIGMA = 1.4826  # median absolute deviation of a normal distribution → its standard deviation


def wild(kpi: Kpi, observed: Observed, when: LocalTime) -> Bools:
    """Buckets to set aside, shape (series, buckets)."""
    hour = when.day * 24 + when.cell % 24
    starts = np.flatnonzero(np.r_[True, np.diff(hour) != 0])
    amount = np.add.reduceat(np.nan_to_num(observed.amount), starts, axis=1)
    exposure = np.add.reduceat(np.nan_to_num(observed.exposure), starts, axis=1)
    seen = np.where(exposure > 0, amount / np.where(exposure > 0, exposure, 1.0), np.nan)
    usual = _medians(seen, day_type_hour(when.cell[starts]))
    distance = np.abs(_distance(kpi, amount, exposure, seen, usual))
    sigma = _TO_SIGMA * _row_median(distance)
    if kpi.model != "continuous":
        sigma = np.maximum(sigma, 1.0)
    with np.errstate(invalid="ignore"):
        out = (distance > WILD * sigma[:, None]) & (sigma[:, None] > 0)
    lengths = np.diff(np.r_[starts, observed.amount.shape[1]])
    return np.repeat(out, lengths, axis=1)


def _distance(kpi: Kpi, amount: Floats, exposure: Floats, seen: Floats, usual: Floats) -> Floats:
    if kpi.model == "count":
        return np.asarray(2 * (np.sqrt(amount + 0.375) - np.sqrt(exposure * usual + 0.375)), dtype=float)
    if kpi.model == "ratio":
        share = np.clip((amount + 0.375) / (exposure + 0.75), 0, 1)
        angle = np.arcsin(np.sqrt(share)) - np.arcsin(np.sqrt(np.clip(usual, 0, 1)))
        return np.asarray(2 * np.sqrt(exposure) * angle, dtype=float)
    return np.asarray(seen - usual, dtype=float)


def _medians(seen: Floats, groups: Ints) -> Floats:
    """Per column the median over the columns of its group, NaN-safe."""
    usual = np.full_like(seen, np.nan)
    for group in np.unique(groups):
        member = groups == group
        usual[:, member] = _row_median(seen[:, member])[:, None]
    return usual


def _row_median(array: Floats) -> Floats:
    """Median of each row's numbers; NaN for a row without any."""
    ordered = np.sort(array, axis=1)  # NaN last
    count = np.isfinite(array).sum(axis=1)
    rows = np.arange(len(array))
    low, high = ordered[rows, np.maximum(count - 1, 0) // 2], ordered[rows, np.minimum(count // 2, array.shape[1] - 1)]
    return np.where(count > 0, (low + high) / 2, np.nan)
