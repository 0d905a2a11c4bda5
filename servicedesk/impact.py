"""Who feels an incident: customers served by the trunk group, and customers whose records went badly at that place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from contracts.clock import iso, parse_iso
from contracts.entities import Entity
from contracts.sentences import sentence
from infrastructure.store import Store
from servicedesk.bad_outcomes import KEYS, Place, bad, places

NAMED = 100  # customers that an impact names
_TERMS = 10_000  # keys asked for at once, of which Elasticsearch takes 65,536, and hits of one search; more are scanned
_NOBODY = ""
_TRUNKS = ("trunk_group", "trunk_group_in")
Known = tuple[str, set[str]]
"""How customers are known, with their count, in words; their ids."""


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
    found: list[Known] = []
    trunks = [entity.id for entity in entities if entity.type in _TRUNKS]
    if trunks:
        served = set(_customers(store, "customer.trunk_groups", trunks))
        how = sentence("%(count)s by trunk group %(names)s", count=len(served), names=", ".join(trunks))
        found.append((how, served))
    records, keys = _felt(store, incident, entities, services, (start, end))
    if not records or _is_silence(store, incident):
        return _everybody(store, services, found, entities)
    by_key = set(_customers(store, "customer.subscriber_keys", keys))
    counts = {"count": len(by_key), "numbers": len(keys)}
    found.append((sentence("%(count)s by %(numbers)s numbers in records that went badly", **counts), by_key))
    return _summed(found, sentence("between %(start)s and %(end)s", start=iso(start), end=iso(end)))


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


def _everybody(store: Store, services: list[str], found: list[Known], entities: list[Entity]) -> Impact:
    """No records tell who it was. A trunk group's customers are known; of a service it may be any."""
    if any(customers for _, customers in found):
        return _summed(found, sentence("no records came, so that whoever else felt it is not known"))
    if not entities or any(entity.type not in ("service", "feed") for entity in entities):
        where = ", ".join(str(entity) for entity in entities) or "no place"
        return Impact(0, (), sentence("nobody known: no records of %(places)s came", places=where))
    query = {"terms": {"customer.services": services}}
    first = store.search("customer", query=query, size=NAMED, sort=["customer.id"], _source=["customer.id"])["hits"][
        "hits"
    ]
    ids = tuple(hit["_source"]["customer"]["id"] for hit in first)
    how = sentence("all customers of %(services)s: no records tell which", services=", ".join(services))
    return Impact(store.count("customer", query), ids, how)


def _summed(found: Sequence[Known], more: str) -> Impact:
    everybody = sorted(set().union(*(customers for _, customers in found)))
    return Impact(len(everybody), tuple(everybody[:NAMED]), "; ".join([*(how for how, _ in found), more]))


def _list(value: Any) -> list[str]:
    return list(value) if isinstance(value, list) else [] if value is None else [str(value)]
