"""Total calls, minutes, SMS and data: of one customer by service and direction, or one row a customer."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, func, select

from contracts.errors import UserError
from usage import schema
from usage.analytics.period import Period
from usage.analytics.report import Column, Report, Value, whole_number
from usage.analytics.revenue import charge
from usage.analytics.sources import customer_days, of_customer
from usage.schema import DAY_MEASURES, MEASURES
from usage.tariffs import TariffTable, Usage

_ONE = (
    Column("service", "text"),
    Column("direction", "text"),
    Column("zone", "text"),
    Column("events"),
    Column("succeeded"),
    Column("duration", "ms"),
    Column("uplink", "bytes"),
    Column("downlink", "bytes"),
    Column("charge", "money"),
    Column("first", "time"),
    Column("last", "time"),
)
_ALL = (
    Column("customer", "text"),
    Column("name", "text"),
    Column("plan", "text"),
    Column("calls"),
    Column("call_time", "ms"),
    Column("sms"),
    Column("sessions"),
    Column("data", "bytes"),
)


def customer_report(connection: Connection, period: Period, tariffs: TariffTable, customer_id: str) -> Report:
    """What one customer used, by service, direction and zone, with its price. Raises UserError when there is no such customer."""
    person = connection.execute(select(schema.customers).where(schema.customers.c.id == customer_id)).first()
    if person is None:
        raise UserError(
            f"there is no customer {customer_id[:80]!r}", remedy="`busyhour usage customer list` shows them"
        )
    rows = of_customer(customer_id, period)
    keys = [rows.c[name] for name in ("service", "direction", "zone")]
    sums = [func.sum(rows.c[name]) for name in MEASURES]
    query = select(*keys, *sums, func.min(rows.c.started), func.max(rows.c.started)).group_by(*keys).order_by(*keys)
    charged, notes = _charged(connection, period, tariffs, customer_id)
    found: list[tuple[Value, ...]] = []
    for service, direction, zone, *values in connection.execute(query):
        _, events, succeeded, duration, _, uplink, downlink = map(whole_number, values[:-2])
        price = charged.get((service, direction, zone), Decimal(0))
        found.append((service, direction, zone, events, succeeded, duration, uplink, downlink, price, *values[-2:]))
    title = f"Usage of {person.name} ({person.id}), plan {person.plan}, {person.state}"
    totals = {"charge": sum((row[8] for row in found if isinstance(row[8], Decimal)), Decimal(0))}
    return Report("customer", title, period, _ONE, found, totals, notes, tariffs.currency)


def _charged(
    connection: Connection, period: Period, tariffs: TariffTable, customer_id: str
) -> tuple[dict[tuple[str, str, str], Decimal], tuple[str, ...]]:
    charged: dict[tuple[str, str, str], Decimal] = {}

    def add(usage: Usage, _: str, price: Decimal) -> None:
        key = usage.service, usage.direction, usage.zone
        charged[key] = charged.get(key, Decimal(0)) + price

    notes = charge(connection, period, tariffs, lambda part: of_customer(customer_id, part), add)
    return charged, notes


def customers_report(connection: Connection, period: Period, limit: int, after: str = "") -> Report:
    """One row a customer who used something, by customer; `after`: go on behind this one."""
    sums = _sums(period)
    who = schema.customers
    query = (
        select(who.c.id, who.c.name, who.c.plan, *(sums.c[name] for name in DAY_MEASURES[1:]))
        .join(sums, sums.c.customer_id == who.c.id)
        .where(who.c.id > after)
        .order_by(who.c.id)
        .limit(limit)
    )
    rows: list[tuple[Any, ...]] = [(*row[:3], *map(whole_number, row[3:])) for row in connection.execute(query)]
    notes = (
        (f"the first {limit} customers behind {after!r}: --limit and --after show more",) if len(rows) == limit else ()
    )
    return Report("customer", "Usage per customer", period, _ALL, rows, _totals(rows), notes)


def _sums(period: Period) -> Any:
    parts = customer_days(period)
    return (
        select(parts.c.customer_id, *(func.sum(parts.c[name]).label(name) for name in DAY_MEASURES))
        .group_by(parts.c.customer_id)
        .having(func.sum(parts.c.records) > 0)
        .subquery()
    )


def _totals(rows: list[tuple[Any, ...]]) -> dict[str, Value]:
    return {column.name: sum(row[at] for row in rows) for at, column in enumerate(_ALL) if at > 2}
