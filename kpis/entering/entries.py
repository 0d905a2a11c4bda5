"""Entries of `kpi-correction` and the points made of them.

An entry is never changed: a correction is another one of the same place with the next number. Its id is that of place and
number, so that of two people who correct at once the slower one is told. The point carries the number as its version in
Elasticsearch: an older entry can never overwrite what a newer one wrote, whoever is killed between the two writes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import orjson

from contracts.clock import epoch_ms, from_epoch_ms, iso, parse_iso
from contracts.entities import Entity
from contracts.errors import ConflictError, StoreRefused, UserError
from contracts.ids import joined
from contracts.indices import KPI_INDEX
from infrastructure.store import Operation, Store
from kpis.entering.checking import check
from kpis.tracking import Tracked, words
from kpis.tracking.points import document, place_of, sampled

INDEX = "kpi-correction"
_BATCH = 1000


class Wanted(NamedTuple):
    """A value that somebody wants to be there. `moment`: any time in its bucket."""

    tracked: Tracked
    entity: str
    moment: datetime
    value: float


class Entered(NamedTuple):
    """What became of it: `status` new, corrected or unchanged; `before`: the value that it corrected."""

    kpi: str
    entity: str
    bucket: datetime
    value: float
    status: str
    before: float | None


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry. `number` 1 is the first value of its bucket; the highest one counts."""

    place: str
    number: int
    kpi: str
    version: int
    entity: str
    bucket: datetime
    resolution_sec: int
    value: float
    before: float | None
    by: str
    why: str
    origin: str
    at: datetime


def enter(
    store: Store, wanted: Sequence[Wanted], *, by: str, why: str, origin: str = "command", points: bool = True
) -> list[Entered]:
    """Enters or corrects values; all are checked before any is written. Run again after a kill, it completes what is missing.

    Without `points` entries only, for who may not write points: `derive` makes them.

    Raises UserError naming the first that cannot be, ConflictError when somebody else entered one at the same time.
    """
    by, why, now = words.who(by), words.why(why), store.clock()
    buckets = [check(each.tracked, each.entity, each.moment, each.value, now) for each in wanted]
    places = [
        place_of(each.tracked, each.entity, epoch_ms(bucket), each.tracked.resolutions[0])
        for each, bucket in zip(wanted, buckets, strict=True)
    ]
    if len(set(places)) < len(places):
        raise UserError("the same KPI, entity and bucket occurs twice")
    found: list[Entered] = []
    for first in range(0, len(wanted), _BATCH):
        part = slice(first, first + _BATCH)
        entries = _entries(store, wanted[part], buckets[part], places[part], (by, why, origin, now))
        _create(store, [entry for entry, status in entries if status != "unchanged"])
        if points:
            _point(store, {each.tracked.id: each.tracked for each in wanted[part]}, [entry for entry, _ in entries])
        found += [
            Entered(entry.kpi, entry.entity, entry.bucket, entry.value, status, entry.before)
            for entry, status in entries
        ]
    store.refresh(INDEX, *({KPI_INDEX[each.tracked.resolutions[0]] for each in wanted} if points else ()))
    return found


def derive(store: Store, tracked: Tracked, *, since: datetime | None = None) -> int:
    """Makes the points of entries written since a time, in case whoever wrote them was killed before. Returns how many."""
    filters: list[dict[str, Any]] = [{"term": {"kpi.id": tracked.id}}, {"term": {"kpi.version": tracked.version}}]
    if since:
        filters.append({"range": {"event.ingested": {"gte": iso(since)}}})
    newest: dict[str, Entry] = {}
    for hit in store.scan(INDEX, {"bool": {"filter": filters}}):
        entry = _entry(hit["_source"])
        if entry.place not in newest or newest[entry.place].number < entry.number:
            newest[entry.place] = entry
    rows = list(newest.values())
    for first in range(0, len(rows), _BATCH):
        _point(store, {tracked.id: tracked}, rows[first : first + _BATCH])
    return len(rows)


def history(store: Store, tracked: Tracked, entity: str | None = None, limit: int = 1000) -> list[Entry]:
    """Entries of a KPI, the newest first."""
    store.refresh(INDEX)
    filters: list[dict[str, Any]] = [{"term": {"kpi.id": tracked.id}}]
    if entity:
        kind, name = Entity.parse(entity)
        filters += [{"term": {"entity.type": kind}}, {"term": {"entity.id": name}}]
    sort = [{"@timestamp": "desc"}, {"entry.number": "desc"}]
    answer = store.search(INDEX, query={"bool": {"filter": filters}}, size=min(limit, 10_000), sort=sort)
    return [_entry(hit["_source"]) for hit in answer["hits"]["hits"]]


def _entries(
    store: Store,
    wanted: Sequence[Wanted],
    buckets: Sequence[datetime],
    places: Sequence[str],
    said: tuple[str, str, str, datetime],
) -> list[tuple[Entry, str]]:
    """The entry that shall stand at each place, and whether it is new, corrected or unchanged."""
    standing = _standing(store, places)
    by, why, origin, now = said
    found = []
    for each, bucket, place in zip(wanted, buckets, places, strict=True):
        old = standing.get(place)
        if old is not None and old.value == each.value:
            found.append((old, "unchanged"))
            continue
        number, before = (old.number + 1, old.value) if old else (1, None)
        tracked, resolution = each.tracked, each.tracked.resolutions[0]
        entry = Entry(
            place, number, tracked.id, tracked.version, each.entity, bucket, resolution, each.value, before,
            by, why, origin, now,
        )  # fmt: skip
        found.append((entry, "corrected" if old else "new"))
    return found


def _standing(store: Store, places: Sequence[str]) -> dict[str, Entry]:
    """The newest entry of each place that has one."""
    store.refresh(INDEX)
    answer = store.search(
        INDEX,
        query={"terms": {"entry.place": list(places)}},
        collapse={"field": "entry.place"},
        sort=[{"entry.number": "desc"}],
        size=len(places),
    )
    entries = [_entry(hit["_source"]) for hit in answer["hits"]["hits"]]
    return {entry.place: entry for entry in entries}


def _create(store: Store, entries: Sequence[Entry]) -> None:
    """Writes entries; one that is there already must be this very one, whose answer was lost."""
    place = store.place(INDEX)
    made = [Operation("create", place, joined((entry.place, entry.number)), _source(entry)) for entry in entries]
    results = store.bulk(made)
    for entry, operation, result in zip(entries, made, results, strict=True):
        if result.refused:
            raise StoreRefused(f"entry refused: {result.error}", where=operation.id)
        if result.exists:
            there = store.read_back([(place, operation.id)])[0]
            if there is None or there.source["entry"] != _source(entry)["entry"]:
                raise ConflictError(
                    "somebody entered a value at the same time", where=operation.id, remedy="look, and try again"
                )


def _point(store: Store, tracked: Mapping[str, Tracked], entries: Iterable[Entry]) -> None:
    """The points that entries stand for; one that a newer entry made already stays."""
    texts = []
    for entry in entries:
        one, now = tracked[entry.kpi], store.clock()
        index = store.place(KPI_INDEX[entry.resolution_sec], entry.bucket)
        head = {"_index": index, "_id": entry.place, "version": entry.number, "version_type": "external_gte"}
        value = sampled(entry.entity, epoch_ms(entry.bucket), entry.value)
        body = document(one, value, entry.resolution_sec, now, joined((entry.place, entry.number)))
        texts.append(b"%b\n%b\n" % (orjson.dumps({"index": head}), orjson.dumps(body)))
    for result in store.bulk_texts(texts):
        if result.refused:
            raise StoreRefused(f"value refused: {result.error}", where="kpi")


def _source(entry: Entry) -> dict[str, Any]:
    kind, name = Entity.parse(entry.entity)
    found: dict[str, Any] = {
        "place": entry.place,
        "number": entry.number,
        "bucket": iso(entry.bucket),
        "resolution": {"sec": entry.resolution_sec},
        "value": entry.value,
        "by": entry.by,
        "why": entry.why,
        "from": entry.origin,
    }
    return {
        "@timestamp": iso(entry.at),
        "event": {"ingested": iso(entry.at)},
        "entity": {"type": kind, "id": name},
        "kpi": {"id": entry.kpi, "version": entry.version},
        "entry": found | ({"before": entry.before} if entry.before is not None else {}),
    }


def _entry(source: Mapping[str, Any]) -> Entry:
    found = source["entry"]
    return Entry(
        place=found["place"],
        number=found["number"],
        kpi=source["kpi"]["id"],
        version=source["kpi"]["version"],
        entity=str(Entity(**source["entity"])),
        bucket=from_epoch_ms(epoch_ms(parse_iso(found["bucket"]))),
        resolution_sec=found["resolution"]["sec"],
        value=found["value"],
        before=found.get("before"),
        by=found["by"],
        why=found["why"],
        origin=found["from"],
        at=parse_iso(source["@timestamp"]),
    )
