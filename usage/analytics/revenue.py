"""Revenue streams: what usage costs by the tariff table. Sums are made in SQL, prices are multiplied as decimals, exactly."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from itertools import pairwise
from typing import Any

from sqlalchemy import Connection, func, select

from usage.analytics.period import Period, local_midnight
from usage.analytics.report import Column, Report, Value, whole_number
from usage.analytics.sources import network
from usage.tariffs import STREAMS, Tariff, TariffTable, Usage, amount, stream

_COLUMNS = (
    Column("plan", "text"),
    Column("stream", "text"),
    Column("events"),
    Column("call_time", "ms"),
    Column("data", "bytes"),
    Column("amount", "money"),
)
Add = Callable[[Usage, str, Decimal], None]
_KEYS = ("service", "direction", "zone", "plan")
_MEASURES = ("events", "units", "duration_ms", "uplink_bytes", "downlink_bytes")


def revenue_report(connection: Connection, period: Period, tariffs: TariffTable) -> Report:
    """One row a plan and stream: voice, sms, data, and roaming for everything abroad."""
    amounts: dict[tuple[str, str], list[Any]] = {}

    def add(usage: Usage, plan: str, price: Decimal) -> None:
        row = amounts.setdefault((plan, stream(usage)), [0, 0, 0, Decimal(0)])
        row[1] += usage.duration_ms if usage.service == "voice" else 0
        row[2] += usage.volume
        row[3] += price

    def count(usage: Usage, plan: str, events: int) -> None:
        amounts[plan, stream(usage)][0] += events

    notes = charge(connection, period, tariffs, lambda part: network(part, _KEYS), add, count)
    order = sorted(amounts, key=lambda key: (key[0], STREAMS.index(key[1])))
    rows: list[tuple[Value, ...]] = [(*key, *amounts[key]) for key in order]
    totals: dict[str, Value] = {"amount": sum((amounts[key][3] for key in order), Decimal(0))}
    return Report("revenue", "Revenue by plan and stream", period, _COLUMNS, rows, totals, notes, tariffs.currency)


def charge(
    connection: Connection,
    period: Period,
    tariffs: TariffTable,
    source: Callable[[Period], Any],
    add: Add,
    count: Callable[[Usage, str, int], None] = lambda usage, plan, events: None,
) -> tuple[str, ...]:
    """Prices what `source` gives, tariff by tariff; returns notes about what has no price."""
    unpriced: set[str] = set()
    for tariff, part in spans(period, tariffs):
        rows = source(part)
        keys = [rows.c[name] for name in _KEYS]
        query = select(*keys, *(func.sum(rows.c[name]) for name in _MEASURES)).group_by(*keys)
        for service, direction, zone, plan, *values in connection.execute(query):
            events, units, duration, uplink, downlink = map(whole_number, values)
            usage = Usage(service, direction, zone, units, duration, uplink + downlink)
            rates = tariff.rates(plan) if tariff is not None else None
            if rates is None:
                unpriced.add(plan)
            add(usage, plan, amount(rates, usage) if rates is not None else Decimal(0))
            count(usage, plan, events)
    if not unpriced:
        return ()
    return (f"no tariff, so counted as nothing: plan {', '.join(sorted(unpriced)[:10])}",)


def spans(period: Period, tariffs: TariffTable) -> list[tuple[Tariff | None, Period]]:
    """The period cut where tariffs change; None for time before the first."""
    starts = [local_midnight(each.start, period.zone) for each in tariffs.tariffs]
    edges = [period.start, *(start for start in starts if period.start < start < period.end), period.end]
    parts = []
    for start, end in pairwise(edges):
        valid = [each for each, since in zip(tariffs.tariffs, starts, strict=True) if since <= start]
        parts.append((valid[-1] if valid else None, Period(start, end, period.zone)))
    return parts
