"""Local time decides: zones of trunk groups and regions, and the days on which clocks change."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datagen.arrivals import BLOCK_MS, BLOCKS_A_DAY, DAY_MS, SLOTS, hour_of_week, slot_middles, weights
from datagen.network import Network
from datagen.pipeline import plan, tables
from datagen.table import Table, concatenate
from datagen.traffic.calendar import Clock
from datagen.traffic.profiles import Profile

Rebuilt = Callable[..., Network]
BERLIN = Clock(ZoneInfo("Europe/Berlin"))
SPRING, AUTUMN = date(2026, 3, 29), date(2026, 10, 25)  # Sundays: 02:00 is skipped, 02:00 comes twice
ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Apia"]


def blocks_of(day: date, days: int = 1) -> range:
    first = (day - date(1970, 1, 1)).days * BLOCKS_A_DAY
    return range(first, first + days * BLOCKS_A_DAY)


def everything(run_of: Network, service: str, start: date, days: int, rate: float) -> Table:
    run = plan(services=[service], start=start, days=days, rate=rate, seed=8, network=run_of)
    return concatenate(list(tables(run, service)))


def slots_by_hour(day: date, clock: Clock) -> np.ndarray:
    """How many slots lie in each local hour of the week, over the two days around `day`."""
    middles = np.concatenate([slot_middles(block) for block in (*blocks_of(day, 2), *(b - 4 for b in blocks_of(day)))])
    return np.bincount(hour_of_week(middles, clock), minlength=192)


def test_hour_that_does_not_exist_has_no_traffic() -> None:
    assert slots_by_hour(SPRING, BERLIN)[[145, 146, 147]].tolist() == [12, 0, 12]


def test_hour_that_comes_twice_has_its_traffic_twice() -> None:
    assert slots_by_hour(AUTUMN, BERLIN)[[145, 146, 147]].tolist() == [12, 24, 12]


@pytest.mark.parametrize(("day", "expected"), [(SPRING, 0), (AUTUMN, 2), (date(2026, 11, 1), 1)])
def test_traffic_of_a_doubled_hour_has_the_normal_rate(day: date, expected: int) -> None:
    spike = np.ones(192)
    spike[144:168] = 0
    spike[146] = 1000  # Sunday, two o'clock
    curve = (Profile(spike), BERLIN)
    local = np.concatenate([weights(curve, block) for block in (*(b - 4 for b in blocks_of(day)), *blocks_of(day))])
    normal = 12_000  # twelve slots of a thousand: half of what is drawn towards the neighbours comes back from there
    assert local[local > 2].sum() == pytest.approx(expected * normal, rel=0.1, abs=100)


def test_doubled_hour_shows_in_the_records(network_with: Rebuilt) -> None:
    def change(net: dict) -> None:  # type: ignore[type-arg]
        net.update(zone="Europe/Berlin")

    flat = {"weekday": [1] * 24, "weekend": [1] * 24}
    network = network_with(change, lambda rows: rows["residential"].update(flat))
    table = everything(network, "sms", AUTUMN, 1, 24_000)
    hour = hour_of_week(table["event.start"].values, BERLIN)
    counts = np.bincount(hour, minlength=168)
    assert counts[146] == pytest.approx(2 * counts[147:150].mean(), rel=0.15)
    spring = everything(network, "sms", SPRING, 1, 24_000)
    assert (hour_of_week(spring["event.start"].values, BERLIN) != 146).all()


def test_trunk_group_keeps_the_hours_of_its_own_zone(network_with: Rebuilt) -> None:
    network = network_with(lambda net: net["voip"]["trunk_groups"]["TG1"].update(zone="Asia/Tokyo"))
    table = everything(network, "voip", date(2026, 11, 9), 5, 15_000)
    hour = table["event.start"].values % DAY_MS // 3_600_000
    trunk = table["voip.trunk_group.terminating"].values
    profile = [np.bincount(hour[trunk == group], minlength=24) for group in (0, 1)]
    shifted = np.roll(profile[0], 9)
    assert np.corrcoef(shifted, profile[1])[0, 1] > 0.97
    assert np.corrcoef(profile[0], profile[1])[0, 1] < 0.5


def test_region_keeps_the_hours_of_its_own_zone(network_with: Rebuilt) -> None:
    network = network_with(lambda net: net["radio"]["regions"]["centre"].update(zone="America/Los_Angeles"))
    table = everything(network, "sms", date(2026, 11, 9), 5, 20_000)
    hour = table["event.start"].values % DAY_MS // 3_600_000
    cell = table["subscriber.cell"]
    region = np.array([name.split("-")[0] for name in cell.labels])[cell.values]
    profile = {name: np.bincount(hour[region == name], minlength=24) for name in ("west", "centre")}
    assert np.corrcoef(np.roll(profile["centre"], -8), profile["west"])[0, 1] > 0.97
    assert (region == "centre").mean() == pytest.approx(0.4, abs=0.04)


@settings(deadline=None)
@given(st.sampled_from(ZONES), st.integers(4 * 19_000, 4 * 22_000))
def test_hours_are_those_of_the_zone_database(zone: str, block: int) -> None:
    clock = Clock(ZoneInfo(zone))
    found = hour_of_week(slot_middles(block), clock)
    for slot in (0, SLOTS // 2, SLOTS - 1):
        moment = datetime.fromtimestamp((block * BLOCK_MS + slot * 300_000 + 150_000) / 1000, UTC).astimezone(
            clock.zone
        )
        assert found[slot] == moment.weekday() * 24 + moment.hour
