"""The customers who use most, by calls, minutes, SMS or data."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, func, select

from contracts.errors import UserError
from usage import schema
from usage.analytics.period import Period
from usage.analytics.report import Column, Report, share, whole_number
from usage.analytics.sources import customer_days, network
from usage.schema import DAY_MEASURES

BY = {"calls": "calls", "minutes": "call_ms", "sms": "sms", "data": "data_bytes", "sessions": "sessions"}
_OF_ALL = {
    "calls": ("voice", ("events",)),
    "minutes": ("voice", ("duration_ms",)),
    "sms": ("sms", ("events",)),
    "data": ("data", ("uplink_bytes", "downlink_bytes")),
    "sessions": ("data", ("events",)),
}
_COLUMNS = (
    Column("rank"),
    Column("customer", "text"),
    Column("name", "text"),
    Column("plan", "text"),
    Column("calls"),
    Column("call_time", "ms"),
    Column("sms"),
    Column("sessions"),
    Column("data", "bytes"),
    Column("share", "ratio"),
)


def top_report(connection: Connection, period: Period, by: str, limit: int) -> Report:
    """The first `limit` customers by a measure, with their share of all; equals are in the order of their ids."""
    if by not in BY:
        raise UserError(f"{by[:40]!r} is no measure", remedy=f"one of {', '.join(BY)}")
    parts = customer_days(period)
    measure = BY[by]
    sums = (
        select(parts.c.customer_id, *(func.sum(parts.c[name]).label(name) for name in DAY_MEASURES[1:]))
        .group_by(parts.c.customer_id)
        .subquery()
    )
    ranked = select(sums).where(sums.c[measure] > 0).order_by(sums.c[measure].desc(), sums.c.customer_id).limit(limit)
    found = connection.execute(ranked).all()
    whole = _whole(connection, period, by)
    who = _named(connection, [row.customer_id for row in found])
    at = 1 + DAY_MEASURES[1:].index(measure)
    rows: list[tuple[Any, ...]] = []
    for rank, row in enumerate(found, 1):
        values = tuple(map(whole_number, row[1:]))
        rows.append((rank, row.customer_id, *who[row.customer_id], *values, share(whole_number(row[at]), whole)))
    return Report("top", f"Top customers by {by}", period, _COLUMNS, rows)


def _whole(connection: Connection, period: Period, by: str) -> int:
    """What all customers used, from the network's sums: they are fewer than the customers'."""
    rows = network(period, ("service",))
    service, values = _OF_ALL[by]
    total = sum((rows.c[name] for name in values[1:]), rows.c[values[0]])
    return whole_number(connection.scalar(select(func.sum(total)).where(rows.c.service == service)))


def _named(connection: Connection, ids: list[str]) -> dict[str, tuple[str, str]]:
    table = schema.customers
    query = select(table.c.id, table.c.name, table.c.plan).where(table.c.id.in_(ids))
    return {row.id: (row.name, row.plan) for row in connection.execute(query)}
