"""From an incident to a resolved ticket with both packages, killed at any point on the way."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from alerting import list_alerts, list_notifications, load_watches, run_watches
from infrastructure.store import Store
from servicedesk import AlertTickets, TicketDesk

ROOT = Path(__file__).resolve().parents[2]
# A process that dies without a word when it comes to a certain place, before or after what is done there.
DIES = """
import importlib, os, sys
from datetime import datetime
module, owner, name, when, until = sys.argv[1:6]
target = getattr(importlib.import_module(module), owner)
usual = getattr(target, name)
def dies(*args, **keywords):
    if when == "after":
        usual(*args, **keywords)
    os._exit(9)
setattr(target, name, dies)
from alerting import load_watches, run_watches
from contracts.settings import read
from infrastructure.store import Store
from servicedesk import AlertTickets
store = Store.connect(read(dict(os.environ)))
now = datetime.fromisoformat(until)
mine = [watch for watch in load_watches() if watch.name == "incident-open"]
since = datetime.fromisoformat(sys.argv[6])
run_watches(store, since=since, until=now, opener=AlertTickets(store), clock=lambda: now, watches=mine)
"""
MINE = [watch for watch in load_watches() if watch.name == "incident-open"]
POINTS = [
    ("alerting.book", "AlertBook", "fire", "before"),
    ("alerting.book", "AlertBook", "fire", "after"),
    ("alerting.delivery", "Delivery", "_begin", "after"),
    ("alerting.actions.ticket", "TicketAction", "perform", "after"),
    ("servicedesk.desk", "TicketDesk", "create", "after"),
    ("alerting.delivery", "Delivery", "_write", "before"),
    ("alerting.book", "AlertBook", "settled", "after"),
    ("alerting.book", "AlertBook", "resolve_all", "after"),
    ("servicedesk.desk", "TicketDesk", "change", "after"),
    ("alerting.pipeline", "_Run", "finish", "before"),
]


def test_incident_becomes_an_alert_and_a_ticket_that_both_resolve(
    store: Store,
    opener: AlertTickets,
    desk: TicketDesk,
    customers: Callable[[int], Any],
    incident: Callable[..., Any],
    start: datetime,
) -> None:
    customers(10)
    incident()
    until = start + timedelta(hours=3)
    report = run_watches(store, since=start, until=until, opener=opener, clock=lambda: until, watches=MINE)
    (alert,), (ticket,) = list_alerts(store), desk.list()
    assert report.problems == []
    assert alert["ticket"]["id"] == ticket.id
    assert (ticket.state, ticket.incident, ticket.impacted_customers) == ("resolved", "I1", 3)
    assert ticket.opened == start + timedelta(minutes=5)
    assert ticket.resolved == start + timedelta(minutes=60)
    assert ticket.title == "Trunk group TG2 loses calls"
    assert "Where: trunk_group:TG2, service:voip." in ticket.body
    assert "Impacted customers: 3 (3 by trunk group TG2" in ticket.body


@pytest.mark.parametrize("point", POINTS, ids=lambda point: f"{point[3]} {point[1]}.{point[2]}")
def test_incident_has_one_ticket_and_is_told_once_when_the_run_is_killed(
    store: Store,
    opener: AlertTickets,
    desk: TicketDesk,
    incident: Callable[..., Any],
    start: datetime,
    point: tuple[str, str, str, str],
) -> None:
    incident()
    until = start + timedelta(hours=2)
    environment = {**os.environ, "BUSYHOUR_HOME": store.settings.text("home")}
    command = [sys.executable, "-c", DIES, *point, until.isoformat(), start.isoformat()]
    dead = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert dead.returncode == 9, dead.stderr
    later = until + timedelta(minutes=1)
    report = run_watches(store, since=start, until=later, opener=opener, clock=lambda: later, watches=MINE)
    assert report.problems == []
    store.refresh()
    (ticket,) = desk.list()
    assert [entry["what"] for entry in ticket.history] == ["created", "state", "state"]
    assert ticket.state == "resolved"
    alerts = list_alerts(store)
    assert [row["alert"]["unsettled"] for row in alerts] == [False]
    told = [(row["alert"]["status"], row["notification"]["action"]) for row in list_notifications(store)]
    assert sorted(told) == [("firing", "note"), ("firing", "ticket"), ("resolved", "note"), ("resolved", "ticket")]
    assert {row["notification"]["status"] for row in list_notifications(store)} == {"sent"}
    assert store.count("audit") == 2
