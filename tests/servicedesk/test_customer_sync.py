"""Customers, subscriptions and billing from a legacy system: keyed, repeatable, conflicts reported, bad rows refused."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import create_engine, text

from contracts.errors import OperatorError, UserError
from infrastructure.store import Store
from servicedesk import billing
from servicedesk.accounts import change_account
from servicedesk.money import from_minor, money_words, to_minor
from servicedesk.profiles import find_customer, search_customers
from servicedesk.subscriptions import subscriptions_of
from servicedesk.sync import SyncReport, rows_of_file, rows_of_sql, synchronise
from servicedesk.sync.merging import merged, remembered
from servicedesk.sync.sources import Row

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
ANN = {"customer_id": "A", "name": "Ann Bee", "kind": "consumer", "email": "Ann@Example.org", "msisdns": "+1;+2"}


@pytest.fixture
def sync(store: Store) -> Callable[..., SyncReport]:
    def run(rows: list[dict[str, Any]], what: str = "customers", source: str = "crm", **more: Any) -> SyncReport:
        given = [Row(f"row {number}", row) for number, row in enumerate(rows, 1)]
        return synchronise(store, what, given, source=source, clock=lambda: NOW, **more)

    return run


def counts(report: SyncReport) -> tuple[int, int, int, int, int]:
    return report.created, report.updated, report.unchanged, report.refused, report.conflicted


def edit(store: Store, key: str, **values: Any) -> None:
    store.modify("customer", key, lambda row: {**row, "customer": {**row["customer"], **values}})


def test_customers_are_taken_over_once_and_again_without_a_change(
    sync: Callable[..., SyncReport], store: Store
) -> None:
    assert counts(sync([ANN])) == (1, 0, 0, 0, 0)
    assert counts(sync([ANN])) == (0, 0, 1, 0, 0)
    found, key = find_customer(store, "+2")
    assert (found.id, found.email, found.source, len(found.keys)) == ("A", "ann@example.org", "crm", 2)
    assert key in found.keys
    assert find_customer(store, "ANN@example.org")[0] == found
    assert b"+2" not in orjson.dumps(store.get("customer", "A").source)  # type: ignore[union-attr]


def test_change_in_the_legacy_system_is_taken_over_and_kept_in_the_history(
    sync: Callable[..., SyncReport], store: Store
) -> None:
    sync([ANN])
    assert counts(sync([{**ANN, "name": "Ann Sea", "plan": "GOLD"}])) == (0, 1, 0, 0, 0)
    found, _ = find_customer(store, "A")
    assert (found.name, found.plan) == ("Ann Sea", "GOLD")
    assert [(entry["what"], entry["from"], entry["to"], entry["by"]) for entry in found.history] == [
        ("name", "Ann Bee", "Ann Sea", "crm"),
        ("plan", "", "GOLD", "crm"),
    ]
    assert counts(sync([{**ANN, "plan": ""}])) == (0, 1, 0, 0, 0)
    assert find_customer(store, "A")[0].plan == ""


def test_change_on_both_sides_is_a_conflict_that_is_told_every_time_and_overwrites_nothing(
    sync: Callable[..., SyncReport], store: Store
) -> None:
    sync([ANN])
    edit(store, "A", name="Ann Ours")
    assert counts(sync([ANN])) == (0, 0, 1, 0, 0)  # changed here only
    theirs = {**ANN, "name": "Ann Theirs", "plan": "GOLD"}
    for turn in ((0, 1, 0, 0, 1), (0, 0, 1, 0, 1)):
        report = sync([theirs])
        assert counts(report) == turn
        (conflict,) = report.conflicts
        assert (conflict.key, conflict.column, conflict.theirs, conflict.ours) == (
            "A",
            "name",
            "Ann Theirs",
            "Ann Ours",
        )
        assert (find_customer(store, "A")[0].name, find_customer(store, "A")[0].plan) == ("Ann Ours", "GOLD")
    edit(store, "A", name="Ann Theirs")
    assert counts(sync([theirs])) == (0, 0, 1, 0, 0)


def test_customer_of_another_system_and_number_of_another_customer_are_conflicts(
    sync: Callable[..., SyncReport], store: Store
) -> None:
    sync([ANN])
    other = sync([{**ANN, "name": "Somebody"}], source="billing")
    assert (counts(other), other.conflicts[0].column) == ((0, 0, 1, 0, 1), "name")
    taken = sync([{"customer_id": "B", "msisdns": ["+2", "+3"]}])
    assert (taken.created, taken.conflicted) == (1, 1)
    assert taken.conflicts[0].ours == "held by A"
    assert find_customer(store, "+2")[0].id in ("A", "B")


def test_bad_rows_are_refused_with_why_and_stop_nothing(sync: Callable[..., SyncReport]) -> None:
    bad: list[dict[str, Any]] = [
        {"name": "Nobody"},
        {"customer_id": "X", "kind": "friend"},
        {"customer_id": "X", "email": "no address"},
        {"customer_id": "X", "since": "31.12.2026"},
        {"customer_id": "X", "name": "n" * 2000},
        {"customer_id": "X", "name": ["a", "b"]},
        {"customer_id": "x" * 600},
    ]
    report = sync([*bad, ANN, {**ANN, "colour": "red"}])
    assert counts(report) == (1, 0, 0, 8, 0)
    why = [one.why for one in report.refusals]
    assert why[0] == "customer_id is missing or empty"
    assert why[1] == "kind 'friend' is not one of consumer, business"
    assert "is no e-mail address" in why[2]
    assert "is no date such as" in why[3]
    assert why[7] == "customer_id A stands twice"
    assert report.ignored_columns == ["colour"]
    assert report.rows == report.created + report.updated + report.unchanged + report.refused


def test_billing_adds_up_in_decimals(sync: Callable[..., SyncReport], store: Store) -> None:
    base = {"customer_id": "A", "currency": "EUR", "date": "2026-11-01"}
    rows = [
        {
            **base,
            "entry_id": "I1",
            "amount": "0.10",
            "due": "2026-11-15",
            "state": "open",
            "net": "0.08",
            "tax": "0.02",
        },
        {**base, "entry_id": "I2", "amount": "0.20", "state": "paid", "paid": "2026-11-02"},
        {**base, "entry_id": "P1", "kind": "payment", "amount": "0.20", "invoice": "I2"},
        {**base, "entry_id": "R1", "kind": "refund", "amount": Decimal("5")},
        {**base, "entry_id": "Y1", "currency": "JPY", "amount": 1200},
        {**base, "entry_id": "V1", "amount": "9.99", "state": "void"},
    ]
    assert counts(sync(rows, "billing")) == (6, 0, 0, 0, 0)
    assert counts(sync(rows, "billing")) == (0, 0, 6, 0, 0)
    assert billing.balance(store, "A") == {"EUR": Decimal("5.10"), "JPY": Decimal(1200)}
    assert billing.owed_words(billing.balance(store, "A")) == "5.10 EUR, 1,200 JPY"
    assert [one.id for one in billing.overdue(store, "A", NOW)] == ["I1"]
    entry = next(one for one in billing.entries(store, "A") if one.id == "R1")
    assert (entry.amount, entry.kind) == (Decimal("5.00"), "refund")
    wrong = [{**base, "entry_id": "W", "amount": bad} for bad in (0.1, "0.001", "-3", "NaN", "1e30", "lots")]
    report = sync([*wrong, {**base, "entry_id": "W", "amount": "1", "currency": "EURO"}], "billing")
    assert (report.refused, report.created) == (7, 0)


def test_subscriptions_name_what_serves_them(sync: Callable[..., SyncReport], store: Store) -> None:
    sync([{"customer_id": "A", "name": "Ann", "msisdns": "+1"}])
    rows = [
        {"subscription_id": "S1", "customer_id": "A", "kind": "mobile", "msisdn": "+1", "plan": "P", "apn": "internet"},
        {"subscription_id": "T1", "customer_id": "A", "kind": "trunk", "trunk_group": "TG2", "home_cell": "ignored"},
        {"subscription_id": "B1", "customer_id": "A", "kind": "broadband", "status": "suspended"},
    ]
    assert counts(sync(rows, "subscriptions")) == (3, 0, 0, 0, 0)
    found = subscriptions_of(store, find_customer(store, "A")[0])
    assert [(one.id, one.status) for one in found] == [("B1", "suspended"), ("S1", "active"), ("T1", "active")]
    assert [str(entity) for entity in found[1].serving][:2] == ["apn:internet", "plan:P"]
    assert [str(entity) for entity in found[2].serving] == ["trunk_group:TG2", "service:voip"]
    assert found[1].key in find_customer(store, "A")[0].keys


def test_rows_come_from_csv_with_names_of_its_own(store: Store, tmp_path: Path) -> None:
    file = tmp_path / "crm.csv"
    old = "D;Dörte;+4\n".encode("cp1252")
    file.write_bytes("\ufeffKUNDE;Name;msisdns\nA;Änn;+1\nB;Bob\nC;Cy;+3;more\n".encode() + old)
    rows = rows_of_file(file, ";")
    report = synchronise(store, "customers", rows, source="crm", columns={"KUNDE": "customer_id", "Name": "name"})
    assert counts(report) == (1, 0, 0, 3, 0)
    assert report.refusals[0].where.endswith("crm.csv:3")
    assert "UTF-8" in report.refusals[2].why  # and not kept with a mark in place of the letter
    assert find_customer(store, "A")[0].name == "Änn"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"a,a\n1,2\n", "stands twice"),
        (b'a,b\n"x,2\n', "is no CSV"),
        (b"a,b\n" + b"x" * 200_000, "CSV"),
        (b"a,b\xf6\n1,2\n", "UTF-8"),
    ],
)
def test_csv_that_is_none_is_refused(tmp_path: Path, content: bytes, words: str) -> None:
    file = tmp_path / "crm.csv"
    file.write_bytes(content)
    with pytest.raises(UserError, match=words):
        list(rows_of_file(file))


def test_rows_come_from_a_table_of_a_database(store: Store, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/crm.sqlite"
    with create_engine(url).begin() as connection:
        connection.execute(text("CREATE TABLE clients (customer_id TEXT PRIMARY KEY, name TEXT, since DATE)"))
        connection.execute(text("INSERT INTO clients VALUES ('A', 'Ann', '2020-01-31'), ('B', NULL, NULL)"))
    assert counts(synchronise(store, "customers", rows_of_sql(url, "clients"), source="crm")) == (2, 0, 0, 0, 0)
    assert counts(synchronise(store, "customers", rows_of_sql(url, "clients"), source="crm")) == (0, 0, 2, 0, 0)
    assert find_customer(store, "A")[0].since.startswith("2020-01-31")
    for name in ("none", "clients; DROP TABLE clients", "x.clients"):
        with pytest.raises((UserError, OperatorError)):
            list(rows_of_sql(url, name))
    with pytest.raises(UserError, match="no database URL"):
        list(rows_of_sql("nothing at all", "clients"))


def test_customers_are_found_as_one_types(
    store: Store, customers: Callable[[int], Path], sync: Callable[..., Any]
) -> None:
    customers(12)
    sync([ANN])
    for typed in ("ann", "An", "bee an", "ANN B", "ann@ex", "a"):
        assert "A" in [one.id for one in search_customers(store, typed)], typed
    assert [one.id for one in search_customers(store, "+1", limit=20)] != []
    assert {one.id for one in search_customers(store, "c000001")} == {"C0000010", "C0000011", "C0000012"}
    assert {one.id for one in search_customers(store, "customer 1", limit=20)} == {f"C{n:07}" for n in (1, 10, 11, 12)}
    for nothing in ("", "   ", "zzz", "*", "\x00", "a" * 10_000, '{"match_all":{}}'):
        assert search_customers(store, nothing) == []


def test_account_is_changed_by_the_desk_with_its_history_and_the_next_sync_leaves_it(
    sync: Callable[..., SyncReport], store: Store
) -> None:
    sync([ANN])
    for _ in range(2):
        values = {"language": "de", "email": "New@Example.org"}
        found = change_account(store, "A", values, by="bob", give=["survey", "marketing"], withdraw=["marketing"])
    assert (found.language, found.email, found.consents) == ("de", "new@example.org", ("survey",))
    assert [(entry["what"], entry["by"]) for entry in found.history] == [
        ("language", "bob"),
        ("email", "bob"),
        ("consents", "bob"),
    ]
    assert counts(sync([ANN])) == (0, 0, 1, 0, 0)
    assert find_customer(store, "A")[0] == found
    assert change_account(store, "A", {"email": ""}, by="bob", withdraw=["survey"]).consents == ()
    for values, consents in (
        ({"colour": "red"}, ()),
        ({"status": "gone"}, ()),
        ({"msisdns": "+9"}, ()),
        ({}, ("spam",)),
    ):
        with pytest.raises(UserError):
            change_account(store, "A", values, by="bob", give=consents)
    with pytest.raises(UserError, match="no customer"):
        change_account(store, "Z", {}, by="bob")


VALUES = st.fixed_dictionaries(
    {}, optional={"name": st.sampled_from(["a", "b", "c", ""]), "plan": st.sampled_from(["x", ""])}
)


@given(VALUES, VALUES, st.none() | VALUES)
def test_merging_never_overwrites_what_both_sides_changed(theirs: Any, here: Any, last: Any) -> None:
    done = merged(theirs, here, last)
    for column, new in theirs.items():
        own, old = here.get(column, ""), (last or {}).get(column, "")
        result = done.values.get(column, "")
        assert result in (own, new)
        if column in done.conflicts:
            assert result == own != new
            assert last is None or own != old != new
        if last is not None and own == old:
            assert result == new
    synced = remembered(theirs, last, done.conflicts)
    again = merged(theirs, done.values, synced if last is not None or theirs else None)
    assert again.changed == ()
    if last is not None:
        assert set(again.conflicts) == set(done.conflicts)


@given(st.integers(-(10**12), 10**12), st.sampled_from(["EUR", "JPY", "KWD"]))
def test_money_is_exact_there_and_back(minor: int, currency: str) -> None:
    assert to_minor(from_minor(minor, currency), currency) == minor
    assert to_minor(str(from_minor(minor, currency)), currency) == minor


def test_money_is_written_as_people_do() -> None:
    assert money_words(123456, "EUR") == "1,234.56 EUR"
    assert money_words(5, "KWD") == "0.005 KWD"
