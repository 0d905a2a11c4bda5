"""The files about customers agree with each other and with the records."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.errors import DefinitionError, UserError
from datagen.network import Network, read_network
from datagen.people.invoices import months_before
from datagen.people.seen import Seen
from datagen.people.tickets import read_reasons
from datagen.people.writing import FILES, chosen, people_bytes, write_people
from datagen.pipeline import generate, plan
from servicedesk import customers as desk

Rebuilt = Callable[..., Network]
START = date(2026, 11, 9)
NUMBERS = {"voip": ("calling_number", "called_number"), "sms": ("msisdn",), "epc": ("msisdn",)}


def rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def numbers_in_records(out: Path) -> set[str]:
    found = set()
    for service, columns in NUMBERS.items():
        for path in (out / "cdr" / service).iterdir():
            with path.open() as lines:
                for row in csv.DictReader(lines):
                    found |= {row[column] for column in columns if row[column].startswith("+99955")}
    return found


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("people")
    generate(folder, start=START, days=1, seed=4, rotate="1d")
    return folder


def test_every_number_of_ours_in_a_record_is_a_customers(out: Path) -> None:
    known = {number for row in rows(out / "customers.ndjson") for number in row["msisdns"]}
    ours = numbers_in_records(out)
    assert len(ours) > 1000
    assert ours <= known


def test_subscriptions_are_the_numbers_of_the_customers(out: Path) -> None:
    customers = {row["customer_id"]: row for row in rows(out / "customers.ndjson")}
    lines = rows(out / "subscriptions.ndjson")
    mobile = [row for row in lines if "msisdn" in row]
    assert sorted(row["msisdn"] for row in mobile) == sorted(
        each for row in customers.values() for each in row["msisdns"]
    )
    assert all(row["plan"] == customers[row["customer_id"]]["plan"] for row in mobile)
    assert len({row["subscription_id"] for row in lines}) == len(lines)
    trunks = {row["customer_id"]: [row["trunk_group"]] for row in lines if row["kind"] == "trunk"}
    assert trunks == {key: row["trunk_groups"] for key, row in customers.items() if row["kind"] == "business"}
    assert {row["kind"] for row in lines} == {"mobile", "thing", "broadband", "trunk"}


def test_subscriptions_have_the_devices_of_the_records(out: Path) -> None:
    lines = {row["msisdn"]: row for row in rows(out / "subscriptions.ndjson") if "msisdn" in row}
    with (out / "network" / "devices.csv").open() as table:
        devices = {row["tac"]: row for row in csv.DictReader(table)}
    with next((out / "cdr" / "epc").iterdir()).open() as table:
        for row in csv.DictReader(table):
            line = lines[row["msisdn"]]
            assert (row["imsi"], row["imei"], row["plan"]) == (line["imsi"], line["imei"], line["plan"])
            device = devices[row["imei"][:8]]
            assert device["device"] == line["device"]
            assert row["rat"] in device["technologies"].split()
            assert (row["apn"] == "iot") == (device["kind"] == "thing")


def test_invoices_add_up_and_are_those_of_the_plan(out: Path) -> None:
    plans = {plan.name: plan for plan in read_network().customers.tariffs}
    customers = {row["customer_id"]: row for row in rows(out / "customers.ndjson")}
    invoices = rows(out / "invoices.ndjson")
    assert len({row["invoice_id"] for row in invoices}) == len(invoices) >= 3 * 1900
    assert sorted({row["from"] for row in invoices}) == ["2026-08-01", "2026-09-01", "2026-10-01"]
    for row in invoices:
        plan_of = plans[row["plan"]]
        owner = customers[row["customer_id"]]
        assert owner["plan"] == row["plan"]
        items = {item["item"]: item for item in row["items"]}
        lines = items["lines"]["used"]
        assert lines == len(owner["msisdns"])
        assert Decimal(items["lines"]["amount"]) == lines * plan_of.monthly
        for unit, included in plan_of.included.items():
            beyond = max(0, items[unit]["used"] - lines * included)
            assert items[unit]["billed"] == beyond
            assert abs(Decimal(items[unit]["amount"]) - beyond * plan_of.prices[unit]) <= Decimal("0.005")
        assert Decimal(row["net"]) == sum(Decimal(item["amount"]) for item in row["items"])
        assert Decimal(row["total"]) == Decimal(row["net"]) + Decimal(row["tax"])
        assert abs(Decimal(row["tax"]) - Decimal(row["net"]) * Decimal("0.2")) <= Decimal("0.005")
        assert owner["since"] < row["from"] <= row["until"] < row["issued"] < row["due"]
        assert ("paid" in row) == (row["state"] == "paid")
    assert sum(item["billed"] > 0 for row in invoices for item in row["items"][1:]) > 0


def test_invoices_bill_the_use_that_records_have(out: Path) -> None:
    """A month's minutes of all customers are about thirty times those of a day's answered calls from them."""
    with next((out / "cdr" / "voip").iterdir()).open() as table:
        talk = [
            float(row["duration_sec"])
            for row in csv.DictReader(table)
            if row["disposition"] == "answered" and row["calling_number"].startswith("+99955")
        ]
    used = [
        item["used"]
        for row in rows(out / "invoices.ndjson")
        if row["from"] == "2026-10-01"
        for item in row["items"]
        if item["item"] == "minutes"
    ]
    assert sum(used) == pytest.approx(31 * sum(talk) / 60, rel=0.3), "a Monday has more than the mean of a week"


def test_tickets_are_of_customers_and_lie_before_the_run(out: Path) -> None:
    customers = {row["customer_id"]: row for row in rows(out / "customers.ndjson")}
    tickets = rows(out / "tickets.ndjson")
    assert len({row["ticket_id"] for row in tickets}) == len(tickets)
    assert len(tickets) == pytest.approx(0.4 * 2000, rel=0.12)
    reasons = {reason.name: reason for reason in read_reasons()}
    for row in tickets:
        owner, reason = customers[row["customer_id"]], reasons[row["category"]]
        assert row["msisdn"] in owner["msisdns"]
        assert reason.kind in ("any", owner["kind"])
        assert owner["since"] <= row["opened"][:10] < START.isoformat()
        assert (row["state"] == "closed") == (row.get("resolved", "9") < START.isoformat())
        assert row.get("resolved", "9") > row["opened"]
    assert {row["category"] for row in tickets} == set(reasons)


def test_customer_file_is_one_that_the_service_desk_reads(out: Path) -> None:
    read = list(desk._rows(out / "customers.ndjson"))
    assert len(read) == 2000
    assert all(row["msisdns"] and row["services"] == ["voip", "sms", "epc"] for row in read)


def test_customers_seen_are_enough_for_every_record(network_with: Rebuilt, tmp_path: Path) -> None:
    network = network_with(lambda net: net["customers"].update(count=3_000_000))
    request = {"services": ["voip", "sms", "epc"], "rate": 600, "seed": 4, "network": network, "rotate": "1d"}
    generate(tmp_path / "out", start=START, days=1, **request)  # type: ignore[arg-type]
    first = {row["customer_id"] for row in rows(tmp_path / "out" / "customers.ndjson")}
    assert 500 < len(first) < 2000
    generate(tmp_path / "out", start=date(2026, 11, 10), days=1, **request)  # type: ignore[arg-type]
    written = rows(tmp_path / "out" / "customers.ndjson")
    assert first < {row["customer_id"] for row in written}, "a folder may be filled day by day"
    known = {number for row in written for number in row["msisdns"]}
    assert numbers_in_records(tmp_path / "out") <= known
    assert [row["customer_id"] for row in written] == sorted(row["customer_id"] for row in written)


def test_customers_none_writes_none(tmp_path: Path) -> None:
    generate(tmp_path, services=["sms"], start=START, days=1, rate=50, seed=4, rotate="1d", customers="none")
    assert not any((tmp_path / name).exists() for name in FILES)
    assert (tmp_path / "references" / "plans.csv").exists()


def test_customers_are_chosen_by_their_number_unless_said() -> None:
    assert chosen(None, 100_000) == "all"
    assert chosen(None, 100_001) == "seen"
    assert chosen("all", 10**7) == "all"
    with pytest.raises(DefinitionError, match="did you mean seen"):
        chosen("sen", 10)


def test_customer_file_of_somebody_else_is_refused(tmp_path: Path) -> None:
    run = plan(start=START, days=1, seed=4)
    (tmp_path / "customers.ndjson").write_text('{"customer_id": "Smith"}\n')
    with pytest.raises(UserError, match="line 1 is no customer of this network"):
        write_people(tmp_path, run.model, run.first, Seen())
    assert (tmp_path / "customers.ndjson").read_text() == '{"customer_id": "Smith"}\n'
    assert not list(tmp_path.glob(".*.part"))


def test_customer_files_are_as_large_as_was_said(out: Path) -> None:
    size = sum((out / name).stat().st_size for name in FILES)
    assert people_bytes(plan(start=START, days=1, seed=4).model) == pytest.approx(size, rel=0.15)


@settings(deadline=None)
@given(st.lists(st.lists(st.integers(0, 5 * 2**20), max_size=40), max_size=5))
def test_seen_is_the_set_of_what_was_added(parts: list[list[int]]) -> None:
    together, merged = Seen(), Seen()
    for part in parts:
        together.add(np.array(part, np.int64))
        one = Seen()
        one.add(np.array(part, np.int64))
        merged.merge(one)
    expected = sorted({n for part in parts for n in part})
    for seen in (together, merged):
        assert len(seen) == len(expected)
        assert [n for chunk in seen.chunks(7) for n in chunk.tolist()] == expected


@settings(deadline=None)
@given(st.dates(date(1990, 1, 1), date(2090, 1, 1)), st.integers(0, 40))
def test_months_before_a_day_are_whole_and_in_order(day: date, count: int) -> None:
    months = months_before(day, count)
    assert len(months) == count
    assert months == sorted(set(months))
    assert all(month.day == 1 and month < day.replace(day=1) for month in months)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("late: {share: 1}", "'kind' is missing"),
        ("late: {share: 1, kind: any, service: sms, priority: P9, median_hours: 1, text: x}", "is not one of P1"),
        ("late: {share: 0, kind: any, service: sms, priority: P1, median_hours: 1, text: x}", "late.share: 0"),
    ],
)
def test_ticket_reasons_are_refused_by_file_and_key(tmp_path: Path, text: str, complaint: str) -> None:
    (tmp_path / "tickets.yml").write_text(text)
    with pytest.raises(DefinitionError, match=complaint):
        read_reasons(tmp_path / "tickets.yml")
