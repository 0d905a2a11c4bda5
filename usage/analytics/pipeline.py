"""The reports by name, each asked in one transaction, so that all its figures are of one moment."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from sqlalchemy import Connection

from contracts.errors import UserError
from usage.analytics.activity import activity_report
from usage.analytics.customer import customer_report, customers_report
from usage.analytics.network import network_report
from usage.analytics.peak_hours import peak_hours_report
from usage.analytics.period import Period
from usage.analytics.plans import plans_report
from usage.analytics.report import Report
from usage.analytics.revenue import revenue_report
from usage.analytics.top import top_report
from usage.analytics.trend import trend_report
from usage.engine import UsageStore
from usage.tariffs import TariffTable

LIMIT = 20


class Wanted(NamedTuple):
    """What is asked of a report; each looks at what concerns it. `by`: measure, division or step, "" for the usual one."""

    customer: str = ""
    by: str = ""
    state: str = ""
    limit: int = LIMIT
    after: str = ""


Make = Callable[[Connection, Period, TariffTable, Wanted], Report]


def _customer(connection: Connection, period: Period, tariffs: TariffTable, wanted: Wanted) -> Report:
    if wanted.customer:
        return customer_report(connection, period, tariffs, wanted.customer)
    return customers_report(connection, period, wanted.limit, wanted.after)


REPORTS: dict[str, Make] = {
    "customer": _customer,
    "network": lambda connection, period, _, __: network_report(connection, period),
    "peak-hours": lambda connection, period, _, wanted: peak_hours_report(
        connection, period, wanted.by or "hour", wanted.customer
    ),
    "revenue": lambda connection, period, tariffs, _: revenue_report(connection, period, tariffs),
    "top": lambda connection, period, _, wanted: top_report(connection, period, wanted.by or "calls", wanted.limit),
    "trend": lambda connection, period, _, wanted: trend_report(connection, period, wanted.by or "day"),
    "plans": lambda connection, period, _, __: plans_report(connection, period),
    "activity": lambda connection, period, _, wanted: activity_report(connection, period, wanted.state, wanted.limit),
}


def report(store: UsageStore, name: str, period: Period, tariffs: TariffTable, wanted: Wanted | None = None) -> Report:
    """The report of that name. Raises UserError on a name, customer or choice that is none; waits for a server that is away."""
    make = REPORTS.get(name)
    if make is None:
        raise UserError(f"there is no report {name[:40]!r}", remedy=f"one of {', '.join(REPORTS)}")
    return store.read(lambda connection: make(connection, period, tariffs, wanted or Wanted()))
