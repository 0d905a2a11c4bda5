"""A week's profile around a moving level: robust, weighted to what is recent, shrunk from the hour of the week to the hour
of the day as far as few weeks are known."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from detectors.forecasting.calendar import Places
from detectors.forecasting.level import State, follow
from detectors.forecasting.scale import Floats

_HALF_LIFE_DAYS = 28.0
_ROUNDS = 3
_WILD = 4.0  # robust spreads from which a value is drawn in
_PRIOR_WEEKS = 0.7  # weeks of data that the hour of the day is worth against an hour of the week
_TO_SIGMA = 1.4826
_ECHO_SLOTS = 6  # last buckets whose common distance from the expected dies away


class Fitted(NamedTuple):
    """`week`: shape (7, slots), around the level. `echo`: distance of the last buckets, `fading` per bucket."""

    week: Floats
    state: State
    last_day: int
    echo: float
    fading: float

    def ahead(self, where: Places, rows: int) -> Floats:
        """Expected value of the buckets of `where` from row `rows` on, on the evened scale."""
        day, slot, weekday = where.day[rows:], where.slot[rows:], where.weekday[rows:]
        level = self.state.ahead((day - self.last_day).astype(float))
        echo = self.echo * self.fading ** np.arange(1, len(day) + 1)
        return np.asarray(level + self.week[weekday, slot] + echo, dtype=float)


def fit(evens: Floats, where: Places) -> Fitted:
    """`evens`: history on the evened scale, NaN where absent, at least one number."""
    days = int(where.day[-1]) + 1
    weights = 0.5 ** ((days - 1 - where.day) / _HALF_LIFE_DAYS)
    calm = evens
    level = np.full(len(evens), np.nanmedian(evens))
    for _ in range(_ROUNDS):
        week = _week(calm - level, weights, where)
        usual = week[where.weekday, where.slot]
        daily = _daily(calm - usual, where.day, days)
        level = _between(daily)[where.day]
        away = evens - usual - level
        spread = _TO_SIGMA * float(np.nanmedian(np.abs(away)))
        calm = usual + level + np.clip(away, -_WILD * spread, _WILD * spread)
    state = follow(daily)
    left = (calm - usual - level)[-_ECHO_SLOTS:] if where.slots > 1 else np.zeros(1)
    echo = float(np.nanmean(left)) if np.isfinite(left).any() else 0.0
    return Fitted(week, state, days - 1, echo, _fading(calm - usual - level))


def _week(away: Floats, weights: Floats, where: Places) -> Floats:
    """Weighted means per hour of week, drawn to those per hour of day; their mean over the week is 0."""
    known = np.isfinite(away)
    weight, value = np.where(known, weights, 0.0), np.where(known, away, 0.0)
    shape = (7, where.slots)
    mass, total = np.zeros(shape), np.zeros(shape)
    np.add.at(mass, (where.weekday, where.slot), weight)
    np.add.at(total, (where.weekday, where.slot), weight * value)
    of_day = total.sum(axis=0) / np.maximum(mass.sum(axis=0), 1e-12)
    rest = total - mass * of_day
    of_weekday = rest.sum(axis=1) / (mass.sum(axis=1) + _PRIOR_WEEKS * where.slots / 4)
    usual = of_day[None, :] + of_weekday[:, None]
    week = (total + _PRIOR_WEEKS * usual) / (mass + _PRIOR_WEEKS)
    return np.asarray(week - week.mean(), dtype=float)


def _daily(away: Floats, day: np.ndarray, days: int) -> Floats:
    """Mean of each day; NaN for a day without a number."""
    known = np.isfinite(away)
    count = np.bincount(day, weights=known.astype(float), minlength=days)
    total = np.bincount(day, weights=np.where(known, away, 0.0), minlength=days)
    return np.where(count > 0, total / np.maximum(count, 1.0), np.nan)


def _between(daily: Floats) -> Floats:
    """Days without a number get what lies between their neighbours."""
    known = np.flatnonzero(np.isfinite(daily))
    return np.interp(np.arange(len(daily)), known, daily[known])


def _fading(away: Floats) -> float:
    """How much of a distance is left one bucket later: autocorrelation at lag 1, 0 to 0.95."""
    early, late = away[:-1], away[1:]
    both = np.isfinite(early) & np.isfinite(late)
    power = float((early[both] ** 2).sum())
    return min(max(float((early[both] * late[both]).sum()) / power, 0.0), 0.95) if power > 0 else 0.0
