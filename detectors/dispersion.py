"""How far quiet values stray from their centre, by moments of what the centres leave over.

A residual is smaller than the noise, since the centre was fitted to it; the doubt about the centre says by how much
(its leverage), and each square is lifted accordingly.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import special

from detectors.levels import Centres
from detectors.panel import Bools, Floats, Observed, Panel
from detectors.subject import Kpi

_TAILS = np.array([2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 12.0, 20.0, 40.0, 1e6])  # degrees of freedom tried; the last is normal
_ENOUGH_FOR_TAIL = 2000  # pooled residuals below which the tail is not learned but taken as heavy
_HEAVY = 8.0
_NORMAL = float(_TAILS[-1])
_CLUSTERED = 1.5  # a denominator this many times the samples counts things that hang together (packets of a call)


class Dispersion(NamedTuple):
    """Per series: `within`, `between` and `tail` of `tails`, before the doubt about the centre."""

    within: Floats
    between: Floats
    tail: Floats


def first_guess(kpi: Kpi, observed: Observed) -> Dispersion:
    """Where the first fit starts from."""
    ones = np.ones(len(observed.amount))
    if kpi.model == "count":
        return Dispersion(ones, 0.02 * ones, _HEAVY * ones)
    if kpi.model == "ratio":
        return Dispersion(ones, 0.002 * ones, _HEAVY * ones)
    step = np.abs(np.diff(observed.amount / observed.exposure, axis=1))
    variance = np.array([_step_variance(row[np.isfinite(row)]) for row in step])
    return Dispersion(0.0 * ones, variance, _HEAVY * ones)


def _step_variance(steps: Floats) -> float:
    return max(float(np.median(steps)) * 1.4826, 1e-9) ** 2 / 2 if len(steps) else 1.0


def measured(
    panel: Panel, observed: Observed, centres: Centres, mean: Floats, guess: Dispersion, everything: Observed
) -> Dispersion:
    """Dispersion of the buckets in `observed` around `centres` (at each bucket), in the KPI's unit `mean`.

    `everything` holds what was set aside too: values that jump now and then for a bucket or two are how the series is,
    and make its tail heavy; what lasts longer was an incident.
    """
    if panel.kpi.model == "count":
        return _count(observed, mean, centres.doubt, guess)
    if panel.kpi.model == "ratio":
        return _ratio(panel, observed, mean, centres.doubt, guess)
    return _continuous(observed, centres, guess, everything)


def _count(observed: Observed, rate: Floats, doubt: Floats, guess: Dispersion) -> Dispersion:
    mean = rate * observed.exposure
    kept = _kept(doubt / (1 / np.maximum(mean, 1e-9) + guess.between[:, None]))
    excess = np.nansum((observed.amount - mean) ** 2 / kept - mean, axis=1)
    between = np.maximum(excess / np.maximum(np.nansum(mean**2, axis=1), 1e-12), 0.0)
    return guess._replace(between=between)


def _ratio(panel: Panel, observed: Observed, mean: Floats, doubt: Floats, guess: Dispersion) -> Dispersion:
    """r² n / p(1 − p) = within + between · n; within is 1 unless the denominator counts things that hang together."""
    trials = observed.exposure
    unit = np.maximum(mean * (1 - mean), 1e-9)
    noise = guess.within[:, None] / trials + guess.between[:, None]
    kept = _kept(doubt * unit / noise)
    square = (observed.amount / trials - mean) ** 2 / unit * trials / kept
    per_sample = np.nansum(trials, axis=1) / np.maximum(np.nansum(panel.samples, axis=1), 1.0)
    weight = 1.0 / (guess.within[:, None] + guess.between[:, None] * trials) ** 2
    within, between = _line(square, trials, weight)
    if panel.kpi.clump > 1:  # what counts comes in lots that know nothing of each other
        known = np.where(np.isfinite(square), trials, 0.0)
        lots = _dot(known, np.nan_to_num(square)) / np.maximum(known.sum(axis=1), 1e-12)
        return Dispersion(np.maximum(lots, panel.kpi.clump), np.zeros_like(lots), np.full_like(lots, _NORMAL))
    plain = (per_sample < _CLUSTERED) & (panel.kpi.family != "quality")  # the two legs of a call hang together as well
    weighted = np.nan_to_num(weight * trials)
    alone = _dot(weighted, np.nan_to_num(square - 1.0)) / np.maximum(_dot(weighted, np.nan_to_num(trials)), 1e-12)
    within = np.where(plain, 1.0, np.maximum(within, 1.0))
    between = np.where(plain, np.maximum(alone, 0.0), between)
    spread = np.sqrt(unit * (within[:, None] / trials + between[:, None]) * kept)
    standard = np.abs(observed.amount / trials - mean) / spread
    burst = per_sample >= _CLUSTERED  # packets are lost in bursts of a few calls: no binomial has such a tail
    tail = _tail(standard[burst]) if burst.any() else _NORMAL
    return Dispersion(within, between, np.where(burst, tail, _NORMAL))


def _line(square: Floats, slope_by: Floats, weight: Floats) -> tuple[Floats, Floats]:
    """Weighted least squares of square = a + b · slope_by with a, b ≥ 0; shape (series,) each."""
    known = np.isfinite(square) & np.isfinite(weight)
    weight, x, y = (np.where(known, part, 0.0) for part in (weight, slope_by, square))
    total = np.maximum(weight.sum(axis=1), 1e-300)
    weighted = weight * x
    mean_x, mean_y = weighted.sum(axis=1) / total, _dot(weight, y) / total
    mean_xx, mean_xy = _dot(weighted, x) / total, _dot(weighted, y) / total
    variance = mean_xx - mean_x**2
    tilt = np.where(variance > 1e-6 * mean_xx, (mean_xy - mean_x * mean_y) / np.maximum(variance, 1e-300), 0.0)
    base = mean_y - tilt * mean_x
    only_base, only_tilt = tilt < 0, base < 0
    tilt = np.where(only_base, 0.0, np.where(only_tilt, mean_xy / np.maximum(mean_xx, 1e-300), tilt))
    base = np.where(only_base, mean_y, np.where(only_tilt, 0.0, base))
    return base, tilt


def _dot(one: Floats, other: Floats) -> Floats:
    """Sum of products of each row."""
    return np.asarray(np.einsum("ij,ij->i", one, other), dtype=float)


def _continuous(observed: Observed, centres: Centres, guess: Dispersion, everything: Observed) -> Dispersion:
    """r² = between + within / n, then the tail from the shape of the standardised residuals of all series together."""
    residual = observed.amount / observed.exposure - centres.centre
    noise = guess.within[:, None] / observed.exposure + guess.between[:, None]
    kept = _kept(centres.doubt / np.maximum(noise, 1e-18))
    weight = 1.0 / np.maximum(noise, 1e-18) ** 2
    between, within = _line(residual**2 / kept, 1.0 / observed.exposure, weight)
    variance = np.maximum(within[:, None] / observed.exposure + between[:, None], 1e-18)
    standard = np.abs(residual) / np.sqrt(variance * kept)
    jumps = _jumps(observed, everything)
    rows, exposure = jumps.nonzero()[0], everything.exposure[jumps]
    jumped = np.abs(everything.amount[jumps] / exposure - centres.centre[jumps])
    spread = np.sqrt(within[rows] / exposure + between[rows])
    tail = _tail(np.concatenate([standard[np.isfinite(standard)], jumped / np.maximum(spread, 1e-9)]))
    # Moments fit the middle too wide when the tail is heavy: the scale is the one that fits the upper quartile.
    scale = np.array([_scale(row[np.isfinite(row)], tail) for row in standard])
    return Dispersion(within * scale, np.maximum(between * scale, 1e-18), np.full(len(scale), tail))


def _jumps(observed: Observed, everything: Observed) -> Bools:
    """Buckets set aside that stand alone or in pairs."""
    aside = np.isfinite(everything.amount) & ~np.isfinite(observed.amount)
    before, after = np.zeros_like(aside), np.zeros_like(aside)
    before[:, 1:], after[:, :-1] = aside[:, :-1], aside[:, 1:]
    inner = aside & before & after
    touches = inner.copy()
    touches[:, 1:] |= inner[:, :-1]
    touches[:, :-1] |= inner[:, 1:]
    return aside & ~touches


def _tail(standard: Floats) -> float:
    pooled = standard[np.isfinite(standard)]
    if len(pooled) < _ENOUGH_FOR_TAIL:
        return _HEAVY
    middle, far = np.quantile(pooled, [0.75, 0.998])
    if middle <= 0:
        return _HEAVY
    shape = special.stdtrit(_TAILS, 0.999) / special.stdtrit(_TAILS, 0.875)
    return float(_TAILS[np.argmin(np.abs(np.log(shape) - np.log(far / middle)))])


def _scale(standard: Floats, tail: float) -> float:
    if len(standard) < 20:
        return 1.0
    return float(np.clip((np.quantile(standard, 0.75) / special.stdtrit(tail, 0.875)) ** 2, 0.05, 4.0))


def _kept(leverage: Floats) -> Floats:
    """Share of the noise that is left in a residual."""
    return 1.0 - np.minimum(leverage, 0.8)
