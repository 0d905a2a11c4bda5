"""Fourier terms of the day and the week, fitted by ridge least squares on the first rows: the seasonal part of Prophet's model
(Taylor and Letham, The American Statistician 72, 2018), without its trend, which would run away after few rows."""

from __future__ import annotations

import numpy as np

from detectors.peers.interface import Floats
from detectors.peers.shared import DAY_SEC, WEEK_SEC, filled

_ORDERS = {DAY_SEC: 4, WEEK_SEC: 3}
_RIDGE = 1e-3


def scores(values: Floats, step_sec: int, learn: int) -> Floats:
    whole = filled(values)
    table = _terms(len(whole), step_sec, learn)
    known = table[:learn]
    weights = np.linalg.solve(known.T @ known + _RIDGE * learn * np.eye(known.shape[1]), known.T @ whole[:learn])
    residual = whole - table @ weights
    spread = float(residual[:learn].std())
    return np.asarray(np.abs(residual) / (spread if spread > 0 else 1.0), dtype=float)


def _terms(rows: int, step_sec: int, learn: int) -> Floats:
    """Columns: one, and sines and cosines of the periods of which the first `learn` rows hold two."""
    time = np.arange(rows) * float(step_sec)
    columns = [np.ones(rows)]
    for period, order in _ORDERS.items():
        if learn * step_sec >= 2 * period and step_sec * 2 * order <= period:
            for k in range(1, order + 1):
                columns += [np.sin(2 * np.pi * k * time / period), np.cos(2 * np.pi * k * time / period)]
    return np.column_stack(columns)
