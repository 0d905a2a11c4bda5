"""One scorer a file, one interface (`interface.Scorer`). `by_model` is the one that knows a KPI's distribution."""

from __future__ import annotations

from detectors.baseline import Baseline
from detectors.panel import Panel
from detectors.scorers import continuous, count, feed, ratio, threshold
from detectors.scorers.interface import Scorer, Scores

MODELS: dict[str, Scorer] = {"count": count.score, "ratio": ratio.score, "continuous": continuous.score}


def by_model(panel: Panel, baseline: Baseline) -> Scores:
    """0–100, high is anomalous: the deviation of each bucket from its baseline."""
    return MODELS[panel.kpi.model](panel, baseline)


__all__ = ["MODELS", "Scorer", "Scores", "by_model", "feed", "threshold"]
