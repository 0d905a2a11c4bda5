"""pyod's IForest (Liu, Ting and Zhou, ICDM 2008), fitted on the first rows; its scores are moved up by ½, to be 0 or more."""

from __future__ import annotations

import numpy as np

from detectors.peers.interface import SEED, Floats
from detectors.peers.shared import points


def scores(values: Floats, step_sec: int, learn: int) -> Floats:
    from pyod.models.iforest import IForest

    table = points(values, step_sec, learn)
    return np.asarray(
        np.maximum(IForest(random_state=SEED).fit(table[:learn]).decision_function(table) + 0.5, 0.0), dtype=float
    )
