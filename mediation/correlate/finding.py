"""Asks Elasticsearch: which keys have records that came since a time, which of them are worth reading, and what they hold."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, NamedTuple

from contracts.clock import parse_iso
from contracts.errors import StoreRefused
from infrastructure.esql import TooManyRows
from infrastructure.store import Store, Table, Versioned
from mediation.correlate.families import Family
from mediation.correlate.records import Document, Key, value

MOST_RECORDS = 2000  # of one key; more are no call and no session, but a broken or hostile id
_KEYS = 1000  # keys counted by one request
_MOSTLY_NEW = 10  # when a tenth of all records is new, one query over all is quicker than one for each some keys
_AT_ONCE = 5_000_000  # records that such a query may group: a few hundred megabytes of Elasticsearch's memory
_READ = 2000  # records that one batch is about
_HITS = 10_000  # a search returns no more
_TICK = timedelta(milliseconds=1)


class Found(NamedTuple):
    """Worth reading: a key and how many records it has."""

    key: Key
    records: int


def worth_reading(store: Store, family: Family, since: datetime) -> Iterator[list[Found]]:
    """Keys of the records written since that have several records, or one that is a part by itself; some may come twice."""
    head = f"FROM {family.source} | WHERE event.ingested >= ?"
    span = store.esql(f"{head} | STATS a = MIN(event.ingested), b = MAX(event.ingested), n = COUNT(*)", [since])
    if not span.rows or span.rows[0][0] is None:
        return
    first, last, came = span.rows[0]
    everything = store.count(family.source)
    if everything <= min(came * _MOSTLY_NEW, _AT_ONCE):
        try:
            yield _at_once(store, family, since)
            return
        except TooManyRows:
            pass  # over windows, then
    having = " AND ".join(f"{field} IS NOT NULL" for field in family.key)
    query = f"{head} AND event.ingested < ? AND {having} | STATS n = COUNT(*) BY {_columns(family)}"
    for table in store.esql_windows(lambda a, b: (query, [a, b]), parse_iso(first), parse_iso(last) + _TICK):
        yield list(_of_several(store, family, _keys(family, table)))


def _at_once(store: Store, family: Family, since: datetime) -> list[Found]:
    """By one query over all records: the first run, or one after a long pause."""
    query = f"""FROM {family.source}
| STATS n = COUNT(*), new = COUNT(*) WHERE event.ingested >= ?, alone = COUNT(*) WHERE {family.alone[1]} BY {_columns(family)}
| WHERE new > 0 AND (n > 1 OR alone > 0) AND {" AND ".join(f"k{place} IS NOT NULL" for place in range(len(family.key)))}"""
    table = store.esql(query, [since])
    return [Found(key, records) for key, records in zip(_keys(family, table), table.column("n"), strict=True)]


def _columns(family: Family) -> str:
    return ", ".join(f"k{place} = {field}" for place, field in enumerate(family.key))


def _keys(family: Family, table: Table) -> list[Key]:
    return list(zip(*(table.column(f"k{place}") for place in range(len(family.key))), strict=True))


def _of_several(store: Store, family: Family, keys: Iterable[Key]) -> Iterator[Found]:
    rest = iter(keys)
    while batch := list(islice(rest, _KEYS)):
        wanted = set(batch)
        for bucket in _counted(store, family, batch):
            key = tuple(bucket["key"][field] for field in family.key)
            if key in wanted and (bucket["doc_count"] > 1 or bucket["alone"]["doc_count"]):
                yield Found(key, bucket["doc_count"])


def _counted(store: Store, family: Family, keys: Sequence[Key]) -> Iterator[dict[str, Any]]:
    composite: dict[str, Any] = {
        "size": _HITS,
        "sources": [{field: {"terms": {"field": field}}} for field in family.key],
    }
    aggregation = {"composite": composite, "aggs": {"alone": {"filter": family.alone[0]}}}
    while True:
        answer = store.search(family.source, size=0, query=_of(family, keys), aggs={"keys": aggregation})
        page = answer.get("aggregations", {}).get("keys", {})  # nothing was written yet: no aggregations
        buckets = page.get("buckets", ())
        yield from buckets
        if len(buckets) < composite["size"]:
            return
        composite["after"] = page["after_key"]


def batches(found: Iterable[Found]) -> Iterator[list[Key]]:
    """Keys whose records are read together, by how many they have."""
    batch: list[Key] = []
    size = 0
    for key, records in found:
        if batch and (size + records > _READ or len(batch) >= _KEYS):
            yield batch
            batch, size = [], 0
        batch.append(key)
        size += records
    if batch:
        yield batch


def stored(store: Store, index: str, family: Family, keys: Sequence[Key]) -> dict[Key, list[Versioned]]:
    """Documents of `index` (records, or what was made of them) by key, with what guards their change."""
    wanted = set(keys)
    result: dict[Key, list[Versioned]] = {key: [] for key in keys}
    hits = store.search(index, size=_HITS, query=_of(family, keys), seq_no_primary_term=True, track_total_hits=False)[
        "hits"
    ]["hits"]
    if len(hits) == _HITS:
        if len(keys) == 1:
            raise StoreRefused(
                f"{keys[0]} has {_HITS} records or more", where=index, remedy="see `oversized` of this job"
            )
        middle = len(keys) // 2
        return stored(store, index, family, keys[:middle]) | stored(store, index, family, keys[middle:])
    for hit in hits:
        key = key_of(family, hit["_source"])
        if key in wanted:
            result[key].append(
                Versioned(hit["_id"], hit["_index"], hit["_source"], hit["_seq_no"], hit["_primary_term"])
            )
    return result


def key_of(family: Family, document: Document) -> Key:
    return tuple(value(document, field) for field in family.key)


def _of(family: Family, keys: Sequence[Key]) -> dict[str, Any]:
    """Records of these keys, and of few others: which of several values goes with which is looked at by the reader."""
    filters = [{"terms": {field: sorted({key[place] for key in keys})}} for place, field in enumerate(family.key)]
    return {"bool": {"filter": filters}}
