"""Intervals that hold as often as they say: quantiles of what the method missed by at days past (split conformal
prediction, Papadopoulos and others, ECML 2002), per time of the day and growing with the distance."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from detectors.forecasting.calendar import Ints, Places
from detectors.forecasting.scale import Floats

_BANDS = (1, 3, 7, 14)  # days ahead, each band up to this one; later days are of the last
_FEWEST = 40  # misses in a band; with fewer, all bands are taken together


class Reach(NamedTuple):
    """`below`, `above`: shape (rows to come,), on the evened scale. `coverage`: share of past values inside, None: unknown."""

    below: Floats
    above: Floats
    coverage: float | None


def reach(errors: Floats, where: Places, starts: list[int], rows: int, level: float) -> Reach:
    """`errors` of the chosen method, shape (origins, tried horizon); `where` holds `rows` known rows and those to come."""
    spread = _spread_by_slot(errors, where, starts)
    horizon = errors.shape[1]
    scaled = np.stack([errors[at] / spread[where.slot[start : start + horizon]] for at, start in enumerate(starts)])
    tried_band = _band(np.arange(horizon) // where.slots)
    ahead_band = np.minimum(_band(np.arange(len(where.day) - rows) // where.slots), tried_band[-1])
    width = spread[where.slot[rows:]]
    low, high = _quantiles(scaled, tried_band, level)
    return Reach(-low[ahead_band] * width, high[ahead_band] * width, _coverage(scaled, tried_band, level))


def _band(days: Ints) -> Ints:
    return np.searchsorted(_BANDS, days + 1).astype(np.int64)


def _spread_by_slot(errors: Floats, where: Places, starts: list[int]) -> Floats:
    """Root of mean square miss by time of the day, drawn half-way to that of the whole day; never 0."""
    squares, counts = np.zeros(where.slots), np.zeros(where.slots)
    for at, start in enumerate(starts):
        slot, known = where.slot[start : start + errors.shape[1]], np.isfinite(errors[at])
        np.add.at(squares, slot[known], errors[at][known] ** 2)
        np.add.at(counts, slot[known], 1.0)
    whole = squares.sum() / max(counts.sum(), 1.0)
    mixed = (squares + 4 * whole) / (counts + 4)
    return np.asarray(np.sqrt(np.maximum(mixed, 1e-18)), dtype=float)


def _quantiles(scaled: Floats, band: Ints, level: float) -> tuple[Floats, Floats]:
    """Lower and upper quantile per band, shape (bands,); misses grow with the distance, so a later band is never narrower."""
    low, high = np.zeros(len(_BANDS) + 1), np.zeros(len(_BANDS) + 1)
    for number in range(len(_BANDS) + 1):
        own = scaled[:, band == number]
        own = own[np.isfinite(own)]
        if len(own) < _FEWEST:
            own = scaled[np.isfinite(scaled)]
        share = min((1 - level) / 2, 0.5) * len(own) / (len(own) + 1)
        low[number], high[number] = np.quantile(own, share), np.quantile(own, 1 - share)
    return np.minimum.accumulate(np.minimum(low, 0.0)), np.maximum.accumulate(np.maximum(high, 0.0))


def _coverage(scaled: Floats, band: Ints, level: float) -> float | None:
    """Share of each origin's values inside the interval that the other origins' misses give."""
    if len(scaled) < 3:
        return None
    inside, known = 0, 0
    for at in range(len(scaled)):
        others = np.delete(scaled, at, axis=0)
        own = scaled[at]
        if not np.isfinite(others).any():
            continue
        low, high = _quantiles(others, band, level)
        seen = np.isfinite(own)
        known += int(seen.sum())
        inside += int(((own >= low[band]) & (own <= high[band]))[seen].sum())
    return inside / known if known else None
