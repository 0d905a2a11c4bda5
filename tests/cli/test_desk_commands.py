"""The commands of the service desk on a real node: customers come in, tickets live and end."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from cli.main import cli
from contracts.errors import ConflictError, UserError
from contracts.settings import Settings
from infrastructure.store import Store

PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 64


class Desk:
    """Runs commands against the test's node."""

    def __init__(self, settings: Settings) -> None:
        self.environment = {"BUSYHOUR_HOME": settings.text("home")}

    def text(self, *arguments: str) -> Result:
        return CliRunner().invoke(cli, list(arguments), env=self.environment)

    def __call__(self, *arguments: str, code: int = 0) -> dict[str, Any]:
        result = self.text(*arguments, "--json")
        assert result.exit_code == code, result.output
        found: dict[str, Any] = json.loads(result.stdout)
        return found


@pytest.fixture
def desk(store: Store, node_settings: Settings) -> Desk:
    return Desk(node_settings)


@pytest.fixture
def crm(tmp_path: Path) -> Path:
    file = tmp_path / "crm.csv"
    file.write_text("nr;name;kind;msisdns\nA;Ann Bee;consumer;+1\nB;Bob;business;+2\n", encoding="utf-8")
    return file


def test_customers_come_from_a_file_and_are_found_diagnosed_and_billed(desk: Desk, crm: Path, tmp_path: Path) -> None:
    arguments = ("customer", "sync", str(crm), "--source", "crm", "--column", "nr=customer_id", "--delimiter", ";")
    assert desk(*arguments)["created"] == 2
    assert desk(*arguments)["unchanged"] == 2
    assert [one["id"] for one in desk("customer", "search", "ann")["customers"]] == ["A"]
    assert desk("customer", "show", "+1")["subscriptions"][0]["kind"] == "mobile"
    assert "Ann Bee" in desk.text("customer", "show", "A").output
    found = desk("diagnose", "+1")
    assert (found["customer_id"], found["causes"][0]["kind"]) == ("A", "never")
    told = desk.text("diagnose", "A")
    assert "Probable cause: No session of this customer is known" in told.output
    assert "What to do" in told.output
    bills = tmp_path / "bills.ndjson"
    bills.write_text(
        '{"invoice_id": "I1", "customer_id": "A", "issued": "2026-11-01", "currency": "EUR", "total": "12.30"}\n{"x":'
    )
    report = desk("customer", "sync", str(bills), "--what", "billing", "--source", "billing", code=1)
    assert (report["created"], report["refused"]) == (1, 1)
    assert desk("customer", "billing", "A")["balance"] == {"EUR": "12.30"}
    assert "12.30 EUR" in desk.text("customer", "billing", "A").output


def test_contacts_and_history_of_an_account_are_kept_and_shown(desk: Desk, crm: Path) -> None:
    desk("customer", "sync", str(crm), "--source", "crm", "--column", "nr=customer_id", "--delimiter", ";")
    given = ("customer", "contact", "A", "name=Eve", "email=Eve@X.example", "phone=+44 20 7946 0001", "--by", "bob")
    kept = {"name": "Eve", "email": "eve@x.example", "phone": "+442079460001"}
    assert desk(*given)["contacts"] == [kept]
    desk("customer", "set", "A", "language=de", "--by", "ann")
    shown = desk("customer", "show", "A")
    assert shown["contacts"] == [kept]
    assert [(entry["by"], entry["what"]) for entry in shown["history"]] == [("bob", "contact"), ("ann", "language")]
    text = desk.text("customer", "show", "A").output
    assert "eve@x.example" in text and "changes of the account" in text
    assert desk("customer", "contact", "A", "--remove", "eve@x.example")["contacts"] == []
    for wrong in (("A",), ("A", "email=no"), ("A", "name=Eve"), ("A", "email"), ("Z", "email=a@b.example")):
        assert desk.text("customer", "contact", *wrong).exit_code != 0


def test_sync_says_what_it_needs(desk: Desk, crm: Path) -> None:
    for wrong in (
        ["--source", "crm"],
        [str(crm), "--source", "crm", "--column", "nr"],
        ["--source", "x", "--table", "t"],
    ):
        assert isinstance(desk.text("customer", "sync", *wrong).exception, UserError)


def test_ticket_is_opened_worked_on_and_closed(desk: Desk, tmp_path: Path) -> None:
    desk("agent", "set", "ana", "--skill", "network", "--language", "de", "--capacity", "3")
    opened = desk("ticket", "open", "No sound", "--category", "network", "--impact", "extensive", "--urgency", "high")
    key = opened["id"]
    assert (opened["priority"], opened["sla"]["policy"]) == ("critical", "network")
    assert desk("ticket", "assign", key)["assignee"] == "ana"
    assert desk("agent", "list")["agents"][0]["tickets"] == 1
    revision = desk("ticket", "show", key)["revision"]
    desk("ticket", "comment", key, "carrier called")
    late = desk.text("ticket", "assign", key, "bob", "--revision", str(revision), "--by", "bob").exception
    assert isinstance(late, ConflictError)
    assert "(comment)" in late.what  # by whom, when and what
    assert desk("ticket", "show", key)["assignee"] == "ana"
    assert desk("ticket", "assign", key, "ana", "--revision", str(revision + 1))["assignee"] == "ana"
    assert desk("ticket", "note", key, "they owe us")["notes"][0]["text"] == "they owe us"
    assert desk("ticket", "move", key, "waiting_supplier")["status"] == "waiting_supplier"
    assert [one["id"] for one in desk("ticket", "list", "--sla", "frozen", "--text", "carrier")["tickets"]] == [key]
    desk("ticket", "move", key, "open")
    assert desk("ticket", "tag", key, "vip")["tags"] == ["vip"]
    assert desk("ticket", "priority", key, "none", "low")["priority"] == "low"
    file = tmp_path / "trace.png"
    file.write_bytes(PNG)
    made = desk("ticket", "attach", key, str(file))
    desk("ticket", "file", made["id"], "--out", str(tmp_path / "back.png"))
    assert (tmp_path / "back.png").read_bytes() == PNG
    part = desk("ticket", "split", key, "Another thing")["id"]
    other = desk("ticket", "open", "The same")["id"]
    assert f"related:{other}" in desk("ticket", "link", key, "related", other)["links"]
    assert desk("ticket", "merge", other, key)["id"] == key
    assert desk("ticket", "parent", part, key)["parent"] == key
    assert desk("ticket", "show", key, "--tmf621")["status"] == "inProgress"
    shown = desk.text("ticket", "show", key).output
    assert "trace.png" in shown
    assert "carrier called" in shown
    assert desk("ticket", "macro", key, "solved")["state"] == "resolved"
    assert desk("ticket", "show", part)["state"] == "resolved"
    assert desk("ticket", "close", key)["state"] == "closed"
    assert isinstance(desk.text("ticket", "resolve", key, "again").exception, UserError)


def test_file_of_30_mb_is_refused_before_it_is_read(desk: Desk, tmp_path: Path) -> None:
    key = desk("ticket", "open", "t")["id"]
    file = tmp_path / "large.png"
    with file.open("wb") as stream:
        stream.truncate(30_000_000)
    error = desk.text("ticket", "attach", key, str(file)).exception
    assert isinstance(error, UserError)
    assert "larger than 10 MiB" in error.what
