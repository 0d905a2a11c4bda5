"""What explains one anomaly: which parts of the service, which values in the records, and what was like it before.

Two measures, as in Adtributor (Bhagwan et al., NSDI 2014): *share*, how much of what the service lost was lost there
(explanatory power), and *surprise*, how far that is from what was to be expected (here −log10 p under the part's own baseline;
for values of record fields, the Jensen-Shannon divergence of their mix against that of the same hours a week before).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from contracts.clock import epoch_ms, parse_iso
from contracts.entities import Entity
from detectors.baseline import Baseline
from detectors.evidence import Evidence, Judged, suspect
from detectors.judging import judged_panels
from detectors.panel import Load
from detectors.records import Document, read
from detectors.subject import Kpi, Series
from infrastructure.store import Store
from kpis import catalogue

WEEK = timedelta(days=7)
MOST = 10  # rows of each list
_FIELDS = {  # fields of a service's records whose values may tell the cause
    "voip": ("voip.release.name", "voip.codec"),
    "mobile-voice": ("mobile.call_type", "subscriber.plan", "subscriber.cell"),
    "sms": ("sms.error_code", "subscriber.plan", "subscriber.cell"),
    "epc": ("epc.cause_for_closing", "subscriber.plan", "subscriber.cell", "epc.rat"),
}


class Part(NamedTuple):
    """A part of the service: `share` 0–1 of the service's loss, `effect` 0–1 lost there, `surprise` −log10 p."""

    entity: str
    share: float | None
    effect: float
    surprise: float


class Value(NamedTuple):
    """A value of a record field: records now and in the same hours a week before, and how much its part of the mix moved."""

    field: str
    value: str
    now: int
    before: int
    surprise: float


class Drilldown(NamedTuple):
    """`parts`, `values`: what explains it most first; `similar`: of the same KPI, entity and direction, latest first."""

    parts: list[Part]
    values: list[Value]
    similar: list[dict[str, Any]]


def window_of(anomaly: Document) -> tuple[datetime, datetime]:
    """From its start to its last anomalous bucket so far."""
    return parse_iso(read(anomaly, "event.start")), parse_iso(read(anomaly, "anomaly.last"))


def parts_of(
    anomaly: Document, kpi: Kpi, baselines: Sequence[Baseline], load: Load, window: tuple[datetime, datetime]
) -> list[Part]:
    """Entities of the service that have this KPI, by share × surprise."""
    since, until = (epoch_ms(moment) for moment in window)
    hour = 3_600_000
    judged = judged_panels(kpi, baselines, load, since - since % hour, until + -until % hour)
    service = str(read(anomaly, "service.name"))
    evidence = Evidence(judged)
    whole = evidence.lost(Series(kpi.id, service, Entity("service", service)), since, until)
    rows = ((one, row) for one in judged for row in range(len(one.panel.series)))
    found = [part for one, row in rows if (part := _part(one, row, whole, since, until)) is not None]
    return sorted(found, key=lambda part: (-(part.share or 0.0) * part.surprise, part.entity))[:MOST]


def _part(judged: Judged, row: int, whole: float, since: int, until: int) -> Part | None:
    found = suspect(judged, row, since, until)
    if found is None or found.entity.type == "service":
        return None
    share = min(found.amount / whole, 1.0) if whole > 0 else None
    return Part(str(found.entity), share, found.effect, found.surprise)


def values_of(store: Store, anomaly: Document, window: tuple[datetime, datetime]) -> list[Value]:
    """Values of record fields at the anomaly's entity whose part of the mix moved most against a week before."""
    service = catalogue.services().get(str(read(anomaly, "service.name")))
    if service is None:
        return []
    fields = service.entities.get(str(read(anomaly, "entity.type")), ())
    found: list[Value] = []
    for name in _FIELDS.get(service.name, ()):
        now, before = (
            _mix(
                store,
                service.source,
                name,
                fields,
                str(read(anomaly, "entity.id")),
                (window[0] - back, window[1] - back),
            )
            for back in (timedelta(0), WEEK)
        )
        found += moved(name, now, before)
    return sorted(found, key=lambda one: (-one.surprise, one.field, one.value))[:MOST]


def _mix(
    store: Store, source: str, name: str, fields: Sequence[str], entity: str, window: tuple[datetime, datetime]
) -> dict[str, int]:
    """Records by value of a field; absent values are left out."""
    place = f" AND ({' OR '.join(f'{field} == ?' for field in fields)})" if fields else ""
    query = (
        f"FROM {source} | WHERE @timestamp >= ? AND @timestamp < ?{place} AND {name} IS NOT NULL "
        f"| STATS records = COUNT(*) BY value = TO_STRING({name}) | SORT records DESC | LIMIT 1000"
    )
    rows = store.esql(query, [*window, *(entity for _ in fields)]).dicts()
    return {str(row["value"]): int(row["records"]) for row in rows}


def moved(name: str, now: Mapping[str, int], before: Mapping[str, int]) -> list[Value]:
    """Each value's part of the Jensen-Shannon divergence (bits, 0–1) of two mixes; those that became rarer too."""
    total, earlier = sum(now.values()), sum(before.values())
    if not total:
        return []
    found = []
    for value in {*now, *before}:
        p, q = now.get(value, 0) / total, before.get(value, 0) / earlier if earlier else 0.0
        middle = (p + q) / 2
        terms = (share * math.log2(share / middle) for share in (p, q) if share > 0)
        found.append(Value(name, value, now.get(value, 0), before.get(value, 0), sum(terms) / 2))
    return [one for one in found if one.surprise > 1e-4]


def similar_to(store: Store, anomaly: Document) -> list[dict[str, Any]]:
    """Stored anomalies of the same KPI, entity and direction, latest first, itself and withdrawn ones left out."""
    same = {name: read(anomaly, name) for name in ("kpi.id", "entity.type", "entity.id", "anomaly.direction")}
    query = {
        "bool": {
            "filter": [{"term": {name: value}} for name, value in same.items()],
            "must_not": [
                {"term": {"anomaly.id": read(anomaly, "anomaly.id")}},
                {"term": {"anomaly.status": "withdrawn"}},
            ],
        }
    }
    hits = store.search("anomaly", query=query, size=MOST, sort=[{"@timestamp": "desc"}])["hits"]["hits"]
    return [
        {"id": read(hit["_source"], "anomaly.id"), "start": read(hit["_source"], "event.start"),
         "score": read(hit["_source"], "anomaly.score"), "reason": read(hit["_source"], "anomaly.reason")}
        for hit in hits
    ]  # fmt: skip
