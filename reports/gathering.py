"""Gathers a KPI report from the store, and from the usage store where there is one."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from contracts.clock import from_epoch_ms, iso, parse_iso
from contracts.entities import Entity
from contracts.errors import UserError
from detectors.forecasting import Outlook as Forecasted
from detectors.forecasting import outlook as forecast
from infrastructure.store import Store
from kpis.history import Merged, Ranking, Series, Trend, daily, overview, rank, trend
from kpis.tracking import Registry, Tracked, load
from reports.content import Content, Funnel, Incident, Line, Outlook, State, Worst
from usage.analytics.period import Period
from usage.analytics.pipeline import report as usage_report
from usage.engine import UsageStore
from usage.tariffs import TariffTable

HISTORY = timedelta(days=35)
AHEAD_DAYS = 14
MOST_OUTLOOKS = 6
LEAST_DAYS = 21  # of history, to forecast two weeks from
MOST_INCIDENTS = 20
_SMALLER = ("trunk_group", "smsc", "plan", "apn", "pgw", "rat", "sbc", "region")
_DAY = timedelta(days=1)


def gather(
    store: Store,
    start: datetime,
    end: datetime,
    *,
    title: str = "KPI report",
    usage: tuple[UsageStore, TariffTable] | None = None,
    forecasts: bool = True,
) -> Content:
    """Content of a report over whole UTC days. Raises UserError where no KPI has a value then."""
    registry = load(store)
    content = Content(title, start, end, store.clock(), notes=list(registry.problems))
    content.lines, content.silent = _lines(store, registry, start, end)
    if not content.lines:
        raise UserError(
            f"no KPI has a value between {start:%Y-%m-%d} and {end:%Y-%m-%d}",
            remedy="roll up and collect first (`busyhour rollup`, `busyhour kpi collect`), or choose another period",
        )
    content.states = _states(store, start, end)
    content.incidents, content.incidents_in_all = _incidents(store, start, end)
    content.worst, content.funnel = _worst(store, registry, start, end)
    if forecasts:
        content.outlooks = _outlooks(store, registry, content.lines, end)
    if usage is not None:
        period = Period.of(start, end, ZoneInfo(store.settings.text("network.timezone")))
        rows = usage_report(usage[0], "network", period, usage[1]).rows
        content.usage = [tuple(row) for row in rows]  # type: ignore[misc]
    return content


def _lines(store: Store, registry: Registry, start: datetime, end: datetime) -> tuple[list[Line], list[str]]:
    now, before = overview(store, registry, start, end), overview(store, registry, start - (end - start), start)
    days = daily(store, registry, min(start, end - HISTORY), end)
    lines, silent = [], []
    for one in registry.active():
        kind = one.dimensions[0] if one.dimensions and one.dimensions[0] in ("service", "network") else "network"
        entities = sorted(
            entity
            for name, entity in now
            if name == one.id and entity.startswith(f"{kind}:") and now[name, entity].value is not None
        )
        if not entities:
            silent.append(one.id)
        for entity in entities:
            place = one.id, entity
            lines.append(_line(one, entity, now[place], before.get(place), days.get(place, []), end))
    return sorted(lines, key=lambda line: (line.group, line.kpi, line.entity)), silent


def _line(
    one: Tracked, entity: str, now: Merged, before: Merged | None, days: list[tuple[datetime, float]], end: datetime
) -> Line:
    limits, value = one.limits_of(entity), float(now.value or 0.0)
    found = _trend(days, end)
    return Line(
        kpi=one.id,
        name=one.name,
        group=one.group,
        unit=one.unit,
        bad=one.bad,
        entity=entity,
        value=value,
        before=before.value if before else None,
        samples=now.samples,
        target_op=limits.target.op if limits.target else "",
        target=limits.target.value if limits.target else None,
        holds=limits.target.holds(value) if limits.target else None,
        level=limits.breached(value, one.bad),
        trend=found.word if found else "",
        changes=found.changes if found else (),
        days=tuple(days),
    )


def _trend(days: list[tuple[datetime, float]], end: datetime) -> Trend | None:
    if not days:
        return None
    first = days[0][0]
    values = np.full(max((end - first) // _DAY, 1), np.nan)
    for day, value in days:
        values[(day - first) // _DAY] = value
    return trend(Series(first, 86400, values, np.zeros(len(values))))


def _states(store: Store, start: datetime, end: datetime) -> list[State]:
    query = """FROM service-state
| WHERE @timestamp >= ? AND @timestamp < ? AND state.value IS NOT NULL
| EVAL k = TO_LONG(@timestamp) / 3600000
| STATS v = MIN(state.value) BY k, s = service.name
| SORT s, k"""
    hours: dict[str, list[tuple[datetime, float]]] = {}
    for table in store.esql_windows(lambda a, b: (query, [a, b]), start, end, step=timedelta(hours=1)):
        for row in table.dicts():
            hours.setdefault(row["s"], []).append((from_epoch_ms(row["k"] * 3_600_000), row["v"]))
    return [
        State(service, min(value for _, value in rows), rows[-1][1], tuple(rows))
        for service, rows in sorted(hours.items())
    ]


def _incidents(store: Store, start: datetime, end: datetime) -> tuple[list[Incident], int]:
    """Those that overlap the period, the worst first, and how many there were."""
    still_open = {"bool": {"must_not": {"exists": {"field": "event.end"}}}}
    query: dict[str, Any] = {
        "bool": {
            "filter": [
                {"range": {"event.start": {"lt": iso(end)}}},
                {"bool": {"should": [{"range": {"event.end": {"gte": iso(start)}}}, still_open]}},
            ],
            "must_not": {"term": {"incident.status": "withdrawn"}},
        }
    }
    sort = [{"event.severity": "asc"}, {"incident.score": "desc"}, {"event.start": "asc"}]
    answer = store.search("incident", query=query, size=MOST_INCIDENTS, sort=sort, track_total_hits=True)
    hits = answer["hits"]
    return [_incident(hit["_source"]) for hit in hits["hits"]], int(hits.get("total", {}).get("value", 0))


def _incident(source: dict[str, Any]) -> Incident:
    event, found = source["event"], source["incident"]
    services = found.get("services", [])
    return Incident(
        start=parse_iso(event["start"]),
        end=parse_iso(event["end"]) if "end" in event else None,
        severity=int(event.get("severity", 4)),
        title=found["title"],
        services=tuple([services] if isinstance(services, str) else services),
        score=float(found.get("score", 0.0)),
    )


def _worst(store: Store, registry: Registry, start: datetime, end: datetime) -> tuple[list[Worst], Funnel | None]:
    """Entities outside their funnel, farthest first, and for the picture the ranking with such entities, or with most."""
    worst: list[Worst] = []
    funnel, most = None, (False, 1)
    for one, ranking in _rankings(store, registry, start, end):
        worst += [Worst(one.id, one.unit, ranking.whole, row) for row in ranking.rows if row.word == "worse"]
        telling = any(row.word == "worse" for row in ranking.rows), len(ranking.rows)
        if telling > most:
            most, funnel = telling, Funnel(one.id, one.name, one.unit, ranking.whole, ranking.rows)
    worst.sort(key=lambda each: -abs(each.row.value - each.whole) / max(each.row.high - each.row.low, 1e-12))
    return worst[:15], funnel


def _rankings(store: Store, registry: Registry, start: datetime, end: datetime) -> Iterable[tuple[Tracked, Ranking]]:
    for one in registry.active():
        if one.limits.target is None or one.source not in ("cdr", "store"):
            continue
        for kind in one.dimensions:
            if kind in _SMALLER:
                try:
                    yield one, rank(store, one, kind, start, end)
                except UserError:  # an amount, or a single entity
                    continue


def _outlooks(store: Store, registry: Registry, lines: list[Line], end: datetime) -> list[Outlook]:
    """Of KPIs with a target, those nearest to missing it first; series that are too short are left out."""
    aimed = [
        line
        for line in lines
        if line.target is not None and len(line.days) >= LEAST_DAYS and line.entity != "network:all"
    ]
    aimed.sort(key=lambda line: (not line.level, abs(line.value - (line.target or 0.0))))
    zone = ZoneInfo(store.settings.text("network.timezone"))
    found: list[Outlook] = []
    for line in aimed:
        if len(found) == MOST_OUTLOOKS:
            break
        one = registry.find(line.kpi)
        try:
            said = forecast(store, one.definition(), Entity.parse(line.entity), days=AHEAD_DAYS, zone=zone, until=end)
        except UserError:
            continue
        per_day = max(86400 // said.history.step_sec, 1)
        dates = ["", ""]
        if said.target is not None:
            dates = [
                "" if day is None else f"{said.history.until + day * _DAY:%Y-%m-%d}"
                for day in (said.target.expected, said.target.possible)
            ]
        found.append(
            Outlook(
                kpi=line.kpi,
                name=line.name,
                unit=line.unit,
                entity=line.entity,
                target_op=line.target_op,
                target=line.target or 0.0,
                expected=dates[0],
                possible=dates[1],
                days=_by_day(said, per_day),
                past=line.days,
            )
        )
    return found


def _by_day(said: Forecasted, per_day: int) -> tuple[tuple[datetime, float, float, float], ...]:
    """Start, and means of the mean, lower and upper end over a day."""
    mean, lower, upper = (np.asarray(each) for each in said.forecast[:3])
    spans = [slice(first, first + per_day) for first in range(0, len(mean), per_day)]
    return tuple(
        (said.start(span.start), float(mean[span].mean()), float(lower[span].mean()), float(upper[span].mean()))
        for span in spans
    )
