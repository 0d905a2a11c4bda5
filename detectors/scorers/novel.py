"""New and rare values: more records of a value in an hour than one that hardly ever came before can have by chance.

Rare things come in lots, so the count is negative binomial with a shape of one half; of what never came, half a record in three
weeks is taken to have come (Krichevsky and Trofimov's half, IEEE Trans. Inf. Theory 27, 1981).
"""

from __future__ import annotations

import numpy as np

from detectors.panel import Floats, Panel
from detectors.scorers.interface import Scores
from detectors.tails import count_tails, score_of, surprise

NEVER = 0.5 / (21 * 24)  # records an hour of what was not seen yet
LOTS = 2.0  # over-dispersion: variance μ + 2 μ²
LEAST_RECORDS = 10  # fewer in an hour are nobody's trouble
LEAST_SHARE = 0.01  # of the service's records in that hour


def score(panel: Panel, rate: Floats) -> Scores:
    """0–100, high is anomalous; `rate`: records an hour that are usual, by series. `panel` holds all values of its field.

    0 where it is too few to matter, NaN in an hour without any record of the service.
    """
    mean = np.broadcast_to(np.maximum(rate, NEVER)[:, None], panel.value.shape)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = panel.value / np.nansum(panel.value, axis=0)
        matters = (panel.value >= LEAST_RECORDS) & (share >= LEAST_SHARE)
    high = count_tails(panel.value, mean, np.full(mean.shape, LOTS)).high
    found = np.where(matters, score_of(surprise(high)), 0.0)
    return Scores(np.where(np.isfinite(panel.value), found, np.nan), np.ones(mean.shape, dtype=bool), mean)
