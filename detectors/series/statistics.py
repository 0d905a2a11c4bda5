"""What is measured of each row: statistics that are 0 or more, large when unusual, of the row and those before it alone."""

from __future__ import annotations

import numpy as np

from detectors.series.shapes import nearest
from detectors.series.windows import Floats, moments, past_median, recent_median, shifted

_NEAR = 100  # rows of the neighbourhood a row is held against
_COARSE = 6  # rows in a mean, for slow shapes
_LEAST = 20  # rows before a median of the past means anything
SEASONAL = ("season", "season12", "season48")


def statistics(values: Floats, usual: Floats) -> dict[str, Floats]:
    """All statistics by name, NaN where there is too little past.

    `values`: no gaps, moderate size. `usual`: what the season makes of each row, NaN while none is known.
    """
    with np.errstate(invalid="ignore"):  # NaN at the start
        found = {**_point(values), **_level(values), **_spread(values), **_season(values, usual)}
    return found | _shape(values)


def _point(values: Floats) -> dict[str, Floats]:
    near, always = shifted(recent_median(values, _NEAR, 10), 1), shifted(past_median(values, _LEAST), 1)
    three = recent_median(values, 3, 3)
    return {
        "change": np.abs(values - np.r_[values[:1], values[:-1]]),
        "near": np.abs(values - near),
        "near3": np.abs(three - shifted(recent_median(values, _NEAR, 10), 3)),
        "high": np.maximum(values - always, 0.0),
        "low": np.maximum(always - values, 0.0),
    }


def _level(values: Floats) -> dict[str, Floats]:
    found = {}
    for width in (12, 48):
        mean, _ = moments(values, width)
        found[f"level{width}"] = np.abs(mean - _usual(mean, width))
        found[f"step{width}"] = np.abs(mean - shifted(mean, width))
    return found


def _spread(values: Floats) -> dict[str, Floats]:
    """Ratios of spread and of restlessness to the usual, up and down."""
    change = np.abs(np.diff(values, prepend=values[:1]))
    found = {}
    for width in (12, 48):
        for name, amount in (("spread", moments(values, width)[1]), ("restless", moments(change, width)[0])):
            size = np.log(amount + 1e-9 * np.abs(past_median(values, _LEAST)) + 1e-12)
            more = size - _usual(size, width)
            found[f"{name}{width}"] = np.expm1(np.maximum(more, 0.0))
            if name == "spread":
                found[f"calm{width}"] = np.expm1(np.maximum(-more, 0.0))
    return found


def _season(values: Floats, usual: Floats) -> dict[str, Floats]:
    away = values - usual
    return {"season": np.abs(away), **{f"season{width}": np.abs(moments(away, width)[0]) for width in (12, 48)}}


def _shape(values: Floats) -> dict[str, Floats]:
    """Of the last 8 and 24 rows, and of the last 48 and 144 by means of six."""
    means = moments(values, _COARSE)[0]
    coarse = nearest(np.where(np.isfinite(means), means, values), stride=_COARSE)
    return {
        **{f"shape{width}": distance for width, distance in nearest(values).items()},
        **{f"shape{width * _COARSE}": distance for width, distance in coarse.items()},
    }


def _usual(values: Floats, width: int) -> Floats:
    """Median of the past without the last `width` rows, which share rows with the present window."""
    return shifted(past_median(values, _LEAST), width)
