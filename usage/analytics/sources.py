"""Where a report reads from: sums where the period covers them whole, the records themselves at its edges. Exact."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Select, Subquery, and_, func, select, union_all

from usage import schema
from usage.analytics.period import Period
from usage.records.facts import SERVICES, day_measures, facts
from usage.records.kinds import id_bounds
from usage.schema import DAY_MEASURES, DAY_SEC, MEASURES, QUARTER_SEC

KEYS = ("quarter", "service", "direction", "plan", "zone")


def network(period: Period, keys: Sequence[str] = KEYS) -> Subquery:
    """Rows of these keys and the measures: a part of the sum each. Parts are summed first, so that few rows move."""
    table = schema.network_quarters
    low, high = _whole_steps(period, QUARTER_SEC)
    parts = [_summed(table, keys, MEASURES).where(table.c.quarter >= low, table.c.quarter < high)]
    for condition in _edges(period, low * QUARTER_SEC, high * QUARTER_SEC):
        parts += [_summed(facts(kind, condition(kind)).subquery(), keys, MEASURES) for kind in SERVICES]
    return union_all(*parts).subquery()


def customer_days(period: Period) -> Subquery:
    """Rows of customer_id and the day measures: a part of the sum each, summed as those of `network` are."""
    table = schema.customer_days
    low, high = _whole_steps(period, DAY_SEC)
    keys = ("customer_id",)
    parts = [_summed(table, keys, DAY_MEASURES).where(table.c.day >= low, table.c.day < high)]
    for condition in _edges(period, low * DAY_SEC, high * DAY_SEC):
        for kind in SERVICES:
            rows = facts(kind, condition(kind)).subquery()
            of_day = select(rows.c.customer_id, *day_measures(rows)).subquery()
            parts.append(_summed(of_day, keys, DAY_MEASURES))
    return union_all(*parts).subquery()


def _summed(rows: FromClause, keys: Sequence[str], measures: Sequence[str]) -> Select[Any]:
    columns = [rows.c[name] for name in keys]
    return select(*columns, *(func.sum(rows.c[name]).label(name) for name in measures)).group_by(*columns)


def of_customer(customer_id: str, period: Period) -> Subquery:
    """One row a record of one customer: started, and what `network` has."""
    parts = []
    for kind, table in schema.RECORD_TABLES.items():
        mine = and_(table.c.customer_id == customer_id, table.c.started >= period.start, table.c.started < period.end)
        parts.append(facts(kind, mine))
    return union_all(*parts).subquery()


def _whole_steps(period: Period, step: int) -> tuple[int, int]:
    """Steps that lie whole in the period: low ≤ n < high; low = high where there is none."""
    low = math.ceil(period.start.timestamp() / step)
    return low, max(low, math.floor(period.end.timestamp() / step))


def _edges(period: Period, low_sec: int, high_sec: int) -> list[Any]:
    """Conditions on the records that the whole steps leave out, by kind; none where the edges fall on steps."""
    start, end = period.start.timestamp(), period.end.timestamp()
    spans = [(start, min(low_sec, end)), (max(high_sec, start), end)] if high_sec > low_sec else [(start, end)]
    return [_between(first, last) for first, last in spans if first < last]


def _between(first: float, last: float) -> Any:
    low, high = (datetime.fromtimestamp(each, UTC) for each in (first, last))
    ids = id_bounds(low, high)

    def condition(kind: str) -> ColumnElement[bool]:
        table = schema.RECORD_TABLES[kind]
        return and_(table.c.id >= ids[0], table.c.id < ids[1])

    return condition
