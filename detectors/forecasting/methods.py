"""Ways to say what comes, of one signature, on the evened scale."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from detectors.forecasting.calendar import Places
from detectors.forecasting.level import State
from detectors.forecasting.profile import fit
from detectors.forecasting.scale import Floats

# Known rows (NaN where absent) and places of those and of the rows to come → expected values of the rows to come.
Method = Callable[[Floats, Places], Floats]
_STEADY_DAYS = 14.0


def profile_and_trend(evens: Floats, where: Places) -> Floats:
    """A week's profile around a level with a damped trend."""
    return fit(evens, where.upto(len(evens))).ahead(where, len(evens))


def profile_and_level(evens: Floats, where: Places) -> Floats:
    """A week's profile around the level of the last days, which stays."""
    fitted = fit(evens, where.upto(len(evens)))
    away = evens - fitted.week[where.weekday, where.slot][: len(evens)]
    weights = np.where(np.isfinite(away), 0.5 ** ((fitted.last_day - where.day[: len(evens)]) / _STEADY_DAYS), 0.0)
    level = float((weights * np.nan_to_num(away)).sum() / max(weights.sum(), 1e-12))
    return fitted._replace(state=State(level, 0.0, 0.5)).ahead(where, len(evens))


def seasonal_naive(evens: Floats, where: Places) -> Floats:
    """The same time a week before, or a day before where less than a week is known; absent: the day before that."""
    rows, period = len(evens), _period(len(evens), where.slots)
    whole = np.r_[evens, np.full(len(where.day) - rows, np.nan)]
    for row in range(period, len(whole)):
        if whole[row] != whole[row]:
            whole[row] = whole[row - period]
    return np.where(np.isfinite(whole[rows:]), whole[rows:], np.nanmedian(evens))


def naive_scale(values: Floats, slots: int) -> float:
    """Mean absolute error of the seasonal naive over the known rows: what MASE divides by (Hyndman and Koehler,
    International Journal of Forecasting 22, 2006). NaN where no pair is known."""
    period = _period(len(values), slots)
    errors = np.abs(values[period:] - values[:-period])
    errors = errors[np.isfinite(errors)]
    return float(errors.mean()) if len(errors) else np.nan


def _period(rows: int, slots: int) -> int:
    week = 7 * slots
    if rows >= 2 * week:
        return week
    return slots if rows > slots else 1


METHODS: dict[str, Method] = {
    "profile_and_trend": profile_and_trend,
    "profile_and_level": profile_and_level,
    "seasonal_naive": seasonal_naive,
}
