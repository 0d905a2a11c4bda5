"""Logarithmic bins of delays: counts that merge exactly, and percentiles read from them by nearest rank.

Bin k holds the values x with edge·2^((k−1)/36) < x ≤ edge·2^(k/36): 1.94 % wide, 36 to an octave, the KPI's target
(or reference) `edge` being the upper edge of bin 0. A percentile is the upper edge of the bin that its rank falls in: at
most 1.94 % too high, never too low, and at most the target exactly when the true percentile is.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping

PER_OCTAVE = 36
SCALE = PER_OCTAVE / math.log10(2)
# A value on an edge must not fall over it because a logarithm is rounded.
TOLERANCE = 1e-9
# Zero and whatever is a millionth of the edge or less share the lowest bin, whose value is 0.
FLOOR = 1e-06
LOWEST = math.ceil(math.log10(FLOOR) * SCALE - TOLERANCE)


def index(value: float, edge: float) -> int:
    """Bin of `value` (same unit as `edge`, which is positive)."""
    return math.ceil(math.log10(max(value / edge, FLOOR)) * SCALE - TOLERANCE)


def upper_edge(bin_index: int, edge: float) -> float:
    """Largest value of a bin, in the unit of `edge`; 0 for the lowest one."""
    return 0.0 if bin_index <= LOWEST else edge * 2.0 ** (bin_index / PER_OCTAVE)


def percentile(counts: Mapping[int, int], share: float, edge: float) -> float | None:
    """Nearest rank: the value that `share` (0–1) of the samples do not exceed; None without samples."""
    total = sum(counts.values())
    if not total:
        return None
    rank = max(math.ceil(share * total - TOLERANCE), 1)
    seen = 0
    for bin_index in sorted(counts):
        seen += counts[bin_index]
        if seen >= rank:
            break
    return upper_edge(bin_index, edge)


def merged(parts: Iterable[Mapping[int, int]]) -> dict[int, int]:
    """Bins of the union of the samples."""
    total: Counter[int] = Counter()
    for part in parts:
        total.update(part)
    return dict(total)


def encode(counts: Mapping[int, int]) -> str:
    """`index:count index:count …`, indices rising: how bins are stored."""
    return " ".join(f"{bin_index}:{counts[bin_index]}" for bin_index in sorted(counts))


def decode(text: str) -> dict[int, int]:
    """The reverse of `encode`."""
    pairs = (part.split(":") for part in text.split())
    return {int(bin_index): int(count) for bin_index, count in pairs}
