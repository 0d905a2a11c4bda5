"""The scale each model is learned on, and back: counts as logarithms, ratios as logits, relative noise as logarithms.

On its scale a KPI's hours differ by sums, so that levels of the week can be shrunk to each other (`levels`).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import special

from detectors.subject import Kpi

Floats = NDArray[np.float64]
_LEAST_RATE = 1e-9


def to_scale(kpi: Kpi, value: Floats, floor: Floats | float = _LEAST_RATE) -> Floats:
    """Value in the KPI's unit → its scale. `floor` stands for zero on a logarithm."""
    if kpi.model == "ratio":
        return np.asarray(special.logit(np.clip(value, 1e-9, 1 - 1e-9)), dtype=float)
    if kpi.model == "count" or kpi.logarithmic:
        return np.log(np.maximum(value, floor))
    return np.asarray(value, dtype=float)


def from_scale(kpi: Kpi, scaled: Floats) -> Floats:
    """The reverse of `to_scale`."""
    if kpi.model == "ratio":
        return np.asarray(special.expit(scaled), dtype=float)
    if kpi.model == "count" or kpi.logarithmic:
        return np.exp(np.minimum(scaled, 700.0))
    return np.asarray(scaled, dtype=float)
