"""Counts (attempts, messages, sessions): negative binomial around the hour's expected count."""

from __future__ import annotations

import numpy as np

from detectors.baseline import Baseline, expected_at
from detectors.panel import Panel
from detectors.scorers.interface import Scores, judged
from detectors.tails import count_tails

LEAST_COVERAGE = 0.5  # a bucket of which less than half was delivered is not judged


def score(panel: Panel, baseline: Baseline) -> Scores:
    """0–100, high is anomalous. A bucket delivered in part is compared with that part of what is expected."""
    expected = expected_at(baseline, panel)
    usable = (panel.coverage >= LEAST_COVERAGE) & np.isfinite(expected.value)
    mean = np.where(usable, expected.value * panel.coverage, np.nan)
    tails = count_tails(np.where(usable, panel.value, np.nan), mean, expected.between)
    return judged(tails, panel.kpi.bad, mean)
