"""What a public detector looks like from here."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
SEED = 1  # of every peer that draws


class Peer(Protocol):
    def __call__(self, values: Floats, step_sec: int, learn: int) -> Floats:
        """Scores of shape (rows,), finite, higher is more anomalous, on the peer's own scale.

        `values`: shape (rows,), NaN where absent (scored 0), one row each `step_sec` seconds. The peer is fitted on the
        first `learn` rows or learns as it goes; a row's score never depends on a later row, except inside the first
        `learn` rows, which a caller should not judge.
        """
        ...
