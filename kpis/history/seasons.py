"""How far a series follows the hour of the day and the day of the week, and when it is highest and lowest."""

from __future__ import annotations

from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np

from kpis.history.series import Floats, Series

_DAY_HOURS = 24
LEAST_DAYS = 7


class Seasons(NamedTuple):
    """`daily`, `weekly`: share of the variance that the hour, and the weekday beside it, explain (0–1; F_S of Hyndman).

    `profile`: mean by local hour, 24 values; `weekdays`: mean by weekday, Monday first. NaN where nothing is known.
    """

    daily: float
    weekly: float
    profile: tuple[float, ...]
    weekdays: tuple[float, ...]
    highest_hour: int
    lowest_hour: int


def seasons(found: Series, zone: ZoneInfo) -> Seasons | None:
    """Of an hourly series; None with fewer than seven days of it."""
    known = np.isfinite(found.values)
    if found.step_sec != 3600 or known.sum() < LEAST_DAYS * _DAY_HOURS:
        return None
    values = found.values[known]
    local = [found.moment(int(row)).astimezone(zone) for row in np.flatnonzero(known)]
    hours, days = np.array([each.hour for each in local]), np.array([each.weekday() for each in local])
    profile = np.array([values[hours == hour].mean() if (hours == hour).any() else np.nan for hour in range(24)])
    rest = values - profile[hours]
    weekdays = np.array([values[days == day].mean() if (days == day).any() else np.nan for day in range(7)])
    effect = np.array([rest[days == day].mean() if (days == day).any() else 0.0 for day in range(7)])
    return Seasons(
        _share(rest, values),
        _share(rest - effect[days], rest),
        tuple(profile.tolist()),
        tuple(weekdays.tolist()),
        int(np.nanargmax(profile)),
        int(np.nanargmin(profile)),
    )


def _share(rest: Floats, whole: Floats) -> float:
    variance = float(whole.var())
    return 0.0 if variance == 0 else max(0.0, 1 - float(rest.var()) / variance)
