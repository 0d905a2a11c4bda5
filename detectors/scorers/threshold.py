"""Targets: a value breaks its target only as far as its samples prove it.

The score is that of the one-sided binomial test of "the true ratio keeps the target". A score of 75 says the same as
a Clopper-Pearson bound (Biometrika 26, 1934) at confidence 1 − 10⁻⁵ that lies wholly beyond the target. Samples that
hang together (packets of one call) count once: the number of trials is at most the number of records.
"""

from __future__ import annotations

import numpy as np

from detectors.baseline import Baseline
from detectors.panel import Panel
from detectors.scorers.interface import Scores, judged, nothing
from detectors.tails import ratio_tails


def score(panel: Panel, baseline: Baseline) -> Scores:
    """0–100, high: the target is certainly broken. NaN for KPIs without a target or that are not ratios."""
    kpi = panel.kpi
    if kpi.target is None or kpi.model != "ratio":
        return nothing(panel)
    trials = np.fmin(panel.denominator, panel.samples)
    hits = panel.numerator / np.where(panel.denominator > 0, panel.denominator, np.nan) * trials
    target = np.full(panel.value.shape, kpi.target)
    tails = ratio_tails(hits, trials, target, np.ones_like(target), np.zeros_like(target))
    return judged(tails, "low" if kpi.target_is_least else "high", target)
