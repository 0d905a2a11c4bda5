"""Centres of the 168 hours of a week from few weeks: each level of the week is shrunk to the one above it.

The levels are the whole week, day type and hour (Monday–Friday, Saturday, Sunday × 24), and the hour of week. A cell
moves from the level above by w · (what it shows), w = τ² / (τ² + v): v is the sampling variance of what the cell shows,
τ² how much cells of this level really differ, by moments over the series' own cells (empirical Bayes; Morris, JASA 78,
1983). Sparse hours thus lean on their neighbours of the same level, and a child (a trunk) on the shape of its parent
(the service). What is left of the variance is the doubt about the centre, and the scorers count it in.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special

from contracts.clock import HOURS_OF_WEEK

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class Cells(NamedTuple):
    """Sums over the usable buckets of each hour of week, shape (series, 168).

    `amount`: Σ count, Σ numerator, or Σ samples × scaled value. `exposure`: buckets (by coverage), Σ denominator or
    Σ samples. `days`: distinct days behind it.
    """

    amount: Floats
    exposure: Floats
    days: Floats


class Centres(NamedTuple):
    """Centre on the KPI's scale and the variance of that centre; NaN where nothing is known. Shape (series, 168)."""

    centre: Floats
    doubt: Floats


# (amount, exposure, exposure × expected at the prior, days, within, between) → (difference to the prior, its variance)
Shown = Callable[[Floats, Floats, Floats, Floats, Floats, Floats], tuple[Floats, Floats]]


def count_shown(
    amount: Floats, exposure: Floats, at_prior: Floats, days: Floats, within: Floats, between: Floats
) -> tuple[Floats, Floats]:
    """Difference of log rates; half an event on both sides keeps an empty cell finite."""
    return np.log((amount + 0.5) / (at_prior + 0.5)), 1.0 / (at_prior + 0.5) + between / days


def ratio_shown(
    amount: Floats, exposure: Floats, at_prior: Floats, days: Floats, within: Floats, between: Floats
) -> tuple[Floats, Floats]:
    """Difference of logits; one sample at the prior's ratio keeps 0 of n and n of n finite."""
    prior = at_prior / exposure
    seen = np.clip((amount + prior) / (exposure + 1.0), 1e-9, 1 - 1e-9)
    variance = (within / exposure + between / days) / (seen * (1 - seen))
    return special.logit(seen) - special.logit(np.clip(prior, 1e-9, 1 - 1e-9)), variance


def continuous_shown(
    amount: Floats, exposure: Floats, at_prior: Floats, days: Floats, within: Floats, between: Floats
) -> tuple[Floats, Floats]:
    """Difference of means weighted by samples."""
    return (amount - at_prior) / exposure, within / exposure + between / days


def day_type_hour(cells: Ints) -> Ints:
    """Group of an hour of week at the middle level: 0–23 Monday–Friday, 24–47 Saturday, 48–71 Sunday."""
    day_type = np.maximum(cells // 24 - 4, 0)
    return day_type * 24 + cells % 24


def settle(
    cells: Cells,
    shown: Shown,
    to_value: Callable[[Floats], Floats],
    within: Floats,
    between: Floats,
    parent: Floats | None,
    *,
    cells_per_day: int,
) -> Centres:
    """Centres from the cells' sums. `within`, `between`: shape (series, 1). `parent`: the parent's centres or None."""
    week = np.arange(HOURS_OF_WEEK)
    centre = np.zeros_like(cells.amount) if parent is None else np.array(parent)
    whole = _level(cells, shown, to_value, within, between, centre, np.zeros_like(week), per_day=cells_per_day)
    centre, doubt = centre + whole.centre, whole.doubt
    for groups in (day_type_hour(week), week):
        step = _level(cells, shown, to_value, within, between, centre, groups, per_day=1)
        spread = _true_variance(step)
        with np.errstate(invalid="ignore"):
            weight = np.where(np.isfinite(step.doubt), spread / (spread + step.doubt), 0.0)
        centre = centre + weight * np.where(weight > 0, step.centre, 0.0)
        known = np.isfinite(step.doubt)
        left = np.where(known, weight * np.where(known, step.doubt, 0.0), spread)
        doubt = left + (1 - weight) ** 2 * doubt
        if groups is not week and parent is None:
            # Hours no day type has seen are unknown; a parent's shape may speak for them.
            centre = np.where(np.isfinite(step.doubt), centre, np.nan)
    return Centres(centre, np.where(np.isfinite(centre), doubt, np.nan))


def _level(
    cells: Cells,
    shown: Shown,
    to_value: Callable[[Floats], Floats],
    within: Floats,
    between: Floats,
    centre: Floats,
    groups: Ints,
    *,
    per_day: int,
) -> Centres:
    """What each group of cells shows beside `centre`, spread to the cells; variance infinite where a group is empty."""
    known = (cells.exposure > 0) & np.isfinite(centre)
    exposure = _grouped(np.where(known, cells.exposure, 0.0), groups)
    at_prior = _grouped(np.where(known, cells.exposure * to_value(np.where(known, centre, 0.0)), 0.0), groups)
    amount = _grouped(np.where(known, cells.amount, 0.0), groups)
    days = np.maximum(_grouped(np.where(known, cells.days, 0.0), groups) / per_day, 1.0)
    empty = exposure <= 0
    difference, variance = shown(amount, np.where(empty, 1.0, exposure), at_prior, days, within, between)
    return Centres(
        np.where(empty, 0.0, difference)[:, groups],
        np.where(empty, np.inf, np.maximum(variance, 1e-12))[:, groups],
    )


def _grouped(array: Floats, groups: Ints) -> Floats:
    """Sums of each group's columns. Not a matrix product: its last bits depend on how many rows are multiplied at once."""
    order = np.argsort(groups, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(groups[order]) != 0])
    return np.asarray(np.add.reduceat(array[:, order], starts, axis=1), dtype=float)


def _true_variance(shown: Centres) -> Floats:
    """τ² of a level per series, shape (series, 1): weighted moments, wild cells bounded so that one does not decide."""
    known = np.isfinite(shown.doubt)
    weight = np.where(known, 1.0 / np.where(known, shown.doubt, 1.0), 0.0)
    square = np.where(known, shown.centre**2, 0.0)
    typical = np.sum(weight * square, axis=1, keepdims=True) / np.maximum(weight.sum(axis=1, keepdims=True), 1e-12)
    square = np.minimum(square, 16.0 * typical)
    excess = np.sum(weight * (square - np.where(known, shown.doubt, 0.0)), axis=1, keepdims=True)
    return np.asarray(np.maximum(excess / np.maximum(weight.sum(axis=1, keepdims=True), 1e-12), 1e-8), dtype=float)
