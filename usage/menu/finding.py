"""Searching at the console: customers, calls, SMS, data sessions."""

from __future__ import annotations

from prettytable import PrettyTable

from usage.logging import search
from usage.menu.screen import Back
from usage.menu.session import Session, ask_period
from usage.records.customers import list_customers
from usage.records.kinds import KINDS
from usage.render import record_table

_CHOICES = ("customers", "calls", "SMS", "data sessions")
_SHOWN = 25
_OF_CUSTOMER = ("id", "name", "kind", "plan", "state")


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
    _show(session, list(_OF_CUSTOMER), [[str(row[name] or "") for name in _OF_CUSTOMER] for row in rows])


def _records(session: Session, kind: str) -> None:
    customer = session.screen.ask("Customer id", str, default="", hint="empty: all")
    peer = session.screen.ask("Part of the other party" if kind != "data" else "Part of the APN", str, default="")
    found = search(session.store, kind, ask_period(session), customer=customer, peer=peer, limit=_SHOWN)
    titles, rows = record_table(KINDS[kind], found, session.zone)
    _show(session, titles, rows, newest=True)


def _show(session: Session, titles: list[str], rows: list[list[str]], *, newest: bool = False) -> None:
    if not rows:
        session.screen.say("Nothing was found.")
        return
    table = PrettyTable(field_names=titles)
    table.align = "l"
    table.add_rows(rows)
    session.screen.say(table.get_string())
    more = f"the newest {_SHOWN}" if len(rows) == _SHOWN and newest else f"{len(rows)} found"
    session.screen.say(more)
