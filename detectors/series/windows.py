"""Sums, means and spreads over the last rows, each worked out from that window's rows alone.

Running sums would be quicker, but one wild value would stay in their rounding errors for ever, and a row's result must be
the same to the last bit whatever rows follow. So windows are put together from halves, element by element.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def shifted(values: Floats, rows: int) -> Floats:
    """Each row's value `rows` rows ago; NaN where there was none."""
    out = np.full(len(values), np.nan)
    if rows < len(values):
        out[rows:] = values[: len(values) - rows]
    return out


def moments(values: Floats, width: int) -> tuple[Floats, Floats]:
    """Mean and standard deviation of the last `width` rows; NaN for the first `width` − 1 rows.

    Two windows are joined by the formula of Chan, Golub and LeVeque (The American Statistician 37, 1983).
    """
    mean, square, have = values, np.zeros(len(values)), 1
    parts = [(mean, square, have)]
    while 2 * have <= width:
        mean, square = _joined(parts[-1], parts[-1])
        have *= 2
        parts.append((mean, square, have))
    whole = parts.pop()
    for part in reversed(parts):
        if whole[2] + part[2] <= width:
            whole = (*_joined(whole, part), whole[2] + part[2])
    return whole[0], np.sqrt(whole[1] / width)


def _joined(late: tuple[Floats, Floats, int], early: tuple[Floats, Floats, int]) -> tuple[Floats, Floats]:
    """Mean and sum of squared deviations of a window and the one just before it."""
    rows = late[2] + early[2]
    before, squares = shifted(early[0], late[2]), shifted(early[1], late[2])
    distance = late[0] - before
    mean = before + distance * (late[2] / rows)
    return mean, late[1] + squares + distance * distance * (late[2] * early[2] / rows)


def recent_median(values: Floats, width: int, least: int) -> Floats:
    """Median of the last `width` rows, this one included; NaN before `least` of them are there."""
    return pd.Series(values).rolling(width, min_periods=least).median().to_numpy(dtype=float)


def past_median(values: Floats, least: int) -> Floats:
    """Median of all rows up to this one; NaN before `least` of them are there."""
    return pd.Series(values).expanding(least).median().to_numpy(dtype=float)


def recent_max(values: Floats, width: int) -> Floats:
    """Largest of the `width` rows before this one; 0 at the start."""
    return pd.Series(values).rolling(width, min_periods=1).max().shift(1).fillna(0.0).to_numpy(dtype=float)
