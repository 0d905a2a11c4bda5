"""pyod's ECOD (Li and others, IEEE TKDE 2022): tails of the empirical distributions of the first rows.

Its `decision_function` joins the rows it is given to those it was fitted on, so each row is asked about alone: together, an
earlier row's score would depend on the later ones.
"""

from __future__ import annotations

import numpy as np

from detectors.peers.interface import Floats
from detectors.peers.shared import points

_MOST_KNOWN = 1000  # rows fitted on, evenly from the first ones: every question sorts them again


def scores(values: Floats, step_sec: int, learn: int) -> Floats:
    from pyod.models.ecod import ECOD

    table = points(values, step_sec, learn)
    known = np.unique(np.linspace(0, learn - 1, min(learn, _MOST_KNOWN)).astype(int))
    model = ECOD().fit(table[known])
    return np.array([model.decision_function(row[None, :])[0] for row in table])
