"""The week that profiles draw comes back from the records, holidays included."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.errors import DefinitionError
from datagen.arrivals import BLOCKS_A_DAY, DAY_MS, local_hours, weights
from datagen.definitions import FOLDER
from datagen.network import Network, read_profiles
from datagen.pipeline import plan, tables
from datagen.traffic.calendar import Calendar, Clock
from datagen.traffic.profiles import Profile

MONDAY = date(2026, 11, 9)
Rebuilt = Callable[..., Network]
hours = st.lists(st.floats(0, 100), min_size=24, max_size=24).filter(lambda row: sum(row) > 1)


def per_hour(network: Network, service: str, start: date, days: int, rate: float, seed: int = 8) -> np.ndarray:
    """Records by UTC hour, days × 24."""
    run = plan(services=[service], start=start, days=days, rate=rate, seed=seed, network=network)
    found = np.concatenate([table["event.start"].values for table in tables(run, service)]) - run.first * DAY_MS
    inside = found[(found >= 0) & (found < days * DAY_MS)]
    return np.bincount(inside // 3_600_000, minlength=days * 24).reshape(days, 24)


def test_profile_comes_back_from_four_weeks_of_records(network_with: Rebuilt) -> None:
    network = network_with()
    counted = per_hour(network, "sms", MONDAY, 28, 20_000)
    week = counted.reshape(4, 168).mean(axis=0)
    expected = network.profiles["residential"].week
    assert np.corrcoef(week, expected)[0, 1] > 0.99
    busy = expected > 0.5
    assert np.abs(week[busy] / week.mean() / expected[busy] - 1).max() < 0.2
    assert week.sum() * 4 == pytest.approx(28 * 20_000, rel=0.05)


def test_profile_of_a_day_of_its_own_is_that_days_only(network_with: Rebuilt) -> None:
    quiet = [1.0] * 24
    network = network_with(profiles=lambda rows: rows["residential"].update(wednesday=quiet))
    week = network.profiles["residential"].week.reshape(7, 24)
    assert len(set(week[2])) == 1
    assert (week[1] == week[3]).all()
    assert len(set(week[1])) > 10


@settings(deadline=None)
@given(hours, hours)
def test_profile_keeps_its_mean_when_it_is_drawn_through_the_hours(weekday: list[float], weekend: list[float]) -> None:
    week = np.array([*weekday * 5, *weekend * 2])
    profile = Profile(np.array([*week / week.mean(), *weekend]))
    curve = (profile, Clock(ZoneInfo("UTC")))
    first = (MONDAY - date(1970, 1, 1)).days * BLOCKS_A_DAY
    drawn = np.concatenate([weights(curve, first + block) for block in range(7 * BLOCKS_A_DAY)])
    assert drawn.mean() == pytest.approx(1, rel=1e-6)
    assert drawn.min() >= 0


def test_profiles_shipped_cover_every_kind_of_traffic() -> None:
    assert {"residential", "business", "roaming", "m2m", "data", "mixed"} <= set(read_profiles(FOLDER / "profiles.yml"))


def level(network: Network, day: date, profile: str = "business") -> float:
    """Mean weight of a day."""
    first = (day - date(1970, 1, 1)).days * BLOCKS_A_DAY
    curve = (network.profiles[profile], network.clock)
    return float(np.mean([weights(curve, first + block)[6:-6].mean() for block in range(1, 3)]))


def test_holiday_is_like_a_sunday(network_with: Rebuilt) -> None:
    christmas, friday, sunday = date(2026, 12, 25), date(2026, 12, 18), date(2026, 12, 20)
    network = network_with(lambda net: net["calendar"].update(country="GB", subdivision="ENG"))
    assert level(network, christmas) == pytest.approx(level(network, sunday))
    assert level(network, friday) > 2 * level(network, sunday)
    plain = network_with()
    assert level(plain, christmas) == pytest.approx(level(plain, friday))


def test_holiday_takes_the_factor_of_its_calendar_or_of_its_profile(network_with: Rebuilt) -> None:
    christmas, sunday = date(2026, 12, 25), date(2026, 12, 20)
    calendar = {"country": "GB", "factor": 0.5}
    network = network_with(lambda net: net.update(calendar=calendar))
    assert level(network, christmas) == pytest.approx(0.5 * level(network, sunday))
    network = network_with(
        lambda net: net.update(calendar=calendar), lambda rows: rows["business"].update(holiday_factor=2)
    )
    assert level(network, christmas) == pytest.approx(2 * level(network, sunday))
    network = network_with(
        lambda net: net.update(calendar=calendar), lambda rows: rows["business"].update(holiday="monday")
    )
    assert level(network, christmas) == pytest.approx(0.5 * level(network, date(2026, 12, 21)))


def test_holiday_days_are_those_of_the_subdivision_and_the_file() -> None:
    bavaria, berlin = Calendar("DE", "BY"), Calendar("DE", "BE")
    epiphany = date(2026, 1, 6)
    assert bavaria.is_holiday(epiphany)
    assert not berlin.is_holiday(epiphany)
    assert Calendar(also=(epiphany,)).is_holiday(epiphany)
    assert not Calendar("DE", "BY", never=(epiphany,)).is_holiday(epiphany)


def test_holiday_shows_in_the_records(network_with: Rebuilt) -> None:
    network = network_with(lambda net: net["calendar"].update(also=["2026-11-11"]))
    days = per_hour(network, "voip", MONDAY, 7, 20_000).sum(axis=1)
    assert days[2] == pytest.approx(days[6], rel=0.15)
    assert days[2] < 0.6 * days[1]


def test_holiday_follows_the_local_date() -> None:
    tokyo = Clock(ZoneInfo("Asia/Tokyo"), Calendar(also=(date(2026, 11, 11),)))
    found = tokyo.hour(datetime(2026, 11, 10, 15, 30, tzinfo=UTC))
    assert found == (168, 0.5), "half past midnight of the holiday"
    before, after, _ = local_hours((date(2026, 11, 10) - date(1970, 1, 1)).days * 4 + 2, tokyo)
    assert before.max() >= 168 > before.min()
    assert (after >= before).all()


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda rows: rows["data"].update(weekday=[1] * 23), "data: weekday: must be 24 numbers"),
        (lambda rows: rows["data"].update(sonday=[1] * 24), "unknown key 'sonday'; did you mean sunday"),
        (lambda rows: rows["data"].update(holiday="sundae"), "did you mean sunday"),
        (lambda rows: rows["data"].update(holiday=[1, 2]), "data: holiday: must be 24 numbers"),
        (lambda rows: rows["data"].update(holiday_factor=-1), "holiday_factor: -1"),
        (lambda rows: rows["data"].pop("weekend"), "'weekend' is missing"),
    ],
)
def test_profile_is_refused_by_file_and_key(
    network_with: Rebuilt, tmp_path: Path, change: Callable[[Any], object], complaint: str
) -> None:
    with pytest.raises(DefinitionError, match=complaint) as refusal:
        network_with(profiles=change)
    assert str(tmp_path / "profiles.yml") in str(refusal.value)
