"""Trend and promotions: the level that they say, for whom they say, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from contracts.errors import DefinitionError
from datagen.network import Network
from datagen.pipeline import plan, tables
from datagen.table import Table, concatenate

Rebuilt = Callable[..., Network]
START = date(2026, 11, 9)
PROMOTION = {"name": "november", "from": "2026-11-10", "until": "2026-11-10", "factor": 3.0}


def made(network: Network, service: str, start: date = START, days: int = 3, rate: float = 20_000) -> Table:
    run = plan(services=[service], start=start, days=days, rate=rate, seed=8, network=network)
    return concatenate(list(tables(run, service)))


def by_day(table: Table, days: int = 3, rows: Any = slice(None)) -> np.ndarray:
    first = (START - date(1970, 1, 1)).days
    return np.bincount(table["event.start"].values[rows] // 86_400_000 - first + 1, minlength=days + 1)[1 : days + 1]


def plans(table: Table) -> np.ndarray:
    return np.array(table["subscriber.plan"].labels)[table["subscriber.plan"].values]


def test_trend_grows_compound_from_its_first_day(network_with: Rebuilt) -> None:
    network = network_with(lambda net: net["trend"].update(since="2025-11-09", per_year={"sms": 0.5}))
    plain = made(network_with(), "sms")["event.start"].values.size
    assert made(network, "sms")["event.start"].values.size == pytest.approx(1.5 * plain, rel=0.03)
    later = made(network, "sms", date(2027, 11, 8))["event.start"].values.size
    usual = made(network_with(), "sms", date(2027, 11, 8))["event.start"].values.size
    assert later == pytest.approx(2.25 * usual, rel=0.03)
    epc = [made(each, "epc", rate=500)["event.start"].values for each in (network, network_with())]
    assert (epc[0] == epc[1]).all(), "a service without growth stays as it is, byte for byte"


def test_promotion_lifts_its_services_on_its_days_only(network_with: Rebuilt) -> None:
    promoted = network_with(lambda net: net.update(promotions=[{**PROMOTION, "services": ["sms"]}]))
    usual, now = (by_day(made(network, "sms")) for network in (network_with(), promoted))
    assert now[1] == pytest.approx(3 * usual[1], rel=0.05)
    assert now[0] == usual[0]
    assert now[2] == usual[2]
    calls = [by_day(made(network, "voip", rate=2000)) for network in (network_with(), promoted)]
    assert (calls[0] == calls[1]).all()


@pytest.mark.parametrize(("service", "factor"), [("sms", 3.0), ("epc", 3.0), ("sms", 0.0)])
def test_promotion_moves_the_customers_of_its_plan_only(network_with: Rebuilt, service: str, factor: float) -> None:
    promotion = {**PROMOTION, "factor": factor, "plans": ["PLAN2"]}
    usual, now = (
        made(network, service)
        for network in (network_with(), network_with(lambda net: net.update(promotions=[promotion])))
    )
    for plan_name, expected in (("PLAN1", 1.0), ("PLAN2", factor), ("PLAN3", 1.0)):
        before, after = (by_day(table, rows=plans(table) == plan_name)[1] for table in (usual, now))
        # A customer base is small: its heaviest users weigh on the share of a plan.
        assert after == pytest.approx(expected * before, rel=0.25, abs=40), plan_name


def test_promotion_of_a_plan_reaches_calls(network_with: Rebuilt) -> None:
    promotion = {**PROMOTION, "factor": 4.0, "plans": ["PLAN1", "PLAN2"]}
    network = network_with(lambda net: net.update(promotions=[promotion]))
    shares = []
    for each in (network_with(), network):
        table = made(each, "voip")
        consumers = np.array(table["voip.trunk_group.originating"].labels)[table["voip.trunk_group.originating"].values]
        shares.append(by_day(table, rows=consumers == "access-residential")[1] / by_day(table)[1])
    assert shares[0] == pytest.approx(0.35, abs=0.02)
    assert shares[1] == pytest.approx(0.35 * 4 / (0.35 * 4 + 0.65), abs=0.03)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda net: net["trend"].update(since="soon"), "trend.since: 'soon' is not a day"),
        (lambda net: net["trend"]["per_year"].update(smss=1), "unknown key 'smss'; did you mean sms"),
        (lambda net: net["trend"]["per_year"].update(sms=-1), "per_year.sms: -1"),
        (lambda net: net.update(promotions={}), "must be a list of promotions"),
        (lambda net: net.update(promotions=[{**PROMOTION, "until": "2026-11-01"}]), "is before from"),
        (lambda net: net.update(promotions=[{**PROMOTION, "plans": ["PLAN9"]}]), "did you mean PLAN"),
        (lambda net: net.update(promotions=[{**PROMOTION, "services": ["smss"]}]), "did you mean sms"),
        (lambda net: net.update(promotions=[{**PROMOTION, "faktor": 1}]), "did you mean factor"),
        (lambda net: net["calendar"].update(country="QX"), "no country whose holidays are known"),
        (lambda net: net["calendar"].update(country=False), "quotes, for Norway"),
        (lambda net: net["calendar"].update(country="GB", subdivision="ENGL"), "did you mean ENG"),
        (lambda net: net["calendar"].update(subdivision="ENG"), "needs its country"),
        (lambda net: net["calendar"].update(also=["2026-13-01"]), "calendar.also: '2026-13-01' is not a day"),
        (lambda net: net["calendar"].update(factr=1), "did you mean factor"),
        (lambda net: net["voip"]["trunk_groups"]["TG1"].update(zone="Mars/Base"), "unknown time zone 'Mars/Base'"),
    ],
)
def test_traffic_is_refused_by_file_and_key(
    network_with: Rebuilt, tmp_path: Path, change: Callable[[Any], object], complaint: str
) -> None:
    with pytest.raises(DefinitionError, match=complaint) as refusal:
        network_with(change)
    assert str(tmp_path / "network.yml") in str(refusal.value)
