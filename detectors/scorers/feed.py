"""Silent feed: no data where the baseline expects some.

Nothing is not zero: these buckets hold no points, or `no_data` ones. The longer the silence the more was expected in
it, so the score rises with the expected count since the feed fell silent, by the negative binomial's probability of none.
"""

from __future__ import annotations

import numpy as np

from detectors.baseline import Baseline, expected_at
from detectors.panel import Bools, Floats, Panel
from detectors.scorers.interface import Scores
from detectors.tails import count_tails, score_of, surprise


def score(panel: Panel, baseline: Baseline) -> Scores:
    """0–100, high is anomalous: how surely more than nothing should have come since the feed fell silent."""
    expected = expected_at(baseline, panel)
    silent = panel.silent | (panel.coverage <= 0)
    missing = np.where(silent & np.isfinite(expected.value), expected.value, 0.0)
    since = _since_start(missing, silent)
    between = np.nan_to_num(expected.between, nan=0.0)
    none = count_tails(np.zeros_like(since), since, between).low
    value = np.where(silent & np.isfinite(expected.value), score_of(surprise(none)), 0.0)
    value = np.where(np.isfinite(expected.value), value, np.nan)
    return Scores(value, np.zeros(silent.shape, dtype=bool), expected.value)


def _since_start(missing: Floats, silent: Bools) -> Floats:
    """Running sum of `missing` that starts anew after every bucket with data."""
    total = np.cumsum(missing, axis=1)
    before = np.where(silent, -np.inf, total)
    return total - np.maximum(np.maximum.accumulate(before, axis=1), 0.0)
