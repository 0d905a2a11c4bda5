"""Tail of a normal distribution fitted on the rows before: the plainest detector of the Numenta Anomaly Benchmark."""

from __future__ import annotations

import numpy as np
import pandas as pd

from detectors.peers.interface import Floats
from detectors.peers.shared import filled

_WINDOW = 1000  # rows, at most


def scores(values: Floats, step_sec: int, learn: int) -> Floats:
    past = pd.Series(filled(values)).rolling(min(_WINDOW, learn), min_periods=2)
    mean, spread = past.mean().shift(1).to_numpy(), past.std().shift(1).to_numpy()
    with np.errstate(invalid="ignore", divide="ignore"):
        distance = np.abs(filled(values) - mean) / np.where(spread > 0, spread, np.nan)
    return np.asarray(np.nan_to_num(distance), dtype=float)
