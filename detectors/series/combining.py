"""From the surprises of one row to its score: joined, gathered over the last rows, told once, put on 0–1.

The constants were chosen on half of the series of the Numenta Anomaly Benchmark (docs/series.md says which, and what the
other half gave).
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from detectors.series.windows import Floats, recent_max

POWER = 2.5  # of the mean over the statistics: between "all say so" (1) and "one says so" (infinity)
_SPAN, _GATHERED = 4, 0.6  # rows over which evidence gathers, and its weight beside the row's own
_TOLD_ROWS, _MORE = 120, 0.15  # rows during which a surprise counts as told, and how much more is news
_TOLD_SHARE, _TOLD_MOST = 0.4, 1.1  # what is left of a surprise that was told
HALF = 1.5  # surprise that scores 0.5: where an alarm is best raised


def joined(surprises: list[Floats]) -> Floats:
    """Power mean over the statistics, shape (rows,)."""
    total = np.zeros_like(surprises[0])
    for one in surprises:
        total += one**POWER
    return np.asarray((total / len(surprises)) ** (1 / POWER), dtype=float)


def gathered(surprise: Floats) -> Floats:
    recent = pd.Series(surprise).ewm(span=_SPAN).mean().to_numpy(dtype=float)
    return np.asarray((1 - _GATHERED) * surprise + _GATHERED * recent, dtype=float)


def told_once(surprise: Floats) -> Floats:
    """Less for a row that is not more surprising than one of the last 120: one event, one alarm."""
    news = surprise > recent_max(surprise, _TOLD_ROWS) + _MORE
    return np.where(news, surprise, np.minimum(_TOLD_SHARE * surprise, _TOLD_MOST))


def score_of(surprise: Floats) -> Floats:
    """0–1, high is anomalous, 0.5 at a surprise of 1.5; six decimals."""
    return np.round(1.0 - np.exp2(-surprise / HALF), 6)
