"""The network in one page: totals, ratios, the busiest hour, active customers, beside the period before."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, func, select

from usage.analytics.period import Period, day_of, local_hour
from usage.analytics.report import Column, Report, Value, change, share, whole_number
from usage.analytics.sources import customer_days, network
from usage.records.kinds import KINDS, started_of
from usage.schema import MEASURES, RECORD_TABLES

_COLUMNS = (
    Column("measure", "text"),
    Column("unit", "text"),
    Column("value", "mixed"),
    Column("before", "mixed"),
    Column("change", "ratio"),
)


class Line(NamedTuple):
    """One line of the summary; `unit` as of a column."""

    measure: str
    unit: str
    value: Any
    before: Any


def network_report(connection: Connection, period: Period) -> Report:
    """Totals of the period and of the one of the same length before it, where records reach back so far."""
    now, before = _totals(connection, period), _totals(connection, period.before)
    younger = _younger(connection, period.before)
    rows: list[tuple[Value, ...]] = []
    for name, unit, kinds in _LINES:
        line = Line(name, unit, now[name], before[name])
        comparable = not set(kinds) & set(younger)
        rows.append((*line[:2], line.value, line.before, _change(line) if comparable else None))
    busiest = _busiest(connection, period)
    notes = [f"busiest hour: {busiest}" if busiest else "nothing was logged in this period"]
    return Report("network", "Network summary", period, _COLUMNS, rows, notes=(*notes, *_why(period.before, younger)))


# What is shown, its unit, and of which kinds of record it is made.
_LINES = (
    ("calls", "count", ("call",)),
    ("answered calls", "count", ("call",)),
    ("answered share of calls", "ratio", ("call",)),
    ("call time", "ms", ("call",)),
    ("mean length of answered calls", "ms", ("call",)),
    ("sms", "count", ("sms",)),
    ("delivered sms", "count", ("sms",)),
    ("data sessions", "count", ("data",)),
    ("data up", "bytes", ("data",)),
    ("data down", "bytes", ("data",)),
    ("active customers", "count", tuple(KINDS)),
)
_LEAST_COVERED = (
    0.99  # of the period before, from its first record on: the first call of a day comes a little after midnight
)


def _younger(connection: Connection, before: Period) -> dict[str, datetime]:
    """First record of each kind that has some now and did not have them all through `before`: no change can be told of it."""
    latest = before.end - _LEAST_COVERED * (before.end - before.start)
    firsts = {kind: _first(connection, kind) for kind in KINDS}
    return {kind: first for kind, first in firsts.items() if first is not None and first > latest}


def _first(connection: Connection, kind: str) -> datetime | None:
    """The primary key is in the order of time."""
    least = connection.scalar(select(func.min(RECORD_TABLES[kind].c.id)))
    return None if least is None else started_of(least)


def _why(before: Period, younger: Mapping[str, datetime]) -> Iterator[str]:
    """One line on what has no change."""
    if younger:
        named = ", ".join(f"{KINDS[kind].plural} from {_local(first, before)}" for kind, first in younger.items())
        yield f"no change where the period before ({_local(before.start, before)} on) begins before the first record: {named}"


def _local(moment: datetime, period: Period) -> str:
    return f"{moment.astimezone(period.zone):%Y-%m-%d %H:%M}"


def _totals(connection: Connection, period: Period) -> dict[str, Any]:
    rows = network(period, ("service",))
    query = select(rows.c.service, *(func.sum(rows.c[name]) for name in MEASURES)).group_by(rows.c.service)
    found = {
        service: dict(zip(MEASURES, map(whole_number, values), strict=True))
        for service, *values in connection.execute(query)
    }
    nothing = dict.fromkeys(MEASURES, 0)
    voice, sms, data = (found.get(name, nothing) for name in ("voice", "sms", "data"))
    answered = voice["succeeded"]
    return {
        "calls": voice["events"],
        "answered calls": answered,
        "answered share of calls": share(answered, voice["events"]),
        "call time": voice["duration_ms"],
        "mean length of answered calls": voice["duration_ms"] // answered if answered else None,
        "sms": sms["events"],
        "delivered sms": sms["succeeded"],
        "data sessions": data["events"],
        "data up": data["uplink_bytes"],
        "data down": data["downlink_bytes"],
        "active customers": _active(connection, period),
    }


def _active(connection: Connection, period: Period) -> int:
    days = customer_days(period)
    users = select(days.c.customer_id).where(days.c.records > 0).distinct().subquery()
    return whole_number(connection.scalar(select(func.count()).select_from(users)))


def _change(line: Line) -> float | None:
    if line.value is None or not line.before:
        return None
    return change(line.value, line.before) if line.unit != "ratio" else float(line.value - line.before)


def _busiest(connection: Connection, period: Period) -> str:
    """The clock hour with most call time; calls where no call lasted."""
    rows = network(period, ("quarter", "service"))
    hour = local_hour(rows.c.quarter, period).label("hour")
    lasted = func.sum(rows.c.duration_ms)
    query = (
        select(hour, func.sum(rows.c.events), lasted)
        .where(rows.c.service == "voice")
        .group_by(hour)
        .order_by(lasted.desc(), func.sum(rows.c.events).desc(), hour)
        .limit(1)
    )
    found = connection.execute(query).first()
    if found is None:
        return ""
    erlang = whole_number(found[2]) / 3_600_000
    number = whole_number(found[0])
    return (
        f"{day_of(number // 24)} {number % 24:02d}:00, {whole_number(found[1]):,} calls, {erlang:,.2f} E of calls begun"
    )
