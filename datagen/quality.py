"""What a listener hears: transmission rating R and mean opinion score of a leg (ITU-T G.107)."""

from __future__ import annotations

import numpy as np

from datagen.table import Floats

BEST_R = 93.2  # G.107 §7: R with every parameter at its default


def late_share(jitter_ms: Floats, buffer_ms: float) -> Floats:
    """Share of packets that come too late for a jitter buffer: delays spread as Laplace with that mean deviation."""
    return np.asarray(0.5 * np.exp(-buffer_ms / np.maximum(jitter_ms, 1e-3)))


def delay_impairment(delay_ms: Floats) -> Floats:
    """Idd of G.107 §7.4.3 for an absolute one-way delay, ms; 0 up to 100 ms."""
    x = np.log2(np.maximum(delay_ms, 100.0) / 100)
    return np.asarray(25 * ((1 + x**6) ** (1 / 6) - 3 * (1 + (x / 3) ** 6) ** (1 / 6) + 2))


def r_factor(delay_ms: Floats, loss: Floats, impairment: Floats, robustness: Floats) -> Floats:
    """R, 0–93.2. `loss`: share of packets lost at random, 0–1; `impairment` Ie and `robustness` Bpl of the codec (§7.5)."""
    percent = 100 * loss
    equipment = impairment + (95 - impairment) * percent / (percent + robustness)
    return np.clip(BEST_R - delay_impairment(delay_ms) - equipment, 0, BEST_R)


def mos(r: Floats) -> Floats:
    """Mean opinion score 1–4.5 of a rating (G.107 Annex B)."""
    return np.clip(1 + 0.035 * r + r * (r - 60) * (100 - r) * 7e-6, 1, 4.5)
