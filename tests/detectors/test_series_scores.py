"""Laws of the scores of any series: causal to the last bit, within 0–1, of some use, quick."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.series import ALARM, probation, score_series
from detectors.series.clock import DAY_SEC, WEEK_SEC, steady

STEP = 300.0
RNG = np.random.default_rng


def daily(rows: int, seed: int = 3, noise: float = 0.3) -> np.ndarray:
    return 10 + 3 * np.sin(np.arange(rows) * 2 * np.pi * STEP / DAY_SEC) + noise * RNG(seed).standard_normal(rows)


def seconds(rows: int) -> np.ndarray:
    return 1.4e9 + STEP * np.arange(rows)


def wild_series() -> tuple[np.ndarray, np.ndarray]:
    """Season, gap, spike, shift, flat line, absent values, a clock that is set back and rows in disorder."""
    values, clock = daily(2600), seconds(2600)
    values[900], values[1500:1600], values[1900:] = 1e9, values[1500], values[1900:] + 5
    values[RNG(1).random(2600) < 0.03] = np.nan
    values[1200], clock[1700:] = np.inf, clock[1700:] + 3 * DAY_SEC
    clock[2200:] -= 40 * DAY_SEC
    clock[400], clock[401] = clock[401], clock[400]
    return values, clock


WILD = wild_series()
WHOLE = score_series(*WILD)


@settings(max_examples=25)
@given(st.integers(0, 2600))
def test_score_does_not_change_when_later_rows_are_cut_off(rows: int) -> None:
    cut = score_series(WILD[0][:rows], WILD[1][:rows])
    assert np.array_equal(cut, WHOLE[:rows])


@settings(max_examples=10)
@given(st.lists(st.floats(allow_nan=True, allow_infinity=True), max_size=150), st.integers(0, 5))
def test_scores_are_finite_and_within_0_and_1_whatever_the_values(values: list[float], repeat: int) -> None:
    array = np.array(values * (repeat + 1))
    scores = score_series(array, np.arange(len(array), dtype=float))
    assert scores.shape == array.shape
    assert np.isfinite(scores).all()
    assert ((scores >= 0) & (scores <= 1)).all()


@pytest.mark.parametrize("fill", [3.0, np.nan, np.inf, 0.0, 1e308], ids=str)
def test_series_without_any_change_never_alarms(fill: float) -> None:
    assert score_series(np.full(1000, fill), seconds(1000)).max() < ALARM


@pytest.mark.parametrize(("rows", "zero"), [(0, 0), (1, 0), (100, 15), (5000, 750), (20_000, 750)])
def test_probation_is_15_percent_and_at_most_750_rows(rows: int, zero: int) -> None:
    assert probation(rows) == zero


def test_first_rows_score_0_as_nothing_can_be_known_of_them() -> None:
    values = daily(1000)
    values[30] = 100
    assert not score_series(values, seconds(1000))[:60].any()


def anomalies() -> dict[str, np.ndarray]:
    """One event at row 3000, seen for 30 rows at least, in a noisy series with a day."""
    found = {name: daily(3400) for name in ("spike", "dip", "shift", "noise", "flat", "shape")}
    found["spike"][3000] += 6
    found["dip"][3000] -= 6
    found["shift"][3000:] += 3
    found["noise"][3000:3060] += 2 * RNG(5).standard_normal(60)
    found["flat"][3000:3080] = found["flat"][3000]
    found["shape"][3000:3144] = found["shape"][3144:3288]  # half a day early: no value is unusual, its time is
    return found


@pytest.mark.parametrize("kind", anomalies())
def test_event_is_told_within_two_hours_and_little_else_is(kind: str) -> None:
    scores = score_series(anomalies()[kind], seconds(3400))
    assert scores[3000:3048].max() >= ALARM
    assert (scores[750:3000] >= ALARM).sum() <= 3


def test_event_is_told_once_when_it_lasts() -> None:
    scores = score_series(anomalies()["shift"], seconds(3400))
    assert 1 <= (scores[3000:3120] >= ALARM).sum() <= 6


def test_score_has_no_unit_when_values_are_scaled_and_moved() -> None:
    values = daily(1500)
    values[1200] = 30
    plain, moved = score_series(values, seconds(1500)), score_series(values * 1024.0 - 4096.0, seconds(1500))
    assert np.allclose(plain, moved, atol=1e-3)


def test_square_wave_of_an_odd_period_is_not_alarming_once_it_is_known() -> None:
    values = np.where(np.arange(4000) % 77 < 30, 5.0, 1.0)
    assert (score_series(values, np.arange(4000.0))[750:] >= ALARM).sum() <= 2


@given(st.lists(st.floats(-1e11, 1e11), min_size=1, max_size=40))
def test_clock_never_goes_back(stamps: list[float]) -> None:
    clock = steady(np.array(stamps))
    assert (np.diff(clock) >= 0).all()


def test_clock_keeps_the_time_of_the_week_when_it_is_set() -> None:
    stamps = np.r_[seconds(500), seconds(500) - 90 * DAY_SEC, seconds(500) + 4000 * DAY_SEC]
    away = (steady(stamps) - stamps) % WEEK_SEC
    assert np.allclose(np.minimum(away, WEEK_SEC - away), 0, atol=1e-3)


def test_20000_rows_take_seconds() -> None:
    began = time.process_time()
    score_series(daily(20_000), seconds(20_000))
    assert time.process_time() - began < 10
