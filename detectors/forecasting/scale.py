"""The scale on which noise is about as large everywhere and a season adds up: square root of amounts, arcsine of shares
(Anscombe, Biometrika 35, 1948)."""

from __future__ import annotations

from enum import Enum

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Kind(Enum):
    """`amount`: 0 or more; `share`: 0 to 1; `value`: any number."""

    AMOUNT = "amount"
    SHARE = "share"
    VALUE = "value"


def evened(values: Floats, kind: Kind) -> Floats:
    if kind is Kind.AMOUNT:
        return np.asarray(np.sqrt(np.maximum(values, 0.0)), dtype=float)
    if kind is Kind.SHARE:
        return np.asarray(np.arcsin(np.sqrt(np.clip(values, 0.0, 1.0))), dtype=float)
    return values


def plain(evens: Floats, kind: Kind) -> Floats:
    """The reverse of `evened`; what lies outside the values' range becomes its end."""
    if kind is Kind.AMOUNT:
        return np.asarray(np.maximum(evens, 0.0) ** 2, dtype=float)
    if kind is Kind.SHARE:
        return np.asarray(np.sin(np.clip(evens, 0.0, np.pi / 2)) ** 2, dtype=float)
    return evens
