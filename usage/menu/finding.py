"""Searching at the console: customers, calls, SMS, data sessions."""

from __future__ import annotations

from prettytable import PrettyTable

from usage.logging import search
from usage.menu.screen import Back
from usage.menu.session import Session, ask_period
from usage.records.customers import list_customers
from usage.records.kinds import KINDS
from usage.text.durations import clock
from usage.text.volumes import decimal

_CHOICES = ("customers", "calls", "SMS", "data sessions")
_SHOWN = 25
_HIDDEN = ("quarter", "origin", "ref")


def search_menu(session: Session) -> None:
    """Until the user goes back."""
    while True:
        chosen = session.screen.choose("Search", _CHOICES)
        try:
            _customers(session) if chosen == 0 else _records(session, ("call", "sms", "data")[chosen - 1])
        except Back:
            continue


def _customers(session: Session) -> None:
    wanted = session.screen.ask("Part of id, name or number", str, default="")
    rows = list_customers(session.store, wanted, _SHOWN)
    _show(
        session,
        [[str(row[name] or "") for name in ("id", "name", "kind", "plan", "state")] for row in rows],
        "customers",
    )


def _records(session: Session, kind: str) -> None:
    customer = session.screen.ask("Customer id", str, default="", hint="empty: all")
    peer = session.screen.ask("Part of the other party" if kind != "data" else "Part of the APN", str, default="")
    found = search(session.store, kind, ask_period(session), customer=customer, peer=peer, limit=_SHOWN)
    names = [name for name in KINDS[kind].columns if name not in _HIDDEN]
    rows = []
    for record in found:
        record["started"] = record["started"].astimezone(session.zone).strftime("%Y-%m-%d %H:%M:%S")
        rows.append([_cell(name, record[name]) for name in names])
    _show(session, rows, kind)


def _cell(name: str, value: object) -> str:
    if name == "duration_ms" and isinstance(value, int):
        return clock(value)
    return decimal(value) if name.endswith("_bytes") and isinstance(value, int) else str(value)


def _show(session: Session, rows: list[list[str]], what: str) -> None:
    if not rows:
        session.screen.say("Nothing was found.")
        return
    names = ["id", "name", "kind", "plan", "state"]
    if what != "customers":
        names = [name.removesuffix("_ms").replace("_", " ") for name in KINDS[what].columns if name not in _HIDDEN]
    table = PrettyTable(field_names=names)
    table.align = "l"
    table.add_rows(rows)
    session.screen.say(table.get_string())
    more = f"the newest {_SHOWN}" if len(rows) == _SHOWN and what != "customers" else f"{len(rows)} found"
    session.screen.say(more)
