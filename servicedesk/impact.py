"""Who feels an incident: customers served by the trunk group, and customers whose records went badly at that place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from contracts.clock import iso, parse_iso
from contracts.entities import Entity
from infrastructure.store import Store
from servicedesk.bad_outcomes import KEYS, Place, bad, places

NAMED = 100  # customers that an impact names
_TERMS = 10_000  # keys asked for at once, of which Elasticsearch takes 65,536, and hits of one search; more are scanned
_NOBODY = ""
_TRUNKS = ("trunk_group", "trunk_group_in")


@dataclass(frozen=True, slots=True)
class Impact:
    """`count` customers, the first 100 of them by id, and `how` that is known, in words."""

    count: int
    customer_ids: tuple[str, ...]
    how: str


def impacted(store: Store, incident: Mapping[str, Any], *, at: datetime | None = None) -> Impact:
    """Customers who feel an incident (a document of index `incident`), by what was known `at` a moment (None: now).

    Judged at the likeliest place of the cause: the incident's first entity and those of the same type. Where that place
    has no records at all in the time (a silent feed, a dead trunk), everybody it serves counts.
    """
    entities = _places_of_cause(incident)
    services = _list(incident["incident"].get("services"))
    start, end = _window(incident, at or store.clock())
    found: dict[str, set[str]] = {}
    trunks = [entity.id for entity in entities if entity.type in _TRUNKS]
    if trunks:
        found[f"by trunk group {', '.join(trunks)}"] = set(_customers(store, "customer.trunk_groups", trunks))
    records, keys = _felt(store, incident, entities, services, (start, end))
    if not records or _is_silence(store, incident):
        return _everybody(store, services, found, entities)
    by_key = set(_customers(store, "customer.subscriber_keys", keys))
    found[f"by {len(keys)} numbers in records that went badly"] = by_key
    return _summed(found, f"between {iso(start)} and {iso(end)}")


def _places_of_cause(incident: Mapping[str, Any]) -> list[Entity]:
    entities = [Entity.parse(text) for text in _list(incident["incident"].get("entities"))]
    return [entity for entity in entities if entity.type == entities[0].type]


def _window(incident: Mapping[str, Any], at: datetime) -> tuple[datetime, datetime]:
    """From its start to its end, as far as that lies before `at`."""
    start = parse_iso(incident["event"]["start"])
    end = min(parse_iso(incident["event"]["end"]), at) if "end" in incident["event"] else at
    return start, max(start, end)


def _felt(
    store: Store,
    incident: Mapping[str, Any],
    entities: list[Entity],
    services: list[str],
    window: tuple[datetime, datetime],
) -> tuple[bool, set[str]]:
    """Whether the places have records in the window, and the keys in those that went badly."""
    merged: dict[Place, list[str]] = {}
    for entity in entities:
        for place in places(entity, services):
            merged.setdefault(place, []).append(entity.id)
    felt: set[str] = set()
    for place, names in merged.items():
        condition = bad(place.source, _list(incident["incident"].get("kpis")), store.settings)
        felt |= set(_keys(store, place, names, window, condition))
    return bool(felt), felt - {_NOBODY}


def _at(place: Place, names: list[str], window: tuple[datetime, datetime]) -> tuple[str, list[Any]]:
    marks = ", ".join("?" for _ in names)
    of_entity = " OR ".join(f"{field} IN ({marks})" for field in place.fields) or "true"
    text = f"@timestamp >= TO_DATETIME(?) AND @timestamp <= TO_DATETIME(?) AND ({of_entity})"
    return text, [*window, *(name for _ in place.fields for name in names)]


def _keys(
    store: Store, place: Place, names: list[str], window: tuple[datetime, datetime], condition: str
) -> Iterator[str]:
    """Keys in records that went badly, each once a window; _NOBODY stands for records that went well or tell no number."""
    fields = [f'COALESCE({field}, "{_NOBODY}")' for field in KEYS[place.source]]
    keys = f"MV_APPEND({', '.join(fields)})" if len(fields) == 2 else fields[0]

    def query(start: datetime, end: datetime) -> tuple[str, list[Any]]:
        filters, params = _at(place, names, (start, end))
        text = f'FROM {place.source} | WHERE {filters} | EVAL key = CASE({condition}, {keys}, "{_NOBODY}")'
        return f"{text} | STATS records = COUNT(*) BY key | KEEP key", params

    for table in store.esql_windows(query, *window):
        for (key,) in table.rows:
            yield key


def _customers(store: Store, field: str, values: Iterable[str]) -> Iterator[str]:
    wanted = sorted(values)
    for start in range(0, len(wanted), _TERMS):
        query = {"terms": {field: wanted[start : start + _TERMS]}}
        hits = store.search("customer", query=query, size=_TERMS, _source=["customer.id"])["hits"]["hits"]
        for hit in hits if len(hits) < _TERMS else store.scan("customer", query, ["customer.id"]):
            yield hit["_source"]["customer"]["id"]


def _is_silence(store: Store, incident: Mapping[str, Any]) -> bool:
    """The detectors found that a feed fell silent: its records are not there, whatever the edges of the window hold."""
    filters = [{"term": {"incident.id": incident["incident"]["id"]}}, {"term": {"anomaly.detector": "feed"}}]
    return store.count("anomaly", {"bool": {"filter": filters}}) > 0


def _everybody(store: Store, services: list[str], found: dict[str, set[str]], entities: list[Entity]) -> Impact:
    """No records tell who it was. A trunk group's customers are known; of a service it may be any."""
    if any(found.values()):
        return _summed(found, "no records came, so that whoever else felt it is not known")
    if not entities or any(entity.type not in ("service", "feed") for entity in entities):
        where = ", ".join(str(entity) for entity in entities) or "no place"
        return Impact(0, (), f"nobody known: no records of {where} came")
    query = {"terms": {"customer.services": services}}
    first = store.search("customer", query=query, size=NAMED, sort=["customer.id"], _source=["customer.id"])["hits"][
        "hits"
    ]
    ids = tuple(hit["_source"]["customer"]["id"] for hit in first)
    return Impact(store.count("customer", query), ids, f"all customers of {', '.join(services)}: no records tell which")


def _summed(found: Mapping[str, set[str]], more: str) -> Impact:
    everybody = sorted(set().union(*found.values()))
    parts = [f"{len(ids)} {how}" for how, ids in found.items()]
    return Impact(len(everybody), tuple(everybody[:NAMED]), ", ".join([*parts, more]))


def _list(value: Any) -> list[str]:
    return list(value) if isinstance(value, list) else [] if value is None else [str(value)]
