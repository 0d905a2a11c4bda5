"""Calls find a channel or are lost, as Erlang B says; a network with room to spare loses none."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datagen.arrivals import BLOCK_MS, BLOCKS_A_DAY, Span
from datagen.capacity import NO_CIRCUIT, SERVICE_UNAVAILABLE, erlang_b, lost_calls
from datagen.network import Network
from datagen.pipeline import generate, plan, tables
from datagen.table import Table, concatenate
from datagen.voip import blocks

Rebuilt = Callable[..., Network]
START = date(2026, 11, 10)
FLAT = {"weekday": [1] * 24, "weekend": [1] * 24}


def played(start: list[int], hold: list[int], channels: int) -> list[bool]:
    """Call by call, with nothing clever: the definition."""
    ends: list[int] = []
    lost = []
    for begin, length in zip(start, hold, strict=True):
        ends = [end for end in ends if end > begin]
        lost.append(len(ends) >= channels)
        if not lost[-1]:
            ends.append(begin + length)
    return lost


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 300), st.integers(1, 80)), max_size=60), st.integers(1, 6))
def test_lost_calls_are_those_that_find_all_channels_busy(calls: list[tuple[int, int]], channels: int) -> None:
    calls = sorted(calls, key=lambda call: call[0])
    start, hold = [call[0] for call in calls], [call[1] for call in calls]
    found = lost_calls(np.array(start, np.int64), np.array(hold, np.int64), channels)
    assert found.tolist() == played(start, hold, channels)


@pytest.mark.parametrize(
    ("traffic", "channels", "lost"),
    [(1, 1, 0.5), (10, 10, 0.2146), (20, 30, 0.00846), (100, 100, 0.0757), (0.001, 5, 0.0)],
)
def test_erlang_b_is_that_of_the_tables(traffic: float, channels: int, lost: float) -> None:
    assert erlang_b(traffic, channels) == pytest.approx(lost, abs=5e-5)


def overloaded(net: Any, channels: int = 12) -> None:
    """One busy trunk group, at a rate that never changes. The network's own rate is above all that are asked for here."""
    net["voip"]["records_per_day"] = 1e6
    groups = net["voip"]["trunk_groups"]
    for name, group in groups.items():
        group.update(profile="mixed", share=0.97 if name == "TG1" else 0.01)
    groups["TG1"].update(channels=channels, failed=0)


def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Arrivals by Poisson: Erlang B knows no other."""
    from datagen import request
    from datagen.behaviour import read_behaviour
    from datagen.traffic.noise import Noise

    calm = read_behaviour()
    object.__setattr__(calm, "noise", Noise(0, 0))
    monkeypatch.setattr(request, "read_behaviour", lambda: calm)


def hold_of(table: Table) -> np.ndarray:
    return table["event.end"].values - table["event.start"].values


def blocked(table: Table) -> np.ndarray:
    """Calls that TG1 lost: answered within a second that there is no circuit."""
    here = table["voip.trunk_group.terminating"].values == 0
    return here & (table["voip.release.q850"].values == NO_CIRCUIT)


@pytest.mark.parametrize(("rate", "channels"), [(9_000, 12), (20_000, 20), (30_000, 40)])
def test_blocking_is_that_of_erlang_b(
    network_with: Rebuilt, monkeypatch: pytest.MonkeyPatch, rate: float, channels: int
) -> None:
    quiet(monkeypatch)
    network = network_with(lambda net: overloaded(net, channels), lambda rows: rows["mixed"].update(FLAT))
    roomy = network_with(lambda net: overloaded(net, 100_000), lambda rows: rows["mixed"].update(FLAT))
    shares, offered, expected = [], [], []
    for seed in range(6):
        limited, free = (
            concatenate(
                list(tables(plan(services=["voip"], start=START, days=1, rate=rate, seed=seed, network=each), "voip"))
            )
            for each in (network, roomy)
        )
        here = free["voip.trunk_group.terminating"].values == 0
        offered.append(hold_of(free)[here].sum() / 86_400_000)
        share = blocked(limited).sum() / (limited["voip.trunk_group.terminating"].values == 0).sum()
        shares.append(share)
        expected.append(erlang_b(offered[-1], channels))
    error = np.std(np.array(shares) - expected, ddof=1) / np.sqrt(len(shares))
    assert np.mean(offered) > 0.7 * channels, "more than it can take without loss"
    assert 0.02 < np.mean(expected) < 0.6
    assert abs(np.mean(shares) - np.mean(expected)) < 2.571 * error + 0.002, "95 % interval of six days (Student's t)"
    assert np.mean(shares) == pytest.approx(np.mean(expected), rel=0.05)


def test_blocked_calls_look_like_it_and_calls_in_progress_keep_to_the_channels(network_with: Rebuilt) -> None:
    network = network_with(overloaded)
    table = concatenate(
        list(tables(plan(services=["voip"], start=START, days=2, rate=20_000, seed=3, network=network), "voip"))
    )
    lost, here = blocked(table), table["voip.trunk_group.terminating"].values == 0
    assert 0.2 < lost.sum() / here.sum() < 0.8
    assert set(table["voip.release.sip"].values[lost]) == {SERVICE_UNAVAILABLE}
    assert (table["voip.duration.sec"].values[lost] == -1).all()
    assert (hold_of(table)[lost] < 1000).all()
    carried = here & ~lost
    start, end = table["event.start"].values[carried], table["event.end"].values[carried]
    steps = np.concatenate([np.stack([end, -np.ones_like(end)]), np.stack([start, np.ones_like(start)])], axis=1)
    busy = np.cumsum(steps[1, np.lexsort((steps[1], steps[0]))])
    assert busy.max() == 12
    assert (table["_hit"].values == 0).all(), "no incident, no mark"


def test_blocking_follows_the_hour(network_with: Rebuilt) -> None:
    network = network_with(lambda net: overloaded(net, 30))
    table = concatenate(
        list(tables(plan(services=["voip"], start=START, days=2, rate=20_000, seed=3, network=network), "voip"))
    )
    hour = table["event.start"].values // 3_600_000 % 24
    lost, here = blocked(table), table["voip.trunk_group.terminating"].values == 0
    assert lost[hour == 3].sum() == 0
    assert lost[hour == 11].sum() / here[hour == 11].sum() > 0.1


def test_channels_are_enough_as_shipped(network_with: Rebuilt) -> None:
    free = network_with(lambda net: [group.update(channels=10**6) for group in net["voip"]["trunk_groups"].values()])
    first, second = (
        concatenate(list(tables(plan(services=["voip"], start=START, days=4, seed=3, network=each, rate=None), "voip")))
        for each in (None, free)
    )
    assert all((first[name].values == second[name].values).all() for name in first)


def test_day_with_blocking_is_the_same_alone(network_with: Rebuilt) -> None:
    network = network_with(overloaded)
    request = {"services": ["voip"], "rate": 12_000, "seed": 3, "network": network}
    *_, last = tables(plan(start=START, days=2, **request), "voip")  # type: ignore[arg-type]
    [alone] = tables(plan(start=date(2026, 11, 11), days=1, **request), "voip")  # type: ignore[arg-type]
    assert all((last[name].values == alone[name].values).all() for name in last)


def test_state_of_the_block_before_is_carried_over(network_with: Rebuilt) -> None:
    run = plan(services=["voip"], start=START, days=1, rate=30_000, seed=3, network=network_with(overloaded))
    number = run.first * BLOCKS_A_DAY + 2
    table = blocks(run.model)(Span(number))
    early = table["event.start"].values < number * BLOCK_MS + 5_000
    assert blocked(table)[early].sum() > 0, (
        "the channels are busy with calls of the block before from the first second on"
    )


def test_crowd_fills_the_channels_and_the_losses_are_its_work(network_with: Rebuilt, tmp_path: Path) -> None:
    network = network_with(lambda net: net["voip"]["trunk_groups"]["TG3"].update(channels=8))
    crowd = {"type": "flash_crowd", "place": "TG3", "start": "2026-11-10T10:00:00Z", "duration": "1h", "strength": 50}
    request = {"services": ["voip"], "start": START, "days": 1, "seed": 3, "network": network}
    [usual] = tables(plan(**request), "voip")  # type: ignore[arg-type]
    [struck] = tables(plan(**request, incidents=[crowd]), "voip")  # type: ignore[arg-type]
    ids = dict(zip(usual["voip.call_id"].values.tolist(), usual["voip.release.q850"].values.tolist(), strict=True))
    rows = [row for row, each in enumerate(struck["voip.call_id"].values.tolist()) if each in ids]
    q850, hit = struck["voip.release.q850"].values, struck["_hit"].values
    changed = [row for row in rows if q850[row] != ids[int(struck["voip.call_id"].values[row])]]
    assert len(changed) > 20
    lost = [row for row in changed if q850[row] == NO_CIRCUIT]
    assert len(lost) > 0.9 * len(changed), "now and then one finds the channel that a lost call left free"
    assert {int(hit[row]) for row in changed} == {1}
    report = generate(tmp_path / "out", **request, incidents=[crowd], rotate="1d")  # type: ignore[arg-type]
    assert report.incidents == 1
