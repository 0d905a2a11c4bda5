"""Figures of speech quality that follow from others. Both runners round by the same steps, so that the doubles are the same."""

from __future__ import annotations

import math

MOS_DIGITS = 3  # after the point
_SCALE = 10.0**MOS_DIGITS
BEST_MOS, WORST_MOS = 4.5, 1.0


def mos_of_r_factor(r_factor: float) -> float:
    """Mean opinion score (1–4.5, high is good) of a transmission rating R (0–100), ITU-T G.107 annex B, to 3 digits.

    1 for R ≤ 0 and 4.5 for R ≥ 100, as there; also 1 where the formula falls below it (0 < R < 6.5).
    """
    if r_factor >= 100:
        return BEST_MOS
    if r_factor <= 0:
        return WORST_MOS
    mos = 1 + 0.035 * r_factor + r_factor * (r_factor - 60) * (100 - r_factor) * 7e-6
    return max(WORST_MOS, math.floor(mos * _SCALE + 0.5) / _SCALE)


def share(part: float, whole: float) -> float | None:
    """part / whole, 0–1; None when that is no share: nothing expected, or more lost than expected."""
    if part < 0 or whole <= 0 or part > whole:
        return None
    return float(part) / float(whole)
