"""rrcf's robust random cut forest (Guha and others, ICML 2016): the collusive displacement of each row as it comes.

Few and small trees, since the package is plain Python: about a millisecond a row.
"""

from __future__ import annotations

import numpy as np

from detectors.peers.interface import SEED, Floats
from detectors.peers.shared import points

_TREES, _SIZE = 10, 128


def scores(values: Floats, step_sec: int, learn: int) -> Floats:
    import rrcf

    random = np.random.default_rng(SEED)
    table = points(values, step_sec, learn) + 1e-9 * random.standard_normal(
        (len(values), 1)
    )  # equal rows cannot be cut
    forest = [rrcf.RCTree(random_state=SEED + number) for number in range(_TREES)]
    found = np.zeros(len(table))
    for row, point in enumerate(table):
        for tree in forest:
            if row >= _SIZE:
                tree.forget_point(row - _SIZE)
            tree.insert_point(point, index=row)
            found[row] += tree.codisp(row) / _TREES
    return found
