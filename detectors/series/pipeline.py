"""The order of the steps from values to scores."""

from __future__ import annotations

import numpy as np

from detectors.series.clock import steady
from detectors.series.combining import gathered, joined, score_of, told_once
from detectors.series.seasons import expected
from detectors.series.statistics import SEASONAL, statistics
from detectors.series.surprise import WARM_UP, surprise
from detectors.series.windows import Floats

ALARM = 0.5  # score from which a row is worth an alarm
_SHARE, _MOST = 0.15, 750
_HUGE = 1e100


def score_series(values: Floats, seconds: Floats) -> Floats:
    """Score of each row, shape (rows,), 0–1, high is anomalous, never NaN; 0 for an absent value.

    `values`: NaN or infinite where absent. `seconds`: time of each row, any order, any step. A score depends on its row and
    the rows before it alone, so the probation rows have theirs too: how many they are, only the end of the series tells.
    """
    scores = np.zeros(len(values))
    here = np.flatnonzero(np.isfinite(values))
    if len(here) > WARM_UP:
        scores[here] = _scores(np.asarray(values, dtype=float)[here], steady(np.asarray(seconds, dtype=float)[here]))
    return scores


def probation(rows: int) -> int:
    """First rows whose scores raise no alarm and are not evaluated, since too little was seen: 15 %, at most 750."""
    return min(int(_SHARE * rows), _MOST)


def _scores(values: Floats, clock: Floats) -> Floats:
    values = _moderate(values)
    usual, period = expected(values, clock)
    found = statistics(values, usual)
    warm = np.maximum(2 * period, WARM_UP)
    surprises = [
        surprise(each, warm if name in SEASONAL else np.full(len(values), WARM_UP)) for name, each in found.items()
    ]
    return score_of(told_once(gathered(joined(surprises))))


def _moderate(values: Floats) -> Floats:
    """Around 0 and of size 1 as far as the first rows tell, so that nothing overflows: what is measured has no unit."""
    first = np.clip(values[:WARM_UP], -_HUGE, _HUGE)
    centre = float(np.median(first))
    size = float(np.median(np.abs(first - centre))) or float(first.std()) or 1.0
    return np.clip((np.clip(values, -_HUGE, _HUGE) - centre) / size, -_HUGE, _HUGE)
