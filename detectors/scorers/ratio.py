"""Ratios (ASR, NER, delivery): beta-binomial of numerator and denominator around the hour's expected ratio."""

from __future__ import annotations

from detectors.baseline import Baseline, expected_at
from detectors.panel import Panel
from detectors.scorers.interface import Scores, judged
from detectors.tails import ratio_tails


def score(panel: Panel, baseline: Baseline) -> Scores:
    """0–100, high is anomalous. Few samples make a wide normal band, none are not judged."""
    expected = expected_at(baseline, panel)
    tails = ratio_tails(panel.numerator, panel.denominator, expected.value, baseline.within[:, None], expected.between)
    return judged(tails, panel.kpi.bad, expected.value)
