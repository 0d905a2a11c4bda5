"""What each method would have said at days past, and how far off it was."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from detectors.forecasting.calendar import Places
from detectors.forecasting.methods import METHODS, naive_scale
from detectors.forecasting.scale import Floats, Kind, evened, plain

_ORIGINS = 8  # a day apart, the last ones that the horizon leaves
_LEAST_DAYS = 4  # of history behind an origin


class Tried(NamedTuple):
    """Of one method. `errors`: shape (origins, horizon), actual less expected on the evened scale, NaN where absent.

    `mae`: mean absolute error in the values' unit. `mase`: that over the naive's own error within the history.
    """

    name: str
    errors: Floats
    mae: float
    mase: float


def origins(rows: int, horizon: int, slots: int) -> list[int]:
    """Rows known at each origin, oldest first; none where the history is too short."""
    newest = rows - horizon
    found = [newest - number * slots for number in range(_ORIGINS)]
    return sorted(row for row in found if row >= _LEAST_DAYS * slots)


def try_methods(values: Floats, where: Places, horizon: int, kind: Kind) -> list[Tried]:
    """Every method at every origin. The history of an origin is what was known then."""
    starts = origins(len(values), horizon, where.slots)
    evens = evened(values, kind)
    scales = [naive_scale(values[:start], where.slots) for start in starts]
    return [_tried(name, values, evens, where, starts, horizon, kind, scales) for name in METHODS] if starts else []


def _tried(
    name: str,
    values: Floats,
    evens: Floats,
    where: Places,
    starts: list[int],
    horizon: int,
    kind: Kind,
    scales: list[float],
) -> Tried:
    errors, misses = np.full((len(starts), horizon), np.nan), np.full((len(starts), horizon), np.nan)
    for at, start in enumerate(starts):
        if not np.isfinite(evens[:start]).any():
            continue
        said = METHODS[name](evens[:start], where.upto(start + horizon))
        errors[at] = evens[start : start + horizon] - said
        misses[at] = np.abs(values[start : start + horizon] - plain(said, kind))
    known = np.isfinite(misses)
    mae = float(misses[known].mean()) if known.any() else np.inf
    scaled = [
        float(row[np.isfinite(row)].mean()) / scale
        for row, scale in zip(misses, scales, strict=True)
        if np.isfinite(row).any() and scale > 0
    ]
    return Tried(name, errors, mae, float(np.mean(scaled)) if scaled else np.nan)
