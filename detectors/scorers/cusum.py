"""A level that shifted for good, by little: the cumulated sum of what its days say (Page, Biometrika 41, 1954).

Each local day of a series says one number, as a standard normal would (`running.normal_scores`): z. On one side

    S = max over the last m days of Σ (min(z, MOST) − SLACK)

rises by z − SLACK a day while the shift lasts; a day can give no more than MOST, so that one outage is no level. A score is what
a sum that high has for a false alarm rate: 1 / ARL, by the approximation of Siegmund (Sequential Analysis, 1985, eq. 2.57).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from detectors.panel import Floats, Ints
from detectors.tails import score_of

SLACK = 0.5  # standard deviations: half of the smallest shift that is looked for
MOST = 3.0
MEMORY = 14  # days that are looked back at
LASTING = 0.75  # share of the days since it began that must lie on that side
_OVERSHOOT = 1.166  # by which a sum passes its limit on average, Siegmund's 2 · 0.583


class Shifts(NamedTuple):
    """Shape (series, days). `score`: 0–100, high is anomalous, NaN on a day that says nothing. `begun`: column since when."""

    score: Floats
    begun: Ints


def score(days: Floats, *, high: bool) -> Shifts:
    """Of `days` (series, days): normal scores of local days, NaN: not judged."""
    side = np.clip(days if high else -days, -MOST, MOST)
    total, best = np.zeros(side.shape), np.zeros(side.shape)
    length, known, there = np.ones(side.shape, dtype=np.int64), np.zeros(side.shape), np.zeros(side.shape)
    judged, on_side = np.isfinite(side), np.nan_to_num(side) > SLACK
    gain = np.where(judged, np.nan_to_num(side) - SLACK, 0.0)
    for back in range(min(MEMORY, side.shape[1])):
        total[:, back:] += gain[:, : side.shape[1] - back]
        known[:, back:] += judged[:, : side.shape[1] - back]
        there[:, back:] += on_side[:, : side.shape[1] - back]
        rises = (total > best) & (there >= LASTING * known)
        rises[:, :back] = False
        best[rises], length[rises] = total[rises], back + 1
    begun = np.maximum(np.arange(side.shape[1]) - length + 1, 0)
    return Shifts(np.where(judged, score_of(np.maximum(-np.log10(_rate(best)), 0.0)), np.nan), begun)


def _rate(height: Floats) -> Floats:
    """False alarms a day of a sum that is told at `height`."""
    reach = 2 * SLACK * (height + _OVERSHOOT)
    return np.asarray(np.minimum(2 * SLACK**2 / np.maximum(np.expm1(reach) - reach, 1e-12), 1.0))
