"""Forecasts: better than "as last week" on generated traffic, intervals that hold what they say, calm at odd input."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.errors import UserError
from datagen.capacity import erlang_b
from datagen.pipeline import plan, tables
from detectors.forecasting import Kind, capacity, channels_of, forecast, offered
from detectors.forecasting.calendar import places
from detectors.forecasting.crossing import by_busy_hour, by_day_mean
from detectors.forecasting.intervals import reach
from detectors.forecasting.level import follow

DAYS, TRIED_DAYS, HOUR = 42, 14, 3600
START = date(2026, 8, 31)
FIRST = datetime(2026, 8, 31, tzinfo=UTC).timestamp()


@pytest.fixture(scope="module")
def traffic() -> dict[str, np.ndarray]:
    """Hourly attempts and answered calls of each trunk group, shape (2, hours), from the product's own generator."""
    run = plan(services=["voip"], start=START, days=DAYS, rate=6000, seed=5)
    found: dict[str, np.ndarray] = {}
    for table in tables(run, "voip"):
        hour = (table["event.end"].values - FIRST * 1000) // 3_600_000
        trunk, outcome = table["voip.trunk_group.terminating"], table["voip.disposition"]
        answered = np.array([word == "answered" for word in outcome.labels])[outcome.values]
        for number, name in enumerate(trunk.labels):
            sums = found.setdefault(name, np.zeros((2, DAYS * 24)))
            for row, chosen in enumerate((trunk.values == number, (trunk.values == number) & answered)):
                inside = chosen & (hour >= 0) & (hour < DAYS * 24)
                sums[row] += np.bincount(hour[inside].astype(int), minlength=DAYS * 24)
    return found


def of_kind(counts: np.ndarray, kind: Kind) -> np.ndarray:
    if kind is Kind.AMOUNT:
        return counts[0]
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(counts[0] >= 5, counts[1] / counts[0], np.nan)


@pytest.mark.parametrize("kind", [Kind.AMOUNT, Kind.SHARE], ids=["attempts", "asr"])
def test_forecast_of_generated_traffic_beats_the_seasonal_naive(traffic: dict[str, np.ndarray], kind: Kind) -> None:
    known = (DAYS - TRIED_DAYS) * 24
    ours, naive, inside, values = 0.0, 0.0, 0, 0
    for counts in traffic.values():
        series = of_kind(counts, kind)
        found = forecast(series[:known], start=FIRST, step_sec=HOUR, horizon=TRIED_DAYS * 24, kind=kind)
        assert found.accuracy.mase < 1
        came, seen = series[known:], np.isfinite(series[known:])
        last_week = np.resize(series[known - 168 : known], len(came))
        ours += np.nansum(np.abs(came - found.mean))
        naive += np.nansum(np.abs(came - last_week))
        inside += int(((came >= found.lower) & (came <= found.upper))[seen].sum())
        values += int(seen.sum())
    assert ours < 0.95 * naive
    assert 0.8 < inside / values < 0.98


@settings(max_examples=25)
@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from(list(Kind)),
    st.sampled_from([300, 3600, 86_400]),
    st.floats(0.0, 0.7),
    st.floats(0.5, 0.95),
)
def test_mean_lies_inside_its_interval_and_within_what_the_values_can_be(
    seed: int, kind: Kind, step: int, absent: float, level: float
) -> None:
    rng = np.random.default_rng(seed)
    values = rng.gamma(2, 3, 20 * 86_400 // step if step > 300 else 2500)
    values = values / (values.max() + 1) if kind is Kind.SHARE else values
    values[rng.random(len(values)) < absent] = np.nan
    found = forecast(values, start=FIRST, step_sec=step, horizon=max(3 * 86_400 // step, 3), kind=kind, level=level)
    for array in found[:3]:
        assert np.isfinite(array).all()
    assert (found.lower <= found.mean + 1e-9).all()
    assert (found.mean <= found.upper + 1e-9).all()
    if kind is not Kind.VALUE:
        assert (found.lower >= 0).all()
    if kind is Kind.SHARE:
        assert (found.upper <= 1).all()


@pytest.mark.parametrize("values", [[], [1.0], [np.nan] * 500, [np.inf] * 500, list(range(60))], ids=len)
def test_too_little_history_is_said_in_words(values: list[float]) -> None:
    with pytest.raises(UserError, match="too few"):
        forecast(np.array(values), start=FIRST, step_sec=HOUR, horizon=48)


@pytest.mark.parametrize("level", [0.0, 7.0, 1e12])
def test_constant_series_is_forecast_as_it_is(level: float) -> None:
    found = forecast(np.full(24 * 20, level), start=FIRST, step_sec=HOUR, horizon=24, kind=Kind.AMOUNT)
    assert np.allclose(found.mean, level, rtol=1e-6)


def test_profile_stays_on_the_local_clock_when_the_clocks_change() -> None:
    zone, start = (
        ZoneInfo("Europe/London"),
        datetime(2026, 9, 28, tzinfo=UTC).timestamp(),
    )  # clocks go back on 25 October
    where = places(start, HOUR, 24 * 42, zone)
    values = np.where(where.slot == 9, 100.0, 10.0)
    values += np.random.default_rng(1).normal(0, 0.5, len(values))
    known = 24 * 27
    found = forecast(values[:known], start=start, step_sec=HOUR, horizon=24 * 7, kind=Kind.AMOUNT, zone=zone)
    assert (np.abs(found.mean - values[known : known + 24 * 7]) < 15).all()


def test_level_follows_a_ramp_and_damps_it() -> None:
    state = follow(np.arange(40.0))
    ahead = state.ahead(np.array([1.0, 7.0, 60.0]))
    assert 38 < ahead[0] < 42
    assert 41 < ahead[1] < 47
    assert np.diff(ahead)[1] < 53


def test_interval_grows_with_the_distance() -> None:
    where = places(FIRST, HOUR, 24 * 30, ZoneInfo("UTC"))
    rng = np.random.default_rng(2)
    errors = rng.normal(0, 1, (8, 24 * 7)) * np.linspace(1, 3, 24 * 7)
    starts = [24 * (14 + number) for number in range(8)]
    found = reach(errors, where, starts, 24 * 22, 0.9)
    assert (found.above[24 * 5 :] > found.above[:24].mean()).all()
    assert found.coverage is not None
    assert 0.85 < found.coverage < 0.95


# Published values of Erlang B: offered traffic at 1 % blocking.
@pytest.mark.parametrize(("channels", "erlang"), [(1, 0.0101), (10, 4.461), (30, 20.34), (60, 46.95), (120, 103.0)])
def test_capacity_is_that_of_the_erlang_b_tables(channels: int, erlang: float) -> None:
    found = capacity(channels, 0.01)
    assert found.offered == pytest.approx(erlang, rel=2e-3)
    assert found.carried == pytest.approx(0.99 * found.offered)


@given(st.integers(1, 300), st.floats(0.01, 1.3))
def test_offered_is_what_carries_the_carried(channels: int, load: float) -> None:
    traffic = load * channels
    carried = traffic * (1 - erlang_b(traffic, channels))
    assert offered(carried, channels) == pytest.approx(traffic, rel=1e-3)


@pytest.mark.parametrize(("channels", "grade"), [(0, 0.01), (-3, 0.01), (10**9, 0.01), (10, 0.0), (10, 1.0)])
def test_impossible_capacity_is_refused(channels: int, grade: float) -> None:
    with pytest.raises(UserError):
        capacity(channels, grade)


def test_channels_come_from_the_reference_table(tmp_path: Path) -> None:
    folder = tmp_path
    (folder / "trunk_groups.csv").write_text("trunk_group,channels\nTG2,60\n")
    assert channels_of("TG2", folder) == 60
    assert channels_of("TG9", folder) is None
    assert channels_of("TG2", None) is None


def test_crossing_is_the_first_day_on_the_wrong_side() -> None:
    where = places(FIRST, HOUR, 72, ZoneInfo("UTC"))
    mean = np.repeat([0.99, 0.985, 0.97], 24)
    found = by_day_mean(mean, mean - 0.01, mean + 0.01, where, 0.98, least=True)
    assert (found.expected, found.possible) == (2, 1)
    busy = np.where(np.arange(72) == 30, 50.0, 10.0)
    assert by_busy_hour(busy, busy + 5, where, 52).possible == 1
    assert by_busy_hour(busy, busy + 5, where, 52).expected is None
