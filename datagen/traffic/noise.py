"""Noise of the rate itself: traffic is no clock, and what is busy now is likely to be busy five minutes later."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from datagen.streams import Stream
from datagen.table import Floats


@dataclass(frozen=True, slots=True)
class Noise:
    """Standard deviations relative to the mean: of each hour, of each day, and of a slow drift with a `memory` in hours."""

    hourly: float
    daily: float
    slow: float = 0.0
    memory: float = 2.0

    REACH = 8.0  # a drift is forgotten after this many times its memory: e^-8 of it is left


def gamma(rng: Stream, spread: float, shape: tuple[int, int]) -> Floats:
    """Positive factors with mean 1 and standard deviation `spread`."""
    if spread == 0:
        return np.ones(shape)
    return rng.gamma(spread**-2, spread**2, shape)


def drift(steps: Sequence[Floats], slots: int, spread: float, memory: float) -> Floats:
    """Factors with mean 1 for the last `slots` slots of `steps`, lognormal, their logarithm a first-order autoregression.

    steps: standard normal numbers, one array (sources × slots) per stretch of time, the oldest first; what lies before them
    is forgotten. spread: standard deviation of the logarithm; memory: slots after which a correlation has fallen to 1/e.
    """
    path = np.concatenate(steps, axis=1) @ _kernel(slots * len(steps), slots, memory)
    return np.asarray(np.exp(spread * path - spread**2 / 2))


@lru_cache(maxsize=8)
def _kernel(steps: int, slots: int, memory: float) -> Floats:
    """What each step adds to each of the last slots: nothing before it, then less and less."""
    age = np.arange(steps - slots, steps) - np.arange(steps)[:, None]
    decay = np.exp(-1 / memory)
    return np.where(age >= 0, np.sqrt(1 - decay**2) * decay ** np.maximum(age, 0), 0.0)
