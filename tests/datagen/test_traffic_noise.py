"""Counts are believable: they vary more than by chance, and neighbours in time vary together."""

from __future__ import annotations

from datetime import date
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datagen.arrivals import BLOCK_MS, SLOT_MS, SLOTS, Span, arrivals
from datagen.behaviour import read_behaviour
from datagen.streams import streams
from datagen.traffic.calendar import Clock
from datagen.traffic.noise import Noise, drift, gamma
from datagen.traffic.profiles import Profile

FIRST = (date(2026, 11, 9) - date(1970, 1, 1)).days * 4


FLAT = [(Profile(np.ones(192)), Clock(ZoneInfo("UTC")))]


def counts(noise: Noise, seed: int, blocks: int = 80, per_slot: float = 400) -> np.ndarray:
    """Records of one source in each slot, at a rate that never changes by itself."""
    found = []
    for block in range(FIRST, FIRST + blocks):
        _, start = arrivals(
            streams(seed), "test", Span(block), per_day=np.array([per_slot * 288]), curves=FLAT, noise=noise
        )
        found.append(np.bincount((start - block * BLOCK_MS) // SLOT_MS, minlength=SLOTS))
    return np.concatenate(found)


def dispersion(series: np.ndarray) -> float:
    return float(series.var(ddof=1) / series.mean())


def neighbours(series: np.ndarray, lag: int = 1) -> float:
    return float(np.corrcoef(series[:-lag], series[lag:])[0, 1])


def test_counts_without_noise_are_poisson() -> None:
    series = counts(Noise(0, 0), 3)
    assert dispersion(series) == pytest.approx(1, abs=0.1)
    assert abs(neighbours(series)) < 0.05


def test_counts_as_shipped_are_dispersed_and_correlated() -> None:
    series = counts(read_behaviour().noise, 3)
    assert 2 < dispersion(series) < 6
    assert neighbours(series) > neighbours(series, 24) > 0
    assert neighbours(series) > 0.4


def test_counts_with_a_slow_drift_forget_within_its_memory() -> None:
    series = counts(Noise(0, 0, slow=0.1, memory=1.0), 3, blocks=150)
    shown = 0.01 * 400 / (0.01 * 400 + 1)  # the part of the variance that is not Poisson's
    for lag in (1, 6, 12, 24):
        assert neighbours(series, lag) == pytest.approx(shown * np.exp(-lag / 12), abs=0.08)
    assert series.mean() == pytest.approx(400, rel=0.02)
    assert dispersion(series) == pytest.approx(5, rel=0.25)


def test_counts_go_on_smoothly_from_block_to_block() -> None:
    series = counts(Noise(0, 0, slow=0.3, memory=2.0), 5, blocks=120, per_slot=2000).reshape(-1, SLOTS)
    within = np.abs(np.diff(np.log(series[:, SLOTS // 2 - 1 : SLOTS // 2 + 1]))).mean()
    between = np.abs(np.log(series[1:, 0]) - np.log(series[:-1, -1])).mean()
    assert between == pytest.approx(within, rel=0.3)


def test_counts_of_a_block_do_not_depend_on_what_was_made_before() -> None:
    noise = read_behaviour().noise
    alone = arrivals(streams(3), "test", Span(FIRST + 9), per_day=np.array([1e5]), curves=FLAT, noise=noise)
    series = counts(noise, 3, blocks=10, per_slot=1e5 / 288)[-SLOTS:]
    assert (np.bincount((alone[1] - (FIRST + 9) * BLOCK_MS) // SLOT_MS, minlength=SLOTS) == series).all()


@settings(deadline=None)
@given(st.floats(0.01, 0.5), st.floats(1, 60), st.integers(0, 1000))
def test_drift_has_mean_one_and_the_spread_asked_for(spread: float, memory: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    steps = [rng.standard_normal((400, SLOTS)) for _ in range(1 + int(np.ceil(8 * memory / SLOTS)))]
    found = np.log(drift(steps, SLOTS, spread, memory)[:, ::24])
    assert found.std() == pytest.approx(spread, rel=0.15)
    assert np.exp(found).mean() == pytest.approx(1, abs=0.2 * spread)


def test_gamma_has_the_spread_asked_for() -> None:
    factors = gamma(np.random.default_rng(1), 0.2, (200, 500))
    assert factors.mean() == pytest.approx(1, abs=0.005)
    assert factors.std() == pytest.approx(0.2, abs=0.005)
    assert (gamma(np.random.default_rng(1), 0, (2, 3)) == 1).all()
