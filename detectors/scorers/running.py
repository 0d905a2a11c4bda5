"""Running windows: at the end of every bucket, its own sums and those of the last ten minutes, hour, … day.

A thin series says little in five minutes and much in an hour, and no hour of the clock is waited for: each window ends now,
holds the counts of all its buckets, and is judged by the same tails as a bucket (`tails`), its over-dispersion taken as common to
the whole window. So a large change shows at once, a small one as soon as it can be told from chance, a slow one within a day.
A window's score pays for the others that were looked at as well (`LOOKS`).

Two passes: windows up to an hour find what is sudden; windows up to a day then find what is slow, in what the first pass left
quiet (`without`), so that an outage that is over is not told again for a day.

Tails are worked out only where a window deviates by more than a standard deviation in the bad direction.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import special

from detectors.baseline import Baseline, Expected
from detectors.panel import Bools, Floats, Ints, Panel
from detectors.scales import to_scale
from detectors.scorers.continuous import samples_behind
from detectors.tails import Tails, bursts, continuous_tails, count_tails, ratio_tails, score_of, surprise

SUDDEN_SEC = (300, 600, 900, 1800, 3600)
SLOW_SEC = (10800, 43200, 86400)
LOOKS = 0.5  # −log10 of how many windows count for, since they overlap: held by a test on quiet data
LEAST_COVERAGE = 0.5  # a window of which less than half was delivered is not judged
LEAST_SAMPLES = 3.0
LEAST_EVENTS = 2.0  # beyond what is expected, of a ratio
_NEAR = 1.0  # standard deviations below which a window is not looked at closer


class Running(NamedTuple):
    """Shape (series, buckets). `score`: 0–100, high is anomalous. `width`: buckets of the window that deviates most.

    `recent`: −log10 p of a window of a few buckets: whether the deviation still goes on.
    """

    score: Floats
    width: Ints
    recent: Floats


class Sums(NamedTuple):
    """Running sums over buckets with a leading zero, shape (series, buckets + 1).

    `seen`: counts, numerators, or values × what they are means of; `due`: what is expected of `seen`; `whole`: coverage,
    denominators, or what values are means of; `between`: × whole (× due for counts); `samples`: behind a mean.
    """

    seen: Floats
    due: Floats
    whole: Floats
    between: Floats
    samples: Floats


def widths_of(step_sec: int, spans_sec: tuple[int, ...]) -> tuple[int, ...]:
    """Windows in buckets of this length."""
    return tuple(seconds // step_sec for seconds in spans_sec if seconds >= step_sec)


def sums_of(panel: Panel, baseline: Baseline, expected: Expected, without: Bools | None = None) -> Sums:
    """What windows are judged by; buckets that cannot be judged, or are to be left out, add nothing."""
    kpi = panel.kpi
    if kpi.model == "count":
        usable = np.isfinite(expected.value) & np.isfinite(panel.value)
        whole, seen = panel.coverage, panel.value
        due, samples = expected.value * whole, panel.value
        weight = due
    elif kpi.by_parts:
        usable = np.isfinite(expected.value) & (panel.denominator > 0) & np.isfinite(panel.numerator)
        whole, seen, samples = panel.denominator, panel.numerator, panel.samples
        due, weight = quiet_ratio(panel, expected) * whole, whole
    else:
        usable = np.isfinite(expected.value) & np.isfinite(panel.value)
        samples = samples_behind(panel, expected.samples)
        whole = (
            np.ones_like(panel.value) if kpi.additive else np.where(panel.denominator > 0, panel.denominator, samples)
        )
        seen, due, weight = panel.value * whole, expected.value * whole, whole
    usable = usable if without is None else usable & ~without
    parts = (seen, due, whole, between_of(panel, expected) * weight, samples)
    return Sums(*(_running(np.where(usable, part, 0.0)) for part in parts))


def quiet_ratio(panel: Panel, expected: Expected) -> Floats:
    """The ratio that is expected: of a percentile, the share of samples beyond it."""
    if panel.kpi.mergeable:
        return expected.value
    return np.where(np.isfinite(expected.value), 1.0 - panel.kpi.percentile, np.nan)


def between_of(panel: Panel, expected: Expected) -> Floats:
    """Over-dispersion; of the share beyond a percentile, from that of the percentile's logarithm.

    Near its 95th percentile a lognormal of σ 0.4 has a density of 0.26 in log x; a percentile that strays by d takes the share
    by 0.26 d with it, and (0.26 d)² is 1.4 p(1 − p) d².
    """
    return expected.between if panel.kpi.mergeable else 1.4 * expected.between


def _running(array: Floats) -> Floats:
    total = np.zeros((array.shape[0], array.shape[1] + 1))
    np.cumsum(np.nan_to_num(array), axis=1, out=total[:, 1:])
    return total


def window(sums: Sums, width: int) -> Sums:
    """Sums of the window of `width` buckets that ends with each bucket, shape (series, buckets)."""
    return Sums(*(_window(total, width) for total in sums))


def _window(total: Floats, width: int) -> Floats:
    found = total[:, 1:].copy()
    if width < found.shape[1]:
        found[:, width:] -= total[:, 1:-width]
    return found


def score(panel: Panel, baseline: Baseline, expected: Expected, *, high: bool, without: Bools | None = None) -> Running:
    """Deviation upwards (`high`) or downwards of the most telling window that ends with each bucket.

    Windows up to an hour, or with `without` (series, buckets: to be left out) those up to a day.
    """
    sums, shape = sums_of(panel, baseline, expected, without), panel.value.shape
    widths = widths_of(panel.step_sec, SUDDEN_SEC if without is None else SLOW_SEC)
    if not widths:  # days
        widths = (1,)
    penalty = (LOOKS if len(widths) > 1 else 0.0) + (np.log10(2.0) if panel.kpi.bad == "both" else 0.0)
    found = np.stack([_surprise(panel, baseline, window(sums, width), width, high) for width in widths])
    best = found.argmax(axis=0)
    top = np.take_along_axis(found, best[None], axis=0)[0]
    recent = np.take_along_axis(found, np.maximum(best - 1 - (without is None), 0)[None], axis=0)[0]
    score = score_of(np.maximum(top - penalty, 0.0))
    judged = np.isfinite(expected.value)
    width = np.minimum(np.array(widths)[best], np.arange(shape[1]) + 1)
    return Running(np.where(judged, score, np.nan), width, recent)


def onset(panel: Panel, baseline: Baseline, sums: Sums, row: int, earliest: int, end: int) -> int:
    """Column from which on one series deviates most up to column `end`: where its window begins."""
    starts = np.arange(earliest, end + 1)
    part = Sums(*(total[row : row + 1, end + 1 : end + 2] - total[row : row + 1, starts] for total in sums))
    rows = baseline.rows([row])
    _, _, distance = _distance(panel.rows([row]), rows, part)
    distance = np.nan_to_num(np.abs(distance[0]))
    return int(starts[distance.argmax()])


def surprise_of_all(panel: Panel, baseline: Baseline, expected: Expected, *, high: bool) -> float:
    """−log10 p of all buckets of a panel of one series together; 0 where they do not deviate that way."""
    part = Sums(*(total[:, -1:] for total in sums_of(panel, baseline, expected)))
    return float(_surprise(panel, baseline, part, len(panel.starts), high)[0, 0])


def normal_scores(panel: Panel, baseline: Baseline, expected: Expected, width: int, columns: Bools) -> Floats:
    """How far the window of `width` buckets that ends with each of `columns` strays, as a normal one would.

    Φ⁻¹ of its own tail; of what comes in whole events the middle of the step is taken (mid-p). NaN: it says too little.
    """
    part = Sums(*(total[:, columns] for total in window(sums_of(panel, baseline, expected), width)))
    mean, between, distance = _distance(panel, baseline, part)
    enough = part.whole >= LEAST_COVERAGE * width if panel.kpi.model == "count" else part.samples >= LEAST_SAMPLES
    enough &= np.isfinite(distance)
    found = np.full(distance.shape, np.nan)
    if enough.any():
        low, high = _tails(panel, baseline, part, mean, between, enough)
        step = np.maximum(low + high - 1.0, 0.0) / 2
        low, high = np.maximum(low - step, 1e-300), np.maximum(high - step, 1e-300)
        found[enough] = np.where(low < high, special.ndtri(low), -special.ndtri(high))
    return found


def _surprise(panel: Panel, baseline: Baseline, part: Sums, width: int, high: bool) -> Floats:
    """−log10 p of each window; 0 where it does not deviate that way."""
    mean, between, distance = _distance(panel, baseline, part)
    near = (distance if high else -distance) > _NEAR
    near &= part.whole >= LEAST_COVERAGE * width if panel.kpi.model == "count" else part.samples >= LEAST_SAMPLES
    if panel.kpi.logarithmic and not panel.kpi.by_parts and width < baseline.learned_steps:
        near[:] = False  # of few heavy-tailed samples no better is known than how they stray over the span learned from
    if panel.kpi.by_parts:
        near &= np.abs(part.seen - part.due) >= LEAST_EVENTS * _within(panel, baseline)
    result = np.zeros(part.seen.shape)
    if near.any():
        tails = _tails(panel, baseline, part, mean, between, near)
        result[near] = surprise(tails.high if high else tails.low)
    return result


def _distance(panel: Panel, baseline: Baseline, part: Sums) -> tuple[Floats, Floats, Floats]:
    """What is expected of each window (count, ratio, or on the scale), its over-dispersion, standard deviations off it."""
    kpi, within = panel.kpi, baseline.within[:, None]
    with np.errstate(invalid="ignore", divide="ignore"):
        if kpi.model == "count":
            between = part.between / part.due
            return part.due, between, (part.seen - part.due) / np.sqrt(part.due * (1 + between * part.due))
        mean, between = part.due / part.whole, part.between / part.whole
        if kpi.by_parts:
            spread = _within(panel, baseline) / part.whole + between
            return mean, between, (part.seen / part.whole - mean) / np.sqrt(mean * (1 - mean) * spread)
        centre = to_scale(kpi, mean, 1e-12)
        off = seen_on_scale(panel, baseline, part) - centre
        return centre, between, off / np.sqrt(within / np.maximum(part.samples, 1.0) + between)


def _within(panel: Panel, baseline: Baseline) -> Floats:
    return baseline.within[:, None] if panel.kpi.mergeable else np.ones((len(panel.series), 1))


def seen_on_scale(panel: Panel, baseline: Baseline, part: Sums) -> Floats:
    """A window's own mean on the KPI's scale."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return to_scale(panel.kpi, part.seen / part.whole, np.broadcast_to(baseline.floor[:, None], part.seen.shape))


def _tails(panel: Panel, baseline: Baseline, part: Sums, mean: Floats, between: Floats, near: Bools) -> Tails:
    """Of the windows that are `near`, in their order."""
    kpi, rows = panel.kpi, near.nonzero()[0]
    if kpi.model == "count":
        return count_tails(part.seen[near], mean[near], between[near])
    if kpi.by_parts:
        within = _within(panel, baseline)[rows, 0]
        hits = (part.seen[near], part.whole[near], mean[near], within, between[near])
        return bursts(ratio_tails(*hits), *hits, baseline.tail[rows]) if kpi.model == "ratio" else ratio_tails(*hits)
    variance = baseline.within[rows] / np.maximum(part.samples[near], 1.0) + between[near]
    seen = seen_on_scale(panel, baseline, part)[near]
    # The mean of more samples than the tail was learned from is nearer to normal.
    usual = np.maximum(np.nan_to_num(baseline.samples).mean(axis=1), 1.0)[rows]
    more = np.maximum(part.samples[near] / usual / baseline.learned_steps, 1.0)
    tail = baseline.tail[rows] * (1.0 if kpi.logarithmic else more)
    return continuous_tails(seen, mean[near], variance, tail)
