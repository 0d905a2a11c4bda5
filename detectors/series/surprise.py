"""How surprising a row is, judged by the statistic's own past.

Within what was seen, by its rank. Beyond the few largest, by the tail they show: Hill's estimator (Annals of Statistics 3,
1975). A series that is used to spikes so gets little surprise from another one, a quiet one much.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from math import log, log10

import numpy as np

from detectors.series.windows import Floats

WARM_UP = 60  # rows of a statistic before it is judged
MOST = 12.0
_SHARE, _FEWEST, _LARGEST = 0.02, 8, 40  # of the past: how many rows make its tail
_SMALLEST = 1e-300
_FLATTEST = 1e-6
_LN10 = log(10)


def surprise(statistic: Floats, warm_up: Floats) -> Floats:
    """−log10 of the share of the past that is as large or larger, 0 to 12; 0 where the statistic is NaN or not yet judged.

    `statistic`: 0 or more, large is unusual. Each row is judged by the rows before it, from `warm_up` of them on.
    """
    out = np.zeros(len(statistic))
    past: list[float] = []  # logarithms, ascending
    for row, (value, enough) in enumerate(zip(statistic.tolist(), warm_up.tolist(), strict=True)):
        if value != value:
            continue
        size = log(value if value > _SMALLEST else _SMALLEST)
        seen = len(past)
        if seen >= enough:
            tail = min(max(int(seen * _SHARE), _FEWEST), _LARGEST)
            edge = past[-tail]
            if size <= edge:
                out[row] = log10((seen + 1) / (seen - bisect_left(past, size) + 1))
            else:
                steepness = max(sum(past[-tail:]) / tail - edge, _FLATTEST)
                out[row] = min(log10(seen / tail) + (size - edge) / steepness / _LN10, MOST)
        insort(past, size)
    return out
