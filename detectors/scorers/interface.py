"""What every scorer gives: a score per series and bucket, 0–100, high is anomalous, NaN where it cannot judge.

A scorer is one file with one function `score(panel, baseline) -> Scores`, vectorised over series; `baseline` has the
panel's series in the panel's order.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np

from detectors.baseline import Baseline
from detectors.panel import Bools, Floats, Panel
from detectors.subject import Bad
from detectors.tails import Tails, score_of, surprise


class Scores(NamedTuple):
    """Shape (series, buckets). `score`: 0–100, high is anomalous, NaN: not judged. `high`: above what is expected."""

    score: Floats
    high: Bools
    expected: Floats


class Scorer(Protocol):
    def __call__(self, panel: Panel, baseline: Baseline) -> Scores: ...


def judged(tails: Tails, bad: Bad, expected: Floats) -> Scores:
    """Scores from tails: only the bad direction counts; where both are bad the smaller tail counts twice."""
    with np.errstate(invalid="ignore"):
        high = tails.high < tails.low
    if bad == "both":
        probability = np.minimum(2 * np.where(high, tails.high, tails.low), 1.0)
    else:
        probability = tails.high if bad == "high" else tails.low
    return Scores(score_of(surprise(probability)), high, expected)


def nothing(panel: Panel) -> Scores:
    """Scores of a scorer that cannot judge any bucket of `panel`."""
    unknown = np.full(panel.value.shape, np.nan)
    return Scores(unknown, np.zeros(panel.value.shape, dtype=bool), unknown)
