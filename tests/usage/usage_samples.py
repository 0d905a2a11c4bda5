"""Customers and records that tests log."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from usage.analytics.period import Period
from usage.engine import UsageStore
from usage.records.check import Refusal, Terms, check
from usage.records.customers import Directory, add_customer
from usage.records.write import write

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
KEY = b"a key that only tests know"


def people(store: UsageStore, count: int = 3) -> None:
    """Customers C1, C2 … of plans PLAN1, PLAN2, PLAN1 …, with one number each."""
    for number in range(1, count + 1):
        given = {"id": f"C{number}", "name": f"Customer {number}", "plan": f"PLAN{2 - number % 2}"}
        add_customer(store, given | {"msisdns": f"+99955000000{number:04d}"}, KEY)


def terms(store: UsageStore, *ids: str, zone: str = "UTC", origin: str = "log") -> Terms:
    directory = Directory(store, KEY)
    directory.learn(ids or ("C1", "C2", "C3"))
    return Terms(NOW, ZoneInfo(zone), origin, directory.plan_of, directory.owner)


def logged(store: UsageStore, kind: str, *given: dict[str, str]) -> list[str]:
    """Checks and stores; returns the ids."""
    by = terms(store, *{each["customer"] for each in given})
    rows = [check(kind, each, by) for each in given]
    assert not [row for row in rows if isinstance(row, Refusal)], rows
    store.write(lambda connection: write(connection, kind, [row for row in rows if not isinstance(row, Refusal)]))
    return [row[0] for row in rows]


def call(customer: str, started: str, duration: str = "60", **more: str) -> dict[str, str]:
    return {"customer": customer, "started": started, "duration": duration, "direction": "made", "peer": "+441"} | more


def message(customer: str, started: str, **more: str) -> dict[str, str]:
    return {"customer": customer, "started": started, "direction": "made", "peer": "+442", "result": "delivered"} | more


def session(customer: str, started: str, up: str = "100", down: str = "900", **more: str) -> dict[str, str]:
    fields = {"customer": customer, "started": started, "duration": "10", "uplink": up, "downlink": down}
    return fields | {"apn": "internet"} | more


def days(first: str, last: str, zone: str = "UTC") -> Period:
    """From a local day up to another, which is not in it."""
    local = ZoneInfo(zone)
    start, end = (datetime.fromisoformat(each).replace(tzinfo=local) for each in (first, last))
    return Period.of(start, end, local)
