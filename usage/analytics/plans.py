"""Share of usage by plan."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, case, func, select

from usage import schema
from usage.analytics.period import Period
from usage.analytics.report import Column, Report, Value, share, whole_number
from usage.analytics.sources import network

_COLUMNS = (
    Column("plan", "text"),
    Column("customers"),
    Column("customers_share", "ratio"),
    Column("calls"),
    Column("calls_share", "ratio"),
    Column("call_time", "ms"),
    Column("sms"),
    Column("sms_share", "ratio"),
    Column("data", "bytes"),
    Column("data_share", "ratio"),
)


def plans_report(connection: Connection, period: Period) -> Report:
    """One row a plan, the one with most customers first. Customers by their plan of today, usage by the plan at its time."""
    usage = {plan: tuple(map(whole_number, values)) for plan, *values in connection.execute(_usage(period))}
    table = schema.customers
    query = select(table.c.plan, func.count()).where(table.c.state == "active").group_by(table.c.plan)
    people = {row[0]: whole_number(row[1]) for row in connection.execute(query)}
    plans = sorted({*usage, *people}, key=lambda plan: (-people.get(plan, 0), plan))
    calls, _, sms, data = (sum(values[at] for values in usage.values()) for at in range(4))
    rows: list[tuple[Value, ...]] = []
    for plan in plans:
        mine = usage.get(plan, (0, 0, 0, 0))
        having = people.get(plan, 0)
        rows.append(
            (
                *(plan, having, share(having, sum(people.values()))),
                *(mine[0], share(mine[0], calls), mine[1]),
                *(mine[2], share(mine[2], sms), mine[3], share(mine[3], data)),
            )
        )
    return Report("plans", "Share by plan", period, _COLUMNS, rows)


def _usage(period: Period) -> Any:
    rows = network(period, ("service", "plan"))
    values = (
        case((rows.c.service == "voice", rows.c.events), else_=0),
        rows.c.duration_ms * case((rows.c.service == "voice", 1), else_=0),
        case((rows.c.service == "sms", rows.c.events), else_=0),
        rows.c.uplink_bytes + rows.c.downlink_bytes,
    )
    return select(rows.c.plan, *(func.sum(value) for value in values)).group_by(rows.c.plan)
