"""The day on which a forecast crosses a line."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors.forecasting.calendar import Places
from detectors.forecasting.scale import Floats


class Crossing(NamedTuple):
    """First days ahead (0: the first day forecast) on which the line is crossed; None: not within the forecast.

    `expected` by the mean; `possible` by the end of the interval that is nearer to the line.
    """

    line: float
    expected: int | None
    possible: int | None


def by_day_mean(mean: Floats, lower: Floats, upper: Floats, where: Places, line: float, least: bool) -> Crossing:
    """Days whose mean does not hold a target. `least`: values should stay at the line or above, else at it or below."""
    side = (mean, lower) if least else (mean, upper)
    days = [_per_day(each, where, np.mean) for each in side]
    return Crossing(line, *(_first(day < line if least else day > line) for day in days))


def by_busy_hour(mean: Floats, upper: Floats, where: Places, line: float) -> Crossing:
    """Days whose busiest bucket exceeds a capacity."""
    return Crossing(line, *(_first(_per_day(each, where, np.max) > line) for each in (mean, upper)))


def _per_day(values: Floats, where: Places, how: Callable[[Floats], np.floating]) -> Floats:
    return np.array([how(values[where.day == day]) for day in np.unique(where.day)], dtype=float)


def _first(crossed: NDArray[np.bool_]) -> int | None:
    return int(np.argmax(crossed)) if crossed.any() else None
