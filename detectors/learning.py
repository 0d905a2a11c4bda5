"""Learning a baseline from a panel: robust start, then two rounds of fit and setting aside what the fit finds anomalous.

The start takes medians over the days of one day type and hour, which half the days may spoil. Each round then fits all
usable buckets that do not stand out (centres by `levels`, dispersion by `dispersion`) and looks again which ones do, so
that an incident inside the training data neither moves the centre nor widens the band.
"""

from __future__ import annotations

from zoneinfo import ZoneInfo

import numpy as np
from scipy import special

from contracts.clock import HOURS_OF_WEEK
from detectors.baseline import Baseline, empty, scaled_values, week_at
from detectors.dispersion import Dispersion, first_guess, measured
from detectors.levels import Cells, Centres, continuous_shown, count_shown, ratio_shown, settle
from detectors.panel import Bools, Floats, Ints, LocalTime, Observed, Panel, local_time, since_first
from detectors.robust import wild
from detectors.scales import from_scale
from detectors.scorers.screen import stands_out
from detectors.shrinkage import judgeable, young_spread

ROUNDS = 2
ASIDE_SCORE = 60.0  # one quiet bucket in 10,000 is set aside by mistake: that costs the fit nothing
RARE_TRIALS = 500.0  # what never happened (or never failed) in so many is rare,
RARE_DOUBT = 4.0  # and is off by a factor of e² at one standard deviation at most: variance of the logit
_SHOWN = {"count": count_shown, "ratio": ratio_shown, "continuous": continuous_shown}


def learn(panel: Panel, zone: ZoneInfo, parent: Baseline | None = None) -> Baseline:
    """Baseline of every series of `panel`. `parent`: baselines in the same order whose shape sparse hours lean on.

    A series with fewer than seven days of data (with a parent: three hours, see `shrinkage`), or an hour that neither its
    own days nor a parent speak for, stays NaN.
    """
    if not panel.series or not len(panel.starts):
        return empty(panel.kpi, panel.step_sec, zone, panel.series)
    when = local_time(panel, zone)
    floor = _floors(panel)
    observed = _observed(panel, floor)
    if panel.holidays:  # they are like Sundays, but not Sundays: seven of them are worth more alone
        day_off = np.isin(when.day, list(panel.holidays))
        observed = Observed(*(np.where(day_off, np.nan, part) for part in observed))
    usual = _usual_samples(panel, when)
    aside = wild(panel.kpi, observed, when)
    baseline = _fit(panel, observed, when, zone, floor, aside, parent, usual)
    for _ in range(ROUNDS):
        before, aside = aside, stands_out(panel, baseline, ASIDE_SCORE)
        changed = (aside != before).any(axis=1)
        if panel.kpi.model == "continuous":  # its tail is learned from all series together
            changed[:] = changed.any()
        if not changed.any():
            break
        kept = Observed(observed.amount[changed], observed.exposure[changed])
        lean_on = None if parent is None else parent.rows(changed)
        rest = floor[changed], aside[changed], lean_on, usual[changed]
        baseline = baseline.with_rows(changed, _fit(panel.rows(changed), kept, when, zone, *rest))
    return baseline


def _floors(panel: Panel) -> Floats:
    """What stands for zero on a logarithm: a tenth of the series' median positive value."""
    rows = [row[np.isfinite(row) & (row > 0)] for row in panel.value]
    return np.array([0.1 * float(np.median(row)) if len(row) else 1.0 for row in rows])


def _observed(panel: Panel, floor: Floats) -> Observed:
    if panel.kpi.model == "count":
        known = np.isfinite(panel.value) & (panel.coverage > 0)
        amount, exposure = panel.value, panel.coverage
    elif panel.kpi.model == "ratio":
        known = (panel.denominator > 0) & np.isfinite(panel.numerator)
        amount, exposure = panel.numerator, panel.denominator
    else:
        known = np.isfinite(panel.value)
        exposure = np.maximum(np.nan_to_num(panel.samples, nan=1.0), 1.0)
        amount = exposure * scaled_values(panel, floor)
    return Observed(np.where(known, amount, np.nan), np.where(known, exposure, np.nan))


def _fit(
    panel: Panel,
    observed: Observed,
    when: LocalTime,
    zone: ZoneInfo,
    floor: Floats,
    aside: Bools,
    parent: Baseline | None,
    usual: Floats,
) -> Baseline:
    """One fit to the buckets that are not set aside; twice, since centres and dispersion need each other."""
    kept = Observed(np.where(aside, np.nan, observed.amount), np.where(aside, np.nan, observed.exposure))
    cells = _cells(kept, when)
    spread = first_guess(panel.kpi, kept)
    for _ in range(2):
        centres = settle(
            cells,
            _SHOWN[panel.kpi.model],
            lambda scaled: _value(panel, scaled),
            spread.within[:, None],
            spread.between[:, None],
            None if parent is None else parent.centre,
            cells_per_day=1 if panel.step_sec >= 86400 else 24,
        )
        week = week_at(centres.centre, panel.step_sec, when)
        mean, centre = (np.take(each, when.again, axis=1) for each in (from_scale(panel.kpi, week), week))
        at_bucket = Centres(centre, np.take(centres.doubt, when.cell, axis=1))
        spread = measured(panel, kept, at_bucket, mean, spread, observed)
    return _baseline(panel, zone, floor, cells, centres, spread, observed, when, usual, parent)


def _value(panel: Panel, scaled: Floats) -> Floats:
    """What one unit of exposure is expected to show: the rate or ratio, or the scaled value itself."""
    return scaled if panel.kpi.model == "continuous" else from_scale(panel.kpi, scaled)


def _cells(observed: Observed, when: LocalTime) -> Cells:
    order = np.lexsort((when.day, when.cell))
    cell, day = when.cell[order], when.day[order]
    starts = np.flatnonzero(np.r_[True, np.diff(cell) != 0])
    pairs = np.flatnonzero(np.r_[True, (np.diff(cell) != 0) | (np.diff(day) != 0)])
    amount, exposure = (np.take(part, order, axis=1) for part in observed)
    known = np.isfinite(amount)
    day_seen = np.logical_or.reduceat(known, pairs, axis=1).astype(float)
    first_pair = np.searchsorted(pairs, starts)
    sums = [
        np.add.reduceat(np.where(known, amount, 0.0), starts, axis=1),
        np.add.reduceat(np.where(known, exposure, 0.0), starts, axis=1),
        np.add.reduceat(day_seen, first_pair, axis=1),
    ]
    placed = []
    for one in sums:
        full = np.zeros((len(one), HOURS_OF_WEEK))
        full[:, cell[starts]] = one
        placed.append(full)
    return Cells(*placed)


def _baseline(
    panel: Panel,
    zone: ZoneInfo,
    floor: Floats,
    cells: Cells,
    centres: Centres,
    spread: Dispersion,
    observed: Observed,
    when: LocalTime,
    usual: Floats,
    parent: Baseline | None,
) -> Baseline:
    days = _distinct(observed, when.day)
    enough = judgeable(days, _distinct(observed, when.day * 24 + when.cell % 24), parent)
    centre, doubt = np.where(enough[:, None], centres.centre, np.nan), centres.doubt
    if panel.kpi.model == "ratio":  # what never happened in n trials may still happen once in twice as many
        trials = np.nansum(observed.exposure, axis=1, keepdims=True) / spread.within[:, None]
        never = special.logit(np.clip(0.5 / np.maximum(trials, 1.0), 1e-9, 0.5))
        proven = (trials >= RARE_TRIALS) & (np.abs(centre) > -never)
        doubt = np.where(proven, np.minimum(doubt, RARE_DOUBT), doubt)
        centre = np.clip(centre, never, -never)
        # from the logit's variance to a share of p(1 − p)
        value = from_scale(panel.kpi, centre)
        doubt = doubt * value * (1 - value)
    return Baseline(
        panel.kpi,
        panel.step_sec,
        zone,
        panel.series,
        centre,
        young_spread(spread.between[:, None] + doubt, days, parent),
        spread.within,
        spread.tail,
        floor,
        usual,
        cells.days,
    )


def _distinct(observed: Observed, numbers: Ints) -> Floats:
    """Distinct local days, or hours, with data per series. `numbers`: which one each bucket lies in, in order of time."""
    starts = np.flatnonzero(np.r_[True, np.diff(numbers) != 0])
    seen = np.logical_or.reduceat(np.isfinite(observed.amount), starts, axis=1)
    return np.asarray(seen.sum(axis=1), dtype=float)


def _usual_samples(panel: Panel, when: LocalTime) -> Floats:
    """Mean samples a bucket per hour of week since a series first had data; a bucket without samples counts as none."""
    order = np.argsort(when.cell, kind="stable")
    cells, starts = np.unique(when.cell[order], return_index=True)
    sums = np.add.reduceat(np.nan_to_num(panel.samples)[:, order], starts, axis=1)
    buckets = np.maximum(np.add.reduceat(since_first(panel)[:, order].astype(float), starts, axis=1), 1.0)
    usual = np.zeros((len(panel.series), HOURS_OF_WEEK))
    usual[:, cells] = sums / buckets
    return usual
