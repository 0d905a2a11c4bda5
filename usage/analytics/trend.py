"""How usage goes over time: by local day, week or month, each beside the one before."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from sqlalchemy import Connection, case, func, select

from contracts.errors import UserError
from usage.analytics.period import Period, day_of, local_day
from usage.analytics.report import Column, Report, Value, change, whole_number
from usage.analytics.sources import network

STEPS = ("day", "week", "month")
_COLUMNS = (
    Column("from", "text"),
    Column("calls"),
    Column("call_time", "ms"),
    Column("sms"),
    Column("sessions"),
    Column("data", "bytes"),
    Column("calls_change", "ratio"),
    Column("data_change", "ratio"),
)


def trend_report(connection: Connection, period: Period, step: str) -> Report:
    """One row a step, also where nothing was used. Weeks begin on Monday (ISO 8601-1). First and last may be cut short."""
    if step not in STEPS:
        raise UserError(f"{step[:40]!r} is no step", remedy=f"one of {', '.join(STEPS)}")
    sums: dict[date, list[int]] = {first: [0] * 5 for first in _steps(period, step)}
    for number, *values in connection.execute(_by_day(period)):
        into = sums.setdefault(_start(day_of(number), step), [0] * 5)
        for at, value in enumerate(values):
            into[at] += whole_number(value)
    rows: list[tuple[Value, ...]] = []
    before: list[int] | None = None
    for first in sorted(sums):
        now = sums[first]
        changes = (change(now[0], before[0]), change(now[4], before[4])) if before else (None, None)
        rows.append((first.isoformat(), *now, *changes))
        before = now
    return Report("trend", f"Usage by {step}", period, _COLUMNS, rows, notes=_notes(period, step))


def _by_day(period: Period) -> Any:
    rows = network(period, ("quarter", "service"))
    voice, sms, data = (rows.c.service == name for name in ("voice", "sms", "data"))
    per_row = select(
        local_day(rows.c.quarter, period).label("day"),
        case((voice, rows.c.events), else_=0).label("calls"),
        case((voice, rows.c.duration_ms), else_=0).label("call_ms"),
        case((sms, rows.c.events), else_=0).label("sms"),
        case((data, rows.c.events), else_=0).label("sessions"),
        (rows.c.uplink_bytes + rows.c.downlink_bytes).label("bytes"),
    ).subquery()
    names = ("calls", "call_ms", "sms", "sessions", "bytes")
    return select(per_row.c.day, *(func.sum(per_row.c[name]) for name in names)).group_by(per_row.c.day)


def _start(day: date, step: str) -> date:
    if step == "week":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if step == "month" else day


def _days(period: Period) -> tuple[date, date]:
    """First and last local day that the period touches."""
    first = period.start.astimezone(period.zone).date()
    return first, (period.end - timedelta(microseconds=1)).astimezone(period.zone).date()


def _steps(period: Period, step: str) -> set[date]:
    first, last = _days(period)
    return {_start(first + timedelta(days=number), step) for number in range((last - first).days + 1)}


def _notes(period: Period, step: str) -> tuple[str, ...]:
    first, last = _days(period)
    cut = [word for word, is_cut in (("first", _start(first, step) != first), ("last", _is_cut(last, step))) if is_cut]
    return (f"the {' and the '.join(cut)} {step} is not whole in this period",) if cut else ()


def _is_cut(last: date, step: str) -> bool:
    return _start(last + timedelta(days=1), step) == _start(last, step)
