"""Residual of statsmodels' STL (Cleveland and others, Journal of Official Statistics 6, 1990).

STL looks both ways, so it is fitted on the first rows only; later rows are measured against the seasonal figure of its last
full season and the level of the season before them.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from detectors.peers.interface import Floats
from detectors.peers.shared import filled, season


def scores(values: Floats, step_sec: int, learn: int) -> Floats:
    whole = filled(values)
    period = season(step_sec, learn)
    level = pd.Series(_without_season(whole, period, learn))
    usual = level.rolling(max(period, 20), min_periods=1).median().shift(1).to_numpy()
    residual = np.nan_to_num(level.to_numpy() - usual)
    spread = float(residual[:learn].std())
    return np.asarray(np.abs(residual) / (spread if spread > 0 else 1.0), dtype=float)


def _without_season(whole: Floats, period: int, learn: int) -> Floats:
    from statsmodels.tsa.seasonal import STL

    if period < 2 or learn < 2 * period:
        return whole
    figure = np.asarray(STL(whole[:learn], period=period, robust=True).fit().seasonal)[learn - period :]
    return np.asarray(whole - figure[(np.arange(len(whole)) - learn) % period], dtype=float)
