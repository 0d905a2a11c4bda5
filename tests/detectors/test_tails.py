"""Scores are calibrated: over quiet data a score of 75 appears about as often as it says."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.tails import (
    continuous_tails,
    count_bounds,
    count_tails,
    ratio_bounds,
    ratio_tails,
    score_of,
    surprise,
    surprise_of,
)

MANY = 400_000
RATES = (1e-2, 1e-3, 1e-4)


def _shares(probability: np.ndarray) -> list[float]:
    return [float((probability <= rate).mean()) / rate for rate in RATES]


@pytest.mark.parametrize(("mean", "between"), [(20, 0.0), (20, 0.05), (100, 0.02), (500, 0.0), (500, 0.01)])
def test_count_tails_are_calibrated_when_quiet(mean: float, between: float) -> None:
    rng = np.random.default_rng(7)
    rate = mean * rng.gamma(1 / between, between, MANY) if between else np.full(MANY, float(mean))
    tails = count_tails(rng.poisson(rate).astype(float), np.full(MANY, float(mean)), np.full(MANY, between))
    for shares in (_shares(tails.low), _shares(tails.high)):
        assert all(0.3 < share < 1.6 for share in shares), shares


@pytest.mark.parametrize(
    ("mean", "samples", "between"),
    [(0.69, 50, 0.0), (0.69, 200, 0.01), (0.97, 200, 0.005), (0.97, 1000, 0.005), (0.9, 200, 0.02), (0.97, 20, 0.0)],
)
def test_ratio_tails_never_say_rarer_than_it_is_when_quiet(mean: float, samples: int, between: float) -> None:
    rng = np.random.default_rng(8)
    share = rng.beta(mean * (1 / between - 1), (1 - mean) * (1 / between - 1), MANY) if between else np.full(MANY, mean)
    hits = rng.binomial(samples, share).astype(float)
    tails = ratio_tails(hits, np.full(MANY, float(samples)), np.full(MANY, mean), np.ones(MANY), np.full(MANY, between))
    assert all(0.1 < share < 1.6 for share in _shares(tails.low)), _shares(tails.low)
    assert all(share < 1.6 for share in _shares(tails.high)), _shares(tails.high)


def test_score_75_is_one_in_a_hundred_thousand() -> None:
    assert score_of(surprise(np.array([1e-5, 1e-4, 1e-3]))) == pytest.approx([75, 60, 45])
    assert surprise_of(75) == pytest.approx(5)
    assert score_of(np.array([surprise_of(92)]))[0] == pytest.approx(92)


def test_score_stays_within_0_and_100_when_impossible() -> None:
    scores = score_of(surprise(np.array([0.0, 1.0, 2.0])))
    assert scores[0] == pytest.approx(100, abs=1e-6)
    assert list(scores[1:]) == [0.0, 0.0]


@given(st.lists(st.floats(0, 300), min_size=2, max_size=20))
def test_score_rises_with_surprise(values: list[float]) -> None:
    ordered = score_of(np.sort(np.array(values)))
    assert (np.diff(ordered) >= 0).all()
    assert (ordered <= 100).all()


@given(st.floats(0.5, 1e4), st.floats(0, 0.5))
def test_count_score_is_monotone_when_the_count_moves_away(mean: float, between: float) -> None:
    seen = np.arange(0, int(3 * mean) + 10, dtype=float)
    tails = count_tails(seen, np.full_like(seen, mean), np.full_like(seen, between))
    assert (np.diff(tails.low) >= -1e-9).all()
    assert (np.diff(tails.high) <= 1e-9).all()


@given(st.integers(1, 2000), st.floats(0.01, 0.99), st.floats(0, 0.3))
def test_ratio_score_is_monotone_when_the_ratio_moves_away(samples: int, mean: float, between: float) -> None:
    hits = np.linspace(0, samples, min(samples, 60) + 1).round()
    n = np.full_like(hits, float(samples))
    tails = ratio_tails(hits, n, np.full_like(hits, mean), np.ones_like(hits), np.full_like(hits, between))
    assert (np.diff(tails.low) >= -1e-3).all()
    assert (np.diff(tails.high) <= 1e-3).all()
    assert ((tails.low >= 0) & (tails.low <= 1)).all()


def test_tails_are_unknown_when_values_are() -> None:
    nan = np.array([np.nan])
    one = np.array([1.0])
    assert np.isnan(count_tails(nan, one, one)).all()
    assert np.isnan(ratio_tails(one, np.array([0.0]), one / 2, one, one * 0)).all()
    assert np.isnan(ratio_tails(nan, one, one / 2, one, one * 0)).all()
    assert np.isnan(continuous_tails(nan, one, one, one * 8)).all()


def test_bounds_leave_out_what_they_say() -> None:
    rng = np.random.default_rng(9)
    low, high = count_bounds(np.array([50.0]), np.array([0.02]), 1e-3)
    seen = rng.poisson(50 * rng.gamma(50, 1 / 50, MANY))
    assert 0.2e-3 < (seen < low).mean() < 2e-3
    assert 0.2e-3 < (seen > high).mean() < 2e-3
    low, high = ratio_bounds(np.array([200.0]), np.array([0.9]), np.array([1.0]), np.array([0.0]), 1e-3)
    seen = rng.binomial(200, 0.9, MANY) / 200
    assert (seen < low - 1e-9).mean() < 2e-3
    assert (seen > high + 1e-9).mean() < 2e-3
