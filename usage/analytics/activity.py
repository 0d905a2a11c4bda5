"""Who is active, who uses much less than before, who fell silent: customers at risk of leaving (churn)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Select, Subquery, case, func, literal, or_, select, union_all

from contracts.errors import UserError
from usage import schema
from usage.analytics.period import Period
from usage.analytics.report import Column, Report, Value, change, whole_number
from usage.analytics.sources import customer_days

DROP = 0.5  # used less than this share of what they used before
LEAST = 5  # events before, from which on a drop says something
STATES = ("at risk", "silent", "new", "active", "never used")
_COLUMNS = (
    Column("state", "text"),
    Column("customer", "text"),
    Column("name", "text"),
    Column("plan", "text"),
    Column("events"),
    Column("events_before"),
    Column("change", "ratio"),
)


def activity_report(connection: Connection, period: Period, state: str, limit: int) -> Report:
    """Customers by state, compared with the period of the same length before; the biggest loss first.

    active: used something; new: nothing before; silent: something before, nothing now; at risk: under half of what it was, from 5
    events on; never used: neither now nor before. `state` "" for at risk and silent. Notes count all states.
    """
    if state and state not in STATES:
        raise UserError(f"{state[:40]!r} is no state", remedy=f"one of {', '.join(STATES)}")
    wanted = (state,) if state else ("at risk", "silent")
    found = connection.execute(_ranked(period, wanted, limit)).all()
    counts = {row.state: whole_number(row.of_state) for row in found}
    people = [row for row in found if row.state in wanted and row.place <= limit]
    people.sort(key=lambda row: (row.events - row.events_before, row.id))
    rows: list[tuple[Value, ...]] = []
    for row in people[:limit]:
        now, before = whole_number(row.events), whole_number(row.events_before)
        rows.append((row.state, row.id, row.name, row.plan, now, before, change(now, before)))
    words = ", ".join(f"{each} {counts.get(each, 0):,}" for each in STATES)
    notes = (f"customers: {words}", f"before: {period.before.words()}")
    return Report("activity", "Customer activity and risk", period, _COLUMNS, rows, notes=notes)


def _ranked(period: Period, wanted: tuple[str, ...], limit: int) -> Select[Any]:
    """The first of each wanted state, and one customer of every other for its count: the sums are gone through once."""
    judged = _judged(period)
    loss = judged.c.events_before - judged.c.events
    ranked = select(
        judged,
        func.row_number().over(partition_by=judged.c.state, order_by=(loss.desc(), judged.c.id)).label("place"),
        func.count().over(partition_by=judged.c.state).label("of_state"),
    ).subquery()
    return select(ranked).where(or_(ranked.c.place == 1, ranked.c.state.in_(wanted) & (ranked.c.place <= limit)))


def _judged(period: Period) -> Subquery:
    """Every open customer with events now, before, and the state that follows."""
    parts = union_all(_events(period, now=True), _events(period.before, now=False)).subquery()
    sums = (
        select(parts.c.customer_id, func.sum(parts.c.now).label("now"), func.sum(parts.c.before).label("before"))
        .group_by(parts.c.customer_id)
        .subquery()
    )
    who = schema.customers
    now, before = func.coalesce(sums.c.now, 0), func.coalesce(sums.c.before, 0)
    state = case(
        ((now == 0) & (before == 0), "never used"),
        (now == 0, "silent"),
        (before == 0, "new"),
        ((before >= LEAST) & (now < before * DROP), "at risk"),
        else_="active",
    )
    return (
        select(
            *(who.c[name] for name in ("id", "name", "plan")),
            now.label("events"),
            before.label("events_before"),
            state.label("state"),
        )
        .outerjoin_from(who, sums, sums.c.customer_id == who.c.id)
        .where(who.c.state == "active")
        .subquery()
    )


def _events(period: Period, *, now: bool) -> Any:
    days = customer_days(period)
    events = func.sum(days.c.calls + days.c.sms + days.c.sessions)
    none = literal(0)
    counts = (events, none) if now else (none, events)
    return select(days.c.customer_id, counts[0].label("now"), counts[1].label("before")).group_by(days.c.customer_id)
