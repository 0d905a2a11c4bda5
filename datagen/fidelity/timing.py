"""Likeness in time: when records come (hour of week), how unevenly (dispersion) and with how much memory (autocorrelation).

Counts are of every row, in slots of five minutes, UTC. A day without any record counts as not observed, so that samples of single
days can be compared; hours without a record on a day that has some are zeros.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from datagen.fidelity.columns import Values

LAGS_H = 48  # of the autocorrelation that is drawn
WEEK_H = 168
_LEAST = 20  # pairs of hours below which an autocorrelation says nothing
_MOST_DAYS = 20_000  # between first and last record: more is a wild date


@dataclass(frozen=True, slots=True)
class Clock:
    """One side: counts per slot of the observed days, and what they tell. Dispersion: variance over mean, 1 for Poisson.

    It grows with the rate. `excess`: (dispersion − 1) / mean count, 0 for Poisson, the same at every rate.
    """

    days: int
    rows: int
    profile: Values  # 168 mean counts an hour, Monday 00:00 first; NaN where no such hour was observed
    day_profile: Values  # 24 mean counts an hour
    dispersion: float | None
    dispersion_around_profile: float | None
    excess: float | None
    excess_around_profile: float | None
    autocorrelation: Values  # of hourly counts at lags 0 … LAGS_H and 168; NaN where too few hours

    def lag(self, hours: int) -> float | None:
        value = self.autocorrelation[min(hours, LAGS_H + 1)]
        return None if np.isnan(value) else float(value)


@dataclass(frozen=True, slots=True)
class TimeScores:
    """Distances are total variation, 0 the same to 1 disjoint; `*_noise`: what chance alone gives two sides of these sizes."""

    hour_of_week: float | None
    hour_of_week_noise: float | None
    hour_of_day: float | None
    hour_of_day_noise: float | None
    autocorrelation_difference: float | None
    slot_minutes: int
    real: Clock
    synthetic: Clock


def time_scores(real: Mapping[str, int], synthetic: Mapping[str, int]) -> TimeScores | None:
    """From rows per slot (`2026-11-02T10:05`); None where a side has none."""
    if not real or not synthetic:
        return None
    minutes = _slot_minutes(min(_per_day(real), _per_day(synthetic)))
    ours, theirs = clock(real, minutes), clock(synthetic, minutes)
    week = _distance(ours.profile, theirs.profile)
    day = _distance(ours.day_profile, theirs.day_profile)
    both = ~(np.isnan(ours.autocorrelation) | np.isnan(theirs.autocorrelation))
    both[0] = False
    apart = np.abs(ours.autocorrelation - theirs.autocorrelation)[both]
    return TimeScores(
        week,
        _noise(ours.profile, theirs.profile, ours.rows, theirs.rows),
        day,
        _noise(ours.day_profile, theirs.day_profile, ours.rows, theirs.rows),
        float(apart.mean()) if apart.size else None,
        minutes,
        ours,
        theirs,
    )


def _per_day(slots: Mapping[str, int]) -> float:
    return sum(slots.values()) / len({slot[:10] for slot in slots})


def _slot_minutes(rows_a_day: float) -> int:
    """The finest slot of 5, 15 or 60 minutes that holds two rows on average."""
    return next((minutes for minutes in (5, 15) if rows_a_day * minutes / 1440 >= 2), 60)


def clock(slots: Mapping[str, int], minutes: int) -> Clock:
    """Counts of one side; `minutes`: the slot of the dispersion, a divisor of 60 that five divides."""
    fine, first = _grid(slots)
    observed: Values = fine.sum(axis=1) > 0
    hours = fine.reshape(fine.shape[0], 24, 12).sum(axis=2)
    weekday = (np.arange(fine.shape[0]) + first) % 7
    profile = np.full((7, 24), np.nan)
    for day in range(7):
        of_day = observed & (weekday == day)
        if of_day.any():
            profile[day] = hours[of_day].mean(axis=0)
    coarse = fine.reshape(fine.shape[0], 1440 // minutes, minutes // 5).sum(axis=2)[observed]
    dispersion, around, mean = _dispersion(coarse.ravel()), _around(coarse, weekday[observed]), coarse.mean()
    return Clock(
        days=int(observed.sum()),
        rows=int(fine.sum()),
        profile=profile.ravel(),
        day_profile=hours[observed].mean(axis=0),
        dispersion=dispersion,
        dispersion_around_profile=around,
        excess=None if dispersion is None else float((dispersion - 1) / mean),
        excess_around_profile=None if around is None else float((around - 1) / mean),
        autocorrelation=_autocorrelation(np.where(observed[:, None], hours, np.nan).ravel()),
    )


def _grid(slots: Mapping[str, int]) -> tuple[Values, int]:
    """Counts as days × 288, and the weekday of the first day (Monday 0)."""
    days = Counter[str]()
    for slot, count in slots.items():
        days[slot[:10]] += count
    numbers = {day: datetime.fromisoformat(day).replace(tzinfo=UTC).toordinal() for day in days}
    last = max(numbers.values())
    first = max(min(numbers.values()), last - _MOST_DAYS)
    grid = np.zeros((last - first + 1, 288), np.int64)
    for slot, count in slots.items():
        row = numbers[slot[:10]] - first
        if row >= 0:
            grid[row, int(slot[11:13]) * 12 + int(slot[14:16]) // 5] = count
    return grid, (first - 1) % 7  # day 1 of the proleptic calendar was a Monday


def _distance(ours: Values, theirs: Values) -> float | None:
    both = ~(np.isnan(ours) | np.isnan(theirs))
    p, q = ours[both], theirs[both]
    if not p.size or not p.sum() or not q.sum():
        return None
    return float(np.abs(p / p.sum() - q / q.sum()).sum() / 2)


def _noise(ours: Values, theirs: Values, real_rows: int, synthetic_rows: int) -> float | None:
    """Expected distance of two samples of the pooled profile: half the sum of mean absolute differences, √(2/π) σ each."""
    both = ~(np.isnan(ours) | np.isnan(theirs))
    p, q = ours[both], theirs[both]
    if not p.size or not p.sum() or not q.sum():
        return None
    pooled = (p / p.sum() * real_rows + q / q.sum() * synthetic_rows) / (real_rows + synthetic_rows)
    spread = pooled * (1 - pooled) * (1 / real_rows + 1 / synthetic_rows)
    return float(min(np.sqrt(2 / np.pi) * np.sqrt(spread).sum() / 2, 1.0))


def _dispersion(counts: Values) -> float | None:
    return float(counts.var(ddof=1) / counts.mean()) if counts.size >= 2 and counts.mean() > 0 else None


def _around(coarse: Values, weekday: Values) -> float | None:
    """Pearson's dispersion around the mean of the same slot of the same weekday: what the daily rhythm does not explain."""
    total, freedom = 0.0, 0
    for day in range(7):
        rows = coarse[weekday == day].astype(np.float64)
        if rows.shape[0] < 2:
            continue
        expected = rows.mean(axis=0)
        seen = expected > 0
        total += float(((rows[:, seen] - expected[seen]) ** 2 / expected[seen]).sum())
        freedom += int(seen.sum()) * (rows.shape[0] - 1)
    return total / freedom if freedom else None


def _autocorrelation(hours: Values) -> Values:
    """At lags 0 … LAGS_H, and 168 h at the end, over pairs of observed hours."""
    found = np.full(LAGS_H + 2, np.nan)
    known = ~np.isnan(hours)
    spread = hours[known] - hours[known].mean() if known.any() else hours[known]
    variance = float((spread**2).mean()) if spread.size else 0.0
    if variance <= 0:
        return found
    centred = np.where(known, hours - hours[known].mean(), np.nan)
    for place, lag in enumerate((*range(LAGS_H + 1), WEEK_H)):
        if lag >= centred.size:
            break
        product = centred[lag:] * centred[: centred.size - lag]
        pairs = product[~np.isnan(product)]
        if pairs.size >= _LEAST:
            found[place] = pairs.mean() / variance
    return found
