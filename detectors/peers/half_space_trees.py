"""river's HalfSpaceTrees (Tan, Ting and Liu, IJCAI 2011): learns row by row, after it has scored the row."""

from __future__ import annotations

from typing import Any

import numpy as np

from detectors.peers.interface import SEED, Floats
from detectors.peers.shared import points

_TREES, _HEIGHT = 25, 8
_REACH = 5.0  # standard deviations that become the unit interval the trees want


def scores(values: Floats, step_sec: int, learn: int) -> Floats:
    from river.anomaly import HalfSpaceTrees

    model: Any = HalfSpaceTrees(  # untyped
        n_trees=_TREES, height=_HEIGHT, window_size=max(min(250, learn // 2), 10), seed=SEED
    )
    table = np.clip(points(values, step_sec, learn) / (2 * _REACH) + 0.5, 0.0, 1.0)
    found = np.zeros(len(table))
    for row, numbers in enumerate(table.tolist()):
        features = dict(enumerate(numbers))
        found[row] = model.score_one(features)
        model.learn_one(features)
    return found
