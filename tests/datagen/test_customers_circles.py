"""A line talks to its circle: few people, always the same, the first of them most."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datagen.model import SERVICES
from datagen.network import Network, read_network
from datagen.people import Customers
from datagen.people.circles import Outside, members, peers
from datagen.pipeline import plan, tables
from datagen.table import concatenate

Rebuilt = Callable[..., Network]


def base(network: Network) -> Customers:
    return Customers(network.customers, network.names("trunk_group"), SERVICES, 6)


def called(network: Network, line: int, calls: int, seed: int = 1) -> np.ndarray:
    """How often one line calls each number, most often first."""
    numbers = peers(np.random.default_rng(seed), Outside(network.foreign), np.full(calls, line), base(network))
    return np.sort(np.unique(numbers, return_counts=True)[1])[::-1]


def test_circle_takes_its_share_of_the_calls() -> None:
    network = read_network()
    customers = base(network)
    for line in (16, 8_000, 20_001):
        people = int(members(np.array([line]), customers.base.circle, customers.seed)[0])
        often = called(network, line, 20_000)
        assert 6 <= people <= 18
        assert often[:people].sum() / often.sum() == pytest.approx(0.8, abs=0.02)
        assert often[0] > 2 * often[people // 2]
        assert often[people + 5] < 20, "the others are called once or twice"


def test_circle_stays_the_same() -> None:
    network = read_network()
    lines = np.full(500, 77)
    first, second = (
        set(np.unique(peers(np.random.default_rng(seed), Outside(network.foreign), lines, base(network))).tolist())
        for seed in (1, 2)
    )
    assert len(first & second) >= 6


def test_circle_is_off_where_its_share_is_zero(network_with: Rebuilt) -> None:
    network = network_with(lambda net: net["customers"]["circle"].update(share=0))
    assert called(network, 16, 2_000)[0] < 10


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(1, 10**9), st.integers(0, 4)), min_size=1, max_size=8), st.integers(0, 2**60))
def test_outside_numbers_are_of_their_ranges(ranges: list[tuple[int, int]], chance: int) -> None:
    total = sum(10**digits for _, digits in ranges)
    found = Outside(ranges).number(np.array([chance, chance % total, 0, total - 1]))
    assert found[0] == found[1]
    for number in found.tolist():
        assert any(prefix * 10**digits <= number < (prefix + 1) * 10**digits for prefix, digits in ranges)


def test_calls_go_to_the_callers_circle() -> None:
    run = plan(services=["voip"], start=date(2026, 11, 9), days=5, rate=20_000, seed=6)
    table = concatenate(list(tables(run, "voip")))
    access = np.array(table["voip.trunk_group.originating"].labels)[table["voip.trunk_group.originating"].values]
    own = access != "carrier-in"
    calling, number = table["voip.calling.number"].values[own], table["voip.called.number"].values[own]
    callers, count = np.unique(calling, return_counts=True)
    for caller in callers[np.argsort(count)[-5:]]:
        made = number[calling == caller]
        often = np.sort(np.unique(made, return_counts=True)[1])[::-1]
        assert often[:18].sum() > 0.75 * made.size
    incoming = ~own
    called_ours, theirs = table["voip.called.number"].values[incoming], table["voip.calling.number"].values[incoming]
    busiest = np.unique(called_ours, return_counts=True)
    most = busiest[0][busiest[1].argmax()]
    again = np.unique(theirs[called_ours == most], return_counts=True)[1]
    assert np.sort(again)[::-1][:18].sum() > 0.6 * again.sum(), "who is called is called by the same people"


def test_peers_of_messages_keep_their_class() -> None:
    run = plan(services=["sms"], start=date(2026, 11, 9), days=3, rate=20_000, seed=6)
    table = concatenate(list(tables(run, "sms")))
    pairs = np.stack([table["peer.number"].values, table["peer.type"].values])
    assert np.unique(pairs, axis=1).shape[1] == np.unique(pairs[0]).size
    shares = np.bincount(table["peer.type"].values) / pairs.shape[1]
    np.testing.assert_allclose(shares, [0.6, 0.3, 0.1], atol=0.05)
