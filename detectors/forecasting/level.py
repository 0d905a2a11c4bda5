"""The level of a series from day to day and where it goes: exponential smoothing with a damped trend (Gardner and McKenzie,
Management Science 31, 1985), its constants chosen by what they would have forecast."""

from __future__ import annotations

from itertools import product
from typing import NamedTuple

import numpy as np

from detectors.forecasting.scale import Floats

_ALPHA = (0.05, 0.15, 0.3, 0.5, 0.8)
_BETA = (0.0, 0.05, 0.2)
_DAMPING = (0.9, 0.97)
_AHEAD = 7  # days that a choice is judged by
_FEWEST = 10  # days, to choose; below, the middle of the constants


class State(NamedTuple):
    level: float
    trend: float
    damping: float

    def ahead(self, days: Floats) -> Floats:
        """Level so many days after the last one."""
        damped = self.damping * (1 - self.damping**days) / (1 - self.damping)
        return np.asarray(self.level + self.trend * damped, dtype=float)


def follow(daily: Floats) -> State:
    """State after the last day. `daily`: one level a day, NaN where unknown; at least one is known."""
    known = daily[np.isfinite(daily)]
    start = float(np.median(known[:7]))
    if len(known) < _FEWEST:
        return _smoothed(daily, start, 0.3, 0.0, _DAMPING[0])[0]
    choices = [(*pair, _DAMPING[0]) for pair in product(_ALPHA, (0.0,))]
    choices += [(alpha, beta, damping) for alpha, beta, damping in product(_ALPHA, _BETA[1:], _DAMPING)]
    runs = [_smoothed(daily, start, *choice) for choice in choices]
    return min(runs, key=lambda run: run[1])[0]


def _smoothed(daily: Floats, start: float, alpha: float, beta: float, damping: float) -> tuple[State, float]:
    """State after the last day, and the mean absolute error of its forecasts `_AHEAD` days ahead."""
    level, trend = start, 0.0
    reach = damping * (1 - damping**_AHEAD) / (1 - damping)
    errors: list[float] = []
    said: list[float] = []
    for day, seen in enumerate(daily.tolist()):
        if day >= _AHEAD and seen == seen:
            errors.append(abs(seen - said[day - _AHEAD]))
        expected = level + damping * trend
        if seen == seen:
            error = seen - expected
            level, trend = expected + alpha * error, damping * trend + alpha * beta * error
        else:
            level, trend = expected, damping * trend
        said.append(level + reach * trend)
    half = errors[len(errors) // 2 :]
    return State(level, trend, damping), float(np.mean(half)) if half else np.inf
