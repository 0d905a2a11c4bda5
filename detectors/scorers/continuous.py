"""Delays, qualities and volumes: Student's t around the hour's centre, the variance shrinking with samples."""

from __future__ import annotations

import numpy as np

from detectors.baseline import Baseline, expected_at, scaled_values
from detectors.panel import Floats, Panel
from detectors.scorers.interface import Scores, judged
from detectors.tails import continuous_tails

LEAST_FOR_PERCENTILE = 40  # of fewer, the 95th percentile is one of the two highest: chance, not delay


def score(panel: Panel, baseline: Baseline) -> Scores:
    """0–100, high is anomalous."""
    expected = expected_at(baseline, panel)
    samples = samples_behind(panel, expected.samples)
    variance = baseline.within[:, None] / samples + expected.between
    seen = scaled_values(panel, baseline.floor)
    if not panel.kpi.mergeable:
        seen = np.where(panel.samples >= LEAST_FOR_PERCENTILE, seen, np.nan)
    tails = continuous_tails(seen, expected.centre, variance, baseline.tail[:, None])
    return judged(tails, panel.kpi.bad, expected.value)


def samples_behind(panel: Panel, usual: Floats) -> Floats:
    """Samples of a value; a volume of nothing (no samples) weighs as much as the hour's usual number of them."""
    samples = np.where(panel.samples > 0, panel.samples, usual)
    return np.asarray(np.maximum(np.nan_to_num(samples, nan=1.0), 1.0), dtype=float)
