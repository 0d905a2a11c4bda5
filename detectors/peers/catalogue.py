"""Which public detectors there are, which of them can run here, and what the others lack."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from importlib import import_module
from importlib.util import find_spec
from typing import NamedTuple, cast

import numpy as np

from detectors.peers.interface import Floats, Peer

_LEAST_ROWS = 10  # to fit anything on


class Entry(NamedTuple):
    """`package`: what must be installed, "" for none. The module of the same name holds `scores`."""

    title: str
    package: str


CATALOGUE: dict[str, Entry] = {
    "seasonal_zscore": Entry("deviation from the mean of the same time of the day or week, in standard deviations", ""),
    "windowed_gaussian": Entry("tail of a normal distribution fitted on a sliding window", ""),
    "harmonic_regression": Entry("residual of Fourier terms of day and week, as in Prophet", ""),
    "half_space_trees": Entry("river HalfSpaceTrees", "river"),
    "isolation_forest": Entry("pyod IForest", "pyod"),
    "ecod": Entry("pyod ECOD", "pyod"),
    "random_cut_forest": Entry("rrcf, robust random cut forest", "rrcf"),
    "stl_residual": Entry("residual of statsmodels' STL", "statsmodels"),
}


def available() -> dict[str, Peer]:
    """The peers that can run here, by name. Their packages are imported when they are first called."""
    return {name: _peer(name) for name, entry in CATALOGUE.items() if _installed(entry.package)}


def missing() -> dict[str, str]:
    """Peers that cannot run here, each with what to do."""
    return {
        name: f"{entry.package} is not installed: pip install 'busyhour[peers]'"
        for name, entry in CATALOGUE.items()
        if not _installed(entry.package)
    }


def _installed(package: str) -> bool:
    return not package or find_spec(package) is not None


def _peer(name: str) -> Peer:
    """The scores of the module of that name, kept to the contract: finite, 0 where the value is absent or too little is known."""

    def scores(values: Floats, step_sec: int, learn: int) -> Floats:
        values = np.where(np.isfinite(values), values, np.nan).astype(float)
        if learn < _LEAST_ROWS or np.isfinite(values[:learn]).sum() < _LEAST_ROWS:
            return np.zeros(len(values))
        function = cast(Callable[[Floats, int, int], Floats], import_module(f"detectors.peers.{name}").scores)
        found = np.nan_to_num(function(values, step_sec, min(learn, len(values))), nan=0.0, posinf=1e300, neginf=0.0)
        return np.where(np.isnan(values), 0.0, found)

    return wraps(scores)(scores)
