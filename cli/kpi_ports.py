"""The usage store as a source of KPI values: what `kpis` calls a port and `usage`, above it, can answer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from sqlalchemy import func, select

from cli.context import Context, say
from contracts.clock import floor_to
from contracts.errors import OperatorError, UserError
from usage.analytics.network import network_report
from usage.analytics.period import Period
from usage.engine import UsageStore
from usage.migrate import check_set_up
from usage.schema import network_quarters

_DAY = timedelta(days=1)
_MS_A_MINUTE = 60_000


class UsageDays:
    """Totals of the network by UTC day; `call time` in minutes."""

    def __init__(self, store: UsageStore) -> None:
        self._store = store
        self._days: dict[datetime, dict[str, float]] = {}

    def first(self) -> datetime | None:
        quarter = self._store.read(lambda connection: connection.scalar(select(func.min(network_quarters.c.quarter))))
        return None if quarter is None else floor_to(datetime.fromtimestamp(int(quarter) * 900, UTC), 86400)

    def daily(self, measure: str, start: datetime, end: datetime) -> list[tuple[datetime, float]]:
        found, day = [], start
        while day < end:
            value = self._day(day).get(measure)
            if value is not None:
                found.append((day, value))
            day += _DAY
        if found or measure in self._day(start):
            return found
        raise UserError(f"unknown measure {measure[:40]!r} of the usage store", remedy="see docs/usage.md")

    def _day(self, day: datetime) -> dict[str, float]:
        if day not in self._days:
            period = Period.of(day, day + _DAY, ZoneInfo("UTC"))
            rows = self._store.read(lambda connection: network_report(connection, period)).rows
            values = {str(row[0]): float(row[2]) for row in rows if isinstance(row[2], int | float | Decimal)}
            values["call time"] = values.get("call time", 0.0) / _MS_A_MINUTE
            self._days[day] = values
        return self._days[day]


@contextmanager
def usage_days(context: Context) -> Iterator[UsageDays | None]:
    """None where there is no usage store: its KPIs are then left out."""
    try:
        store = UsageStore.open(context.settings, say=say)
    except OperatorError:
        yield None
        return
    try:
        try:
            check_set_up(store)
        except (OperatorError, UserError):
            yield None
            return
        yield UsageDays(store)
    finally:
        store.close()
