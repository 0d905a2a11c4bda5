"""The places of a customer's sessions beside what is normal there: KPI points against the baseline of that hour of the week,
and cells, which have no KPIs of their own, against their last week."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from contracts.clock import floor_to, hour_of_week, iso
from contracts.entities import Entity
from contracts.settings import Settings
from detectors.adapter import kpi_of
from detectors.wording import deviation, entity_words, hour_words, number
from infrastructure.store import Store
from kpis import catalogue
from kpis.definitions import Definition
from servicedesk.diagnosis.model import Comparison
from servicedesk.diagnosis.said import Figure, Part, Said

HOUR = 3600
_WEEK = timedelta(days=7)
_Z = 1.96  # of a 95 % interval
_LEAST_CELL = 20  # records of an hour of a cell below which nothing is said of it
CELL_KPI = "cell.failures"


class Asked(NamedTuple):
    """A service and a place of it."""

    service: str
    entity: Entity


class _Seen(NamedTuple):
    value: float
    samples: float


def compared(store: Store, settings: Settings, places: Sequence[Asked], at: datetime) -> list[Comparison]:
    """KPIs of these places in the hour that holds `at`, those that deviate first.

    Shares and means only: what an hour's parts add up to. A place without a point in that hour is left out.
    """
    chosen = [one for one in definitions(settings).values() if one.kind in ("ratio", "mean") and one.bad != "both"]
    if not places or not chosen:
        return []
    hour = floor_to(at, HOUR)
    points = _points(store, places, chosen, hour)
    zone = ZoneInfo(settings.text("network.timezone"))
    normal = _baselines(store, {entity.id for _, entity in points}, chosen, hour_of_week(hour, zone))
    found = []
    for (name, entity), seen in points.items():
        found.append(_comparison(definitions(settings)[name], entity, hour, zone, seen, normal.get((name, entity))))
    return sorted(found, key=lambda one: (one.normal is not False, one.entity.type == "service", one.kpi))


@lru_cache(maxsize=4)
def _loaded(values: tuple[tuple[str, Any], ...]) -> dict[str, Definition]:
    return catalogue.load(Settings(dict(values)))


def definitions(settings: Settings) -> dict[str, Definition]:
    """The catalogue, read once for the same settings."""
    return _loaded(tuple(settings.items()))


def _points(
    store: Store, places: Sequence[Asked], chosen: Iterable[Definition], hour: datetime
) -> dict[tuple[str, Entity], _Seen]:
    """Value and samples of the hour by KPI and entity: from the hour's own point, else from what there is of its parts."""
    wanted = {one.id for one in chosen if any(one.service == asked.service for asked in places)}
    known = {asked.entity for asked in places}
    end = hour + timedelta(seconds=HOUR)
    filters = [
        {"terms": {"kpi.id": sorted(wanted)}},
        {"terms": {"entity.id": sorted({one.id for one in known})}},
        {"range": {"@timestamp": {"gte": iso(hour), "lt": iso(end)}}},
    ]
    query = (
        "FROM kpi-5m, kpi-1h | EVAL step = kpi.resolution.sec "
        "| STATS numerator = SUM(kpi.numerator), denominator = SUM(kpi.denominator), samples = SUM(kpi.samples) "
        "BY kpi.id, entity.type, entity.id, step"
    )
    found: dict[tuple[str, Entity], _Seen] = {}
    for row in store.esql(query, where={"bool": {"filter": filters}}).dicts():
        entity = Entity(str(row["entity.type"]), str(row["entity.id"]))
        whole, part = row["denominator"], row["numerator"]
        if entity not in known or not whole or part is None:
            continue
        seen = _Seen(float(part) / float(whole), float(row["samples"] or whole))
        before = found.get((str(row["kpi.id"]), entity))
        # The hour in progress has more in its parts than in a point of its own.
        if before is None or seen.samples > before.samples:
            found[str(row["kpi.id"]), entity] = seen
    return found


class _Normal(NamedTuple):
    lower: float
    upper: float


def _baselines(
    store: Store, ids: Iterable[str], chosen: Iterable[Definition], hour: int
) -> dict[tuple[str, Entity], _Normal]:
    """Bands of that hour of the week, each of the newest training that wrote it: which set is in use is a job's own
    document, which agents may not read."""
    filters: list[dict[str, Any]] = [
        {"term": {"baseline.hour_of_week": hour}},
        {"terms": {"entity.id": sorted(ids)}},
        {"terms": {"kpi.id": sorted(one.id for one in chosen)}},
    ]
    oldest_first = [{"baseline.trained": "asc"}]
    query = {"bool": {"filter": filters}}
    hits = store.search("baseline", query=query, size=1000, sort=oldest_first, track_total_hits=False)
    found = {}
    for hit in hits["hits"]["hits"]:
        source: Mapping[str, Any] = hit["_source"]
        if "lower" in source["baseline"]:
            entity = Entity(source["entity"]["type"], source["entity"]["id"])
            found[source["kpi"]["id"], entity] = _Normal(source["baseline"]["lower"], source["baseline"]["upper"])
    return found


def _comparison(
    definition: Definition, entity: Entity, hour: datetime, zone: ZoneInfo, seen: _Seen, normal: _Normal | None
) -> Comparison:
    when = hour_words(round(hour.timestamp() * 1000), zone, HOUR)
    kpi = kpi_of(definition)
    lower, upper = (None, None) if normal is None else normal
    if lower is not None and upper is not None:
        verdict = _within(definition, seen, lower, upper)
        english = deviation(kpi, entity, seen.value, lower, upper, seen.samples, when)
        text = Said.of(
            english,
            "%(kpi)s of %(entity)s is %(actual)s; between %(lower)s and %(upper)s is normal for that hour, %(at)s "
            "(%(samples)s samples)",
            kpi=kpi.alias,
            entity=entity,
            actual=Figure(seen.value, kpi.unit),
            lower=Figure(lower, kpi.unit),
            upper=Figure(upper, kpi.unit),
            at=hour,
            samples=Figure(seen.samples, ""),
        )
    else:
        verdict = _meets(definition, seen)
        target = "" if definition.target is None else f"; the target is {number(definition.target, definition.unit)}"
        english = f"{kpi.alias} of {entity_words(entity)} is {number(seen.value, kpi.unit)} for {when}{target}"
        parts: dict[str, Part] = {
            "kpi": kpi.alias,
            "entity": entity,
            "actual": Figure(seen.value, kpi.unit),
            "at": hour,
        }
        text = Said.of(english, "%(kpi)s of %(entity)s is %(actual)s in the hour %(at)s", **parts)
        if definition.target is not None:
            parts["target"] = Figure(definition.target, definition.unit)
            text = Said.of(
                english, "%(kpi)s of %(entity)s is %(actual)s in the hour %(at)s; the target is %(target)s", **parts
            )
    return Comparison(
        entity, definition.id, hour, seen.value, lower, upper, seen.samples, definition.unit, verdict, text
    )


def _within(definition: Definition, seen: _Seen, lower: float, upper: float) -> bool | None:
    """Whether what was seen can be normal: with few samples a share may miss the band by chance."""
    low, high = _interval(definition, seen)
    if definition.bad == "low":
        return None if seen.value < lower <= high else seen.value >= lower
    return None if seen.value > upper >= low else seen.value <= upper


def _meets(definition: Definition, seen: _Seen) -> bool | None:
    """Without a baseline: by the target, where there is one and samples enough."""
    if definition.target is None or seen.samples < definition.least_sample:
        return None
    low, high = _interval(definition, seen)
    best = high if definition.target_op == ">=" else low
    return definition.meets(best)


def _interval(definition: Definition, seen: _Seen) -> tuple[float, float]:
    """Of a share: where its true value may lie (Wilson, 95 %). Of a mean: the mean itself."""
    if definition.kind != "ratio" or not 0 <= seen.value <= 1:
        return seen.value, seen.value
    return wilson(seen.value, seen.samples)


def wilson(share: float, samples: float) -> tuple[float, float]:
    """95 % interval of a share of `samples` (Wilson 1927); 0 to 1 where there are none."""
    if samples <= 0:
        return 0.0, 1.0
    centre = (share + _Z**2 / (2 * samples)) / (1 + _Z**2 / samples)
    half = _Z * math.sqrt(share * (1 - share) / samples + _Z**2 / (4 * samples**2)) / (1 + _Z**2 / samples)
    return max(0.0, centre - half), min(1.0, centre + half)


def compared_cell(store: Store, index: str, cell: str, at: datetime) -> Comparison | None:
    """Share of failures of a cell in the hour around `at` beside its week before; None where it had too little to do."""
    start, end = at - timedelta(minutes=30), at + timedelta(minutes=30)
    spans = {"hour": (start, end), "week": (start - _WEEK, start)}
    bad = {"bad": {"filter": {"term": {"event.outcome": "failure"}}}}
    groups = {
        name: {"filter": {"range": {"@timestamp": {"gte": iso(since), "lt": iso(until)}}}, "aggs": bad}
        for name, (since, until) in spans.items()
    }
    times = {"range": {"@timestamp": {"gte": iso(start - _WEEK), "lt": iso(end)}}}
    query = {"bool": {"filter": [{"term": {"subscriber.cell": cell}}, times]}}
    found = store.search(index, query=query, size=0, track_total_hits=False, aggs=groups).get("aggregations")
    if not found or found["hour"]["doc_count"] < _LEAST_CELL or found["week"]["doc_count"] < _LEAST_CELL:
        return None
    share, usual = (found[name]["bad"]["doc_count"] / found[name]["doc_count"] for name in ("hour", "week"))
    samples = float(found["hour"]["doc_count"])
    low, _ = wilson(share, samples)
    _, upper = wilson(usual, found["week"]["doc_count"])
    text = Said(
        "%(share)s of %(samples)s sessions in cell %(cell)s failed in that hour; %(usual)s did in the week before",
        share=Figure(100 * share, "%"),
        samples=round(samples),
        cell=cell,
        usual=Figure(100 * usual, "%"),
    )
    return Comparison(Entity("cell", cell), CELL_KPI, at, share, 0.0, upper, samples, "ratio", low <= upper, text)
