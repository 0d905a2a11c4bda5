"""When usage is high: by hour of day, by weekday or by hour of week, of the network or of one customer."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Connection, case, func, select

from contracts.errors import UserError
from usage.analytics.period import Period, local_day, local_hour
from usage.analytics.report import Column, Report, Value, share, whole_number
from usage.analytics.sources import network, of_customer
from usage.expressions import whole

BY = ("hour", "weekday", "hour-of-week")
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_FIRST = 3  # 1970-01-01 was a Thursday, Monday is 0
_COLUMNS = (
    Column("calls"),
    Column("call_time", "ms"),
    Column("sms"),
    Column("sessions"),
    Column("data", "bytes"),
    Column("share", "ratio"),
    Column("rank"),
)


def peak_hours_report(connection: Connection, period: Period, by: str, customer_id: str = "") -> Report:
    """Every hour, weekday or hour of week, in order; `share` and `rank` by events of all services, 1 is the peak."""
    if by not in BY:
        raise UserError(f"{by[:40]!r} is no division", remedy=f"one of {', '.join(BY)}")
    rows = of_customer(customer_id, period) if customer_id else network(period, ("quarter", "service"))
    slot = _slot(rows.c.quarter, period, by).label("slot")
    per_row = select(slot, *_measures(rows)).subquery()
    names = ("calls", "call_ms", "sms", "sessions", "bytes")
    query = select(per_row.c.slot, *(func.sum(per_row.c[name]) for name in names)).group_by(per_row.c.slot)
    found = {whole_number(row[0]): tuple(map(whole_number, row[1:])) for row in connection.execute(query)}
    who = f" of {customer_id}" if customer_id else ""
    columns = (Column(by.replace("-", "_"), "text"), *_COLUMNS)
    return Report("peak-hours", f"Usage by {by}{who}", period, columns, _ranked(found, by), _totals(found))


def _slot(quarter: ColumnElement[Any], period: Period, by: str) -> ColumnElement[Any]:
    if by == "hour":
        hour = local_hour(quarter, period)
        return hour - whole(hour, 24) * 24
    if by == "weekday":
        shifted = local_day(quarter, period) + _FIRST
        return shifted - whole(shifted, 7) * 7
    shifted = local_hour(quarter, period) + _FIRST * 24
    return shifted - whole(shifted, 168) * 168


def _measures(rows: Any) -> list[ColumnElement[Any]]:
    voice, sms, data = (rows.c.service == name for name in ("voice", "sms", "data"))
    return [
        case((voice, rows.c.events), else_=0).label("calls"),
        case((voice, rows.c.duration_ms), else_=0).label("call_ms"),
        case((sms, rows.c.events), else_=0).label("sms"),
        case((data, rows.c.events), else_=0).label("sessions"),
        (rows.c.uplink_bytes + rows.c.downlink_bytes).label("bytes"),
    ]


def _ranked(found: dict[int, tuple[int, ...]], by: str) -> list[tuple[Value, ...]]:
    slots = range({"hour": 24, "weekday": 7, "hour-of-week": 168}[by])
    events = {slot: _events(found.get(slot, (0,) * 5)) for slot in slots}
    whole_sum = sum(events.values())
    order = sorted(slots, key=lambda slot: (-events[slot], slot))
    rank = {slot: place for place, slot in enumerate(order, 1)}
    return [
        (
            _named(slot, by),
            *found.get(slot, (0,) * 5),
            share(events[slot], whole_sum),
            rank[slot] if events[slot] else None,
        )
        for slot in slots
    ]


def _events(values: tuple[int, ...]) -> int:
    calls, _, sms, sessions, _ = values
    return calls + sms + sessions


def _named(slot: int, by: str) -> str:
    if by == "weekday":
        return WEEKDAYS[slot]
    return f"{slot % 24:02d}:00" if by == "hour" else f"{WEEKDAYS[slot // 24][:3]} {slot % 24:02d}:00"


def _totals(found: dict[int, tuple[int, ...]]) -> dict[str, Value]:
    names = [column.name for column in _COLUMNS[:5]]
    return {name: sum(row[at] for row in found.values()) for at, name in enumerate(names)}
