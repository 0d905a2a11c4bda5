"""Customers are computed: one to one, heavy-tailed, each in its place, and as many as one likes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.errors import DefinitionError
from datagen.model import SERVICES
from datagen.network import Network, read_network
from datagen.people import Customers
from datagen.people.base import MOST_LINES, THINGS
from datagen.people.devices import technologies
from datagen.people.order import SEATS, gather, scatter, seated, seating
from datagen.people.places import home_site, site, work_site

Rebuilt = Callable[..., Network]
ROOT = Path(__file__).resolve().parents[2]


def base(network: Network | None = None, seed: int = 6) -> Customers:
    network = network or read_network()
    return Customers(network.customers, network.names("trunk_group"), SERVICES, seed)


@settings(deadline=None)
@given(st.integers(1, 5_000))
def test_scatter_is_one_to_one_and_gather_undoes_it(size: int) -> None:
    ranks = np.arange(size)
    assert np.unique(scatter(ranks, size)).size == size
    assert (gather(scatter(ranks, size), size) == ranks).all()


@settings(deadline=None)
@given(st.integers(5, 10**9), st.lists(st.integers(0, 10**9), min_size=1, max_size=20))
def test_scatter_holds_for_any_number_of_customers(size: int, some: list[int]) -> None:
    ranks = np.array(some) % size
    assert (gather(scatter(ranks, size), size) == ranks).all()
    assert ((scatter(ranks, size) >= 0) & (scatter(ranks, size) < size)).all()


def test_use_is_as_heavy_tailed_as_the_network_says() -> None:
    customers, rng = base(), np.random.default_rng(2)
    drawn = np.bincount(customers.some_consumer(rng, 400_000), minlength=customers.count)[customers.businesses :]
    ordered = np.sort(drawn)[::-1]
    for part in (0.01, 0.1, 0.5):
        share = ordered[: int(part * ordered.size)].sum() / ordered.sum()
        assert share == pytest.approx(part ** (1 / 2.2), rel=0.05)


def test_use_by_weight_is_use_by_draw() -> None:
    customers, rng = base(), np.random.default_rng(2)
    drawn = np.bincount(customers.some_business(rng, 400_000), minlength=customers.businesses)[: customers.businesses]
    expected = customers.weight(np.arange(customers.businesses))
    assert expected.mean() == pytest.approx(1, rel=0.03)
    assert np.corrcoef(drawn, expected)[0, 1] > 0.99


def test_use_says_nothing_about_the_customer_number() -> None:
    customers = base()
    n = np.arange(customers.businesses, customers.count)
    weight = customers.weight(n)
    assert abs(np.corrcoef(n, weight)[0, 1]) < 0.1
    top = np.sort(n[np.argsort(weight)[-17:]])
    assert np.diff(top).max() < 500, "the heaviest are all over the range"


NETWORK = read_network()


@settings(max_examples=25, deadline=None)
@given(st.integers(5, 30_000), st.integers(0, 2**40))
def test_draws_are_customers_whatever_the_base(count: int, seed: int) -> None:
    network = replace(NETWORK, customers=replace(NETWORK.customers, count=count))
    customers, rng = base(network, seed), np.random.default_rng(seed)
    consumers, businesses = customers.some_consumer(rng, 500), customers.some_business(rng, 500)
    assert ((consumers >= customers.businesses) & (consumers < count)).all()
    assert ((businesses >= 0) & (businesses < customers.businesses)).all()
    trunk = rng.integers(0, 4, 500)
    assert (customers.trunk_group(customers.some_business_on(rng, trunk)) == trunk).all()
    assert (customers.consumer_at(np.arange(customers.consumers)) < count).all()


def test_numbers_and_subscriptions_are_all_different() -> None:
    customers = base()
    n, line = np.divmod(np.arange(customers.count * MOST_LINES), MOST_LINES)
    assert np.unique(customers.number(n, line)).size == n.size
    assert np.unique(customers.imsi(n, line)).size == n.size


def test_lines_drawn_are_lines_held() -> None:
    customers, rng = base(), np.random.default_rng(3)
    n = np.concatenate([customers.some_consumer(rng, 2000), customers.some_business(rng, 2000)])
    held = customers.held(n)
    for line in (customers.some_line(rng, n), customers.some_thing(rng, n)):
        assert held[np.arange(n.size), line].all()
    assert (customers.some_line(rng, n) < THINGS).all()
    assert (customers.some_thing(rng, n[2000:]) >= THINGS).all(), "every business has things"


@settings(deadline=None)
@given(st.lists(st.floats(0.01, 1), min_size=1, max_size=8), st.integers(0, 1000))
def test_seats_are_dealt_out_by_share(shares: list[float], places: int) -> None:
    share = np.array(shares) / sum(shares)
    seats = seating(share, np.arange(share.size))
    held = np.bincount(seats.region, minlength=share.size)
    assert held.min() >= 1
    assert np.abs(held - np.maximum(1, share * SEATS)).max() <= share.size
    place = np.arange(SEATS * 5)
    moved = seated(place, seats.rows[place % share.size], place.size)
    assert (seats.region[moved % SEATS] == place % share.size).all()
    few = seated(place[: places + 1], seats.rows[place[: places + 1] % share.size], places + 1)
    assert ((few >= 0) & (few <= places)).all()


def test_area_draws_are_of_the_area_and_as_heavy_tailed(network_with: Rebuilt) -> None:
    network = network_with(lambda net: net["radio"]["regions"]["centre"].update(zone="Asia/Tokyo"))
    customers, rng = base(network), np.random.default_rng(2)
    area = rng.integers(0, 2, 200_000)
    for n in (customers.some_consumer(rng, area.size, area), customers.some_business(rng, area.size, area)):
        assert (customers.region(n) == area).mean() > 0.97, "at the end of a small base a neighbour helps out"
    ordered = np.sort(np.bincount(customers.some_consumer(rng, area.size, area)))[::-1]
    assert ordered[:170].sum() / ordered.sum() == pytest.approx(0.1 ** (1 / 2.2), rel=0.12)


def test_devices_stay_and_come_in_their_shares() -> None:
    customers = base()
    line = np.arange(50_000)
    model = customers.devices.model(line, np.zeros(line.size, bool))
    shares = np.bincount(model, minlength=5) / line.size
    np.testing.assert_allclose(shares, [0.45, 0.45, 0.1, 0, 0], atol=0.01)
    assert (customers.devices.model(line[::-1], np.zeros(line.size, bool))[::-1] == model).all()
    imei = customers.devices.imei(line, np.zeros(line.size, bool))
    codes = imei // 10**7
    for index, device in enumerate(customers.base.devices[:3]):
        own = codes[model == index]
        assert ((own >= device.first) & (own < device.first + device.codes)).all()


def test_radio_access_is_one_that_the_device_has_in_the_shares_asked_for() -> None:
    devices, rng = base().devices, np.random.default_rng(4)
    words, shares = ("EUTRAN", "NR", "UTRAN"), np.array([0.68, 0.27, 0.05])
    model = devices.model(np.arange(100_000), np.zeros(100_000, bool))
    used = technologies(devices, model, "handset", words, shares, rng.random(model.size))
    np.testing.assert_allclose(np.bincount(used) / used.size, shares, atol=0.01)
    for index, word in enumerate(words):
        assert devices.able(word)[model[used == index]].all()


def test_places_are_of_the_customers_region_and_stay() -> None:
    customers, rng = base(), np.random.default_rng(4)
    n = np.concatenate([customers.some_consumer(rng, 3000), customers.some_business(rng, 1000)])
    line = customers.some_line(rng, n)
    edges = np.cumsum([0, *(region.sites for region in customers.base.radio.regions)])
    for working in (np.zeros(n.size, bool), np.ones(n.size, bool)):
        where = site(customers, rng, n, line, working)
        assert (np.searchsorted(edges, where, side="right") - 1 == customers.region(n)).all()
    people = n >= customers.businesses
    night = site(customers, rng, n, line, np.zeros(n.size, bool))
    day = site(customers, rng, n, line, np.ones(n.size, bool))
    assert (night == home_site(customers, n))[people].mean() > 0.85
    assert (day == work_site(customers, n, line)).mean() == pytest.approx(0.7, abs=0.05)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda row: row.update(count=4), "4 customers are fewer than a business on each of 4 trunk groups"),
        (lambda row: row.update(count=10.5), "10.5 is not a whole number"),
        (lambda row: row.update(currency="euro"), "'euro' is not a currency"),
        (lambda row: row.update(business_plans=["PLAN1"]), "a plan is for consumers or for businesses"),
        (lambda row: row["plans"].update(PLAN9={}), "unknown key 'PLAN9'; did you mean PLAN"),
        (lambda row: row["plans"]["PLAN1"].update(montly=1), "did you mean monthly"),
        (lambda row: row["plans"]["PLAN1"].update(monthly=-1), "PLAN1.monthly: -1"),
        (lambda row: row["plans"]["PLAN1"].update(monthly=1.00001), "more than four decimal places"),
        (lambda row: row["plans"]["PLAN1"]["prices"].update(minute=1), "did you mean minutes"),
        (lambda row: row["plans"]["PLAN1"]["included"].update(minutes=0.5), "is not a whole number"),
        (lambda row: row["plans"]["PLAN1"].update(name="a\nb"), "is not a name"),
        (lambda row: row["devices"]["meter"].update(tac="123"), "'123' is not eight digits"),
        (lambda row: row["devices"]["meter"].update(kind="gadget"), "is not one of handset, thing"),
        (lambda row: [row["devices"].pop(key) for key in ("meter", "tracker")], "none of the devices is a thing"),
        (lambda row: row["circle"].update(share=2), "circle.share: 2"),
        (lambda row: row["accounts"].update(ticket=1), "did you mean ticket"),
    ],
)
def test_customers_are_refused_by_file_and_key(
    network_with: Rebuilt, tmp_path: Path, change: Callable[[Any], object], complaint: str
) -> None:
    with pytest.raises(DefinitionError, match=complaint) as refusal:
        network_with(lambda net: change(net["customers"]))
    assert str(tmp_path / "network.yml") in str(refusal.value)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda row: row["regions"]["west"].update(sites=0), "west.sites: 0"),
        (lambda row: row["regions"]["west"].update(sites=60_000), "west.sites: 60000"),
        (lambda row: row["regions"]["west"].update(latitude=91), "west.latitude: 91"),
        (lambda row: row["regions"].clear(), "has 0 entries"),
        (lambda row: row["regions"]["west"].update(zones="UTC"), "did you mean zone"),
        (lambda row: row.update(technologies=["NR", "NR"]), "a list of different names"),
    ],
)
def test_radio_is_refused_by_file_and_key(
    network_with: Rebuilt, change: Callable[[Any], object], complaint: str
) -> None:
    with pytest.raises(DefinitionError, match=complaint):
        network_with(lambda net: change(net["radio"]))


_DRAW = """
import sys, time
from dataclasses import replace
from datetime import date
from datagen.network import read_network
from datagen.pipeline import plan, tables
from infrastructure.memory import peak_bytes
network = read_network()
network = replace(network, customers=replace(network.customers, count=int(sys.argv[1])))
seen = []
begun = time.process_time()
for service in ("voip", "sms", "epc"):
    run = plan(services=[service], start=date(2026, 11, 9), days=1, rate=30_000, seed=1, network=network)
    seen += [table["_customer"].values.max() for table in tables(run, service)]
print(time.process_time() - begun, peak_bytes() / 1024, max(seen))
"""


def drawn(count: int) -> tuple[float, float, float]:
    """CPU seconds, peak memory (KiB) and highest customer of a day of records, in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", _DRAW, str(count)], cwd=ROOT, check=True, capture_output=True, text=True, timeout=120
    )
    seconds, peak, highest = done.stdout.split()
    return float(seconds), float(peak), float(highest)


def test_25_million_customers_take_no_more_time_or_memory_than_two_thousand() -> None:
    few, many = drawn(2_000), drawn(25_000_000)
    assert many[2] > 20_000_000
    assert many[1] < few[1] + 10_000, "KiB"
    assert many[0] < 2 * few[0] + 0.5
