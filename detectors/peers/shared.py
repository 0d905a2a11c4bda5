"""What several peers need: rows without gaps, a season, and a row seen as a point of several numbers."""

from __future__ import annotations

import numpy as np

from detectors.peers.interface import Floats

DAY_SEC, WEEK_SEC = 86_400, 604_800
LAGS = 4


def filled(values: Floats) -> Floats:
    """Absent values replaced by the last one seen; by the first one seen at the start."""
    seen = np.isfinite(values)
    last = np.maximum.accumulate(np.where(seen, np.arange(len(values)), -1))
    return values[np.where(last < 0, int(np.argmax(seen)), last)]


def season(step_sec: int, learn: int) -> int:
    """Rows of a week where two fit into the first `learn` rows, else of a day, else 1: no season."""
    for length in (WEEK_SEC, DAY_SEC):
        rows = length // max(step_sec, 1)
        if rows > 1 and 2 * rows <= learn:
            return int(rows)
    return 1


def seasonal_residual(values: Floats, step_sec: int, learn: int) -> Floats:
    """Values without the mean of their place in the season, as the first `learn` rows have it."""
    period = season(step_sec, learn)
    place = np.arange(len(values)) % period
    counts = np.bincount(place[:learn], minlength=period)
    means = np.bincount(place[:learn], weights=values[:learn], minlength=period) / np.maximum(counts, 1)
    return np.asarray(values - means[place], dtype=float)


def points(values: Floats, step_sec: int, learn: int) -> Floats:
    """Shape (rows, LAGS + 2), standardised: the row and those before it, its change, its distance from its season."""
    whole = filled(values)
    lagged = [np.r_[np.full(lag, whole[0]), whole[: len(whole) - lag]] for lag in range(LAGS)]
    table = np.column_stack([*lagged, np.diff(whole, prepend=whole[0]), seasonal_residual(whole, step_sec, learn)])
    spread = table[:learn].std(axis=0)
    return np.asarray((table - table[:learn].mean(axis=0)) / np.where(spread > 0, spread, 1.0), dtype=float)
