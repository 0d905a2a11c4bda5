"""How unlike everything seen before the last rows are: distance to the nearest earlier window (a discord, Keogh, Lin and Fu,
ICDM 2005), for several widths in one pass over the lags."""

from __future__ import annotations

import numpy as np

from detectors.series.windows import Floats

MOST_LAGS = 4000  # rows looked back
SHORT, LONG = 8, 24  # values in a window


def nearest(values: Floats, stride: int = 1, most: int = MOST_LAGS) -> dict[int, Floats]:
    """Values in a window → distance of the window that ends in each row to its nearest earlier one, for 8 and 24 values.

    A window has every `stride`-th row. The earlier one ends at least its own length and at most `most` rows ago; with a
    stride above 2 only every `stride` / 3-th lag is tried, since neighbours are alike. NaN where there is none.
    """
    rows = len(values)
    best = {width: np.full(rows, np.inf) for width in (SHORT, LONG)}
    farthest = min(most, rows - 1 - (SHORT - 1) * stride)  # at which the last row still has an earlier window
    for lag in range(SHORT * stride, farthest + 1, max(stride // 3, 1)):
        square = values[lag:] - values[:-lag]
        square *= square
        short = _with_before(_with_before(_with_before(square, stride), 2 * stride), 4 * stride)
        _keep(best[SHORT], short)
        if lag >= LONG * stride and len(short) > 2 * SHORT * stride:
            _keep(best[LONG], _with_before(short, SHORT * stride)[SHORT * stride :] + short[: -2 * SHORT * stride])
    return {width: np.where(np.isfinite(found), np.sqrt(found), np.nan) for width, found in best.items()}


def _with_before(sums: Floats, rows: int) -> Floats:
    """Each sum and the one `rows` before it, added; the first `rows` fall away."""
    return sums[rows:] + sums[:-rows] if len(sums) > rows else sums[:0]


def _keep(best: Floats, found: Floats) -> None:
    """Takes what is less into the last rows of `best`."""
    if len(found):
        np.minimum(best[-len(found) :], found, out=best[-len(found) :])
