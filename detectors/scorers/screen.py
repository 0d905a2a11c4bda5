"""Which buckets stand out, without the score of those that do not: what learning asks, for a fraction of the time.

A tail is worked out only where a bucket lies more than `NEAR` standard deviations off, in either direction. Nearer than
that no tail of the three models is below one in a hundred, far from any score that is asked for (a test holds the answer to
the scorers' own).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from contracts.errors import InternalError
from detectors.baseline import Baseline, Expected, expected_at, scaled_values
from detectors.panel import Bools, Floats, Panel
from detectors.scorers.continuous import LEAST_FOR_PERCENTILE, samples_behind
from detectors.scorers.count import LEAST_COVERAGE
from detectors.subject import Model
from detectors.tails import Tails, continuous_tails, count_tails, ratio_tails, score_of, surprise

NEAR = 2.0  # standard deviations
LEAST = 45.0  # the lowest score that may be asked for: one quiet bucket in a thousand


class _Seen(NamedTuple):
    """Distance from what is expected in standard deviations, and what the tails of some buckets are made from."""

    distance: Floats
    parts: tuple[Floats, ...]


def stands_out(panel: Panel, baseline: Baseline, least: float) -> Bools:
    """Where `scorers.by_model` gives `least` or more, both directions being bad; shape (series, buckets)."""
    if least < LEAST:
        raise InternalError(f"a score of {least:g} is too near to quiet to be screened for")
    expected = expected_at(baseline, panel)
    seen = _SEEN[panel.kpi.model](panel, baseline, expected)
    with np.errstate(invalid="ignore"):
        near = np.abs(seen.distance) > NEAR
    found = np.zeros(near.shape, dtype=bool)
    if near.any():
        tails = _TAILS[panel.kpi.model](*(np.broadcast_to(part, near.shape)[near] for part in seen.parts))
        smaller = np.minimum(2 * np.minimum(tails.low, tails.high), 1.0)
        with np.errstate(invalid="ignore"):
            found[near] = score_of(surprise(smaller)) >= least
    return found


def _count(panel: Panel, baseline: Baseline, expected: Expected) -> _Seen:
    mean = np.where(panel.coverage >= LEAST_COVERAGE, expected.value * panel.coverage, np.nan)
    distance = panel.value - mean
    with np.errstate(invalid="ignore", divide="ignore"):
        distance /= np.sqrt(mean * (1 + expected.between * mean))
    return _Seen(distance, (panel.value, mean, expected.between))


def _ratio(panel: Panel, baseline: Baseline, expected: Expected) -> _Seen:
    mean, within = expected.value, baseline.within[:, None]
    with np.errstate(invalid="ignore", divide="ignore"):
        unit = mean * (1 - mean)
        distance = panel.numerator / panel.denominator - mean
        distance /= np.sqrt(unit * (within / panel.denominator + expected.between))
    return _Seen(distance, (panel.numerator, panel.denominator, mean, within, expected.between))


def _continuous(panel: Panel, baseline: Baseline, expected: Expected) -> _Seen:
    variance = baseline.within[:, None] / samples_behind(panel, expected.samples) + expected.between
    seen = scaled_values(panel, baseline.floor)
    if not panel.kpi.mergeable:
        seen = np.where(panel.samples >= LEAST_FOR_PERCENTILE, seen, np.nan)
    distance = (seen - expected.centre) / np.sqrt(np.maximum(variance, 1e-18))
    return _Seen(distance, (seen, expected.centre, variance, baseline.tail[:, None]))


_SEEN: dict[Model, Callable[[Panel, Baseline, Expected], _Seen]] = {
    "count": _count,
    "ratio": _ratio,
    "continuous": _continuous,
}
_TAILS: dict[Model, Callable[..., Tails]] = {"count": count_tails, "ratio": ratio_tails, "continuous": continuous_tails}
