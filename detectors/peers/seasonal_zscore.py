"""Plain z-score against the same time of the day or week, learned from the first rows."""

from __future__ import annotations

import numpy as np

from detectors.peers.interface import Floats
from detectors.peers.shared import filled, seasonal_residual


def scores(values: Floats, step_sec: int, learn: int) -> Floats:
    residual = seasonal_residual(filled(values), step_sec, learn)
    spread = float(residual[:learn].std())
    return np.asarray(np.abs(residual) / (spread if spread > 0 else 1.0), dtype=float)
