"""Asks Elasticsearch: parts of points over a window, how busy the days are, which steps are due. One function a question."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from operator import itemgetter
from typing import Any, NamedTuple

from contracts.clock import epoch_ms, from_epoch_ms, parse_iso
from contracts.errors import TooSlow
from infrastructure.esql import TooManyRows
from infrastructure.store import Store
from kpis import bins, numbers, queries
from kpis.answers import tables
from kpis.catalogue import Service
from kpis.definitions import Definition, Spread
from kpis.integrals import LONGEST_MS, Border, summed
from kpis.parts import BASE_MS, Key, Parts
from kpis.presence import ALL_RECORDS, Activity

Found = dict[Key, Parts]


def counted(
    store: Store,
    service: Service,
    definitions: Sequence[Definition],
    resolution_sec: int,
    span: tuple[int, int],
    until: int,
) -> tuple[Found, set[tuple[str, int]]]:
    """Parts of count, ratio and mean KPIs as of `until` (ms), and the (entity, bucket) that have records."""
    chosen = [definition for definition in definitions if definition.kind in ("count", "ratio", "mean")]
    names = queries.columns(chosen, until)
    found: Found = {}
    present: set[tuple[str, int]] = set()
    if not chosen:
        return found, present
    for table in tables(store, queries.counts(service, chosen, names, resolution_sec), span, resolution_sec):
        if not table.rows:
            continue
        places = {definition.id: _positions(definition, names, until, table.columns) for definition in chosen}
        bucket_at, entity_at = table.columns.index("k"), table.columns.index("e")
        for row in table.rows:
            bucket, entity = row[bucket_at], row[entity_at]
            present.add((entity, bucket))
            kind = entity.partition(":")[0]
            for definition in chosen:
                if kind in definition.dimensions:
                    numbers = [_total(row, group) for group in places[definition.id]]
                    found[Key(definition.id, entity, bucket)] = Parts(*numbers)
    return found, present


def _positions(definition: Definition, names: dict[str, str], until: int, columns: list[str]) -> list[list[int]]:
    """Positions of the columns that add up to each part."""
    texts = iter(queries.aggregates(definition, until))
    groups = (definition.numerator, definition.denominator, definition.samples, definition.candidates)
    return [[columns.index(names[text]) for text in itertools.islice(texts, len(group))] for group in groups]


def _total(row: list[Any], positions: list[int]) -> Any:
    return sum(row[position] or 0 for position in positions)


def binned(store: Store, service: Service, definition: Definition, resolution_sec: int, span: tuple[int, int]) -> Found:
    """Parts of a percentile KPI: the bins of its values (two legs of a call) merged."""
    found: Found = {}
    for value in definition.values:
        query = queries.percentile(service, definition, value, resolution_sec)
        for table in tables(store, query, span, resolution_sec):
            if not table.rows:
                continue
            columns = itemgetter(*(table.columns.index(name) for name in ("k", "e", "b")))
            for bucket, entity, packed in map(columns, table.rows):
                key = Key(definition.id, entity, bucket)
                counts = queries.unpacked(packed)
                found[key] = Parts(bins=bins.merged((found[key].bins, counts)) if key in found else counts)
    return found


def integrated(
    store: Store, service: Service, definition: Definition, resolution_sec: int, span: tuple[int, int]
) -> Found:
    """Parts of an integral KPI. Each window is a sum of its own, so a window with too many rows is halved here."""
    step = resolution_sec * 1000
    first, end = span[0] // step, span[1] // step
    try:
        starts = _borders(store, service, definition, resolution_sec, (first, end), starts=True)
        ends = _borders(store, service, definition, resolution_sec, (first, end), starts=False)
    except (TooManyRows, TooSlow):
        middle = (first + end) // 2
        if middle == first:
            raise
        halves = ((first * step, middle * step), (middle * step, end * step))
        return {
            key: parts
            for half in halves
            for key, parts in integrated(store, service, definition, resolution_sec, half).items()
        }
    return {
        Key(definition.id, entity, bucket): parts
        for entity in starts.keys() | ends.keys()
        for bucket, parts in summed(starts[entity], ends[entity], first, end, step // BASE_MS).items()
    }


def _borders(
    store: Store,
    service: Service,
    definition: Definition,
    resolution_sec: int,
    window: tuple[int, int],
    *,
    starts: bool,
) -> dict[str, list[Border]]:
    """What begins, or ends, in the buckets `window` (first, end), by entity."""
    query = queries.integral(service, definition, resolution_sec, *window, starts=starts)
    table = store.esql(query, [from_epoch_ms(bucket * resolution_sec * 1000) for bucket in window])
    found: dict[str, list[Border]] = defaultdict(list)
    for row in table.dicts():
        found[row["e"]].append(Border(row["k"], row["a"], row["r"], row["c"]))
    return found


def present_buckets(store: Store, service: Service, resolution_sec: int, span: tuple[int, int]) -> set[int]:
    """Buckets with any record of the service: its feed was alive then."""
    query = queries.presence(service, resolution_sec)
    return {bucket for table in tables(store, query, span, resolution_sec) for bucket in table.column("k")}


def busiest_hours(
    store: Store,
    service: Service,
    definitions: Sequence[Definition],
    spans: Iterable[tuple[int, int]],
    since: datetime,
    density: int,
) -> tuple[Activity, Activity]:
    """Activity of these days by records ingested before `since`, and by all."""
    integrals = [definition for definition in definitions if definition.spread is not None]
    names = [ALL_RECORDS, *(definition.id for definition in integrals)]
    columns = [("b", "n"), *((f"b{position}", f"n{position}") for position in range(len(integrals)))]
    query = queries.activity(service, [d.spread for d in integrals if d.spread is not None])
    before, after = Activity(density), Activity(density)
    for span in spans:
        for table in tables(store, query, span, 86400, [since] * len(names)):
            for row in table.dicts():
                for name, (old, new) in zip(names, columns, strict=True):
                    before.put(name, row["e"], row["k"], row[old] or 0)
                    after.put(name, row["e"], row["k"], row[new] or 0)
    return before, after


def as_delivered(
    store: Store, service: Service, definitions: Sequence[Definition]
) -> tuple[Service, Sequence[Definition]]:
    """Both as they are, or, where no document was taken in or made, without the conditions on that: they cost a fifth more."""
    marks = [{"exists": {"field": field}} for field in ("cdr.correlated", "cdr.surplus", "cdr.kind")]
    if not service.correlated or store.count(",".join(service.sources), {"bool": {"should": marks}}):
        return service, definitions
    return replace(service, correlated=""), [replace(definition, per="") for definition in definitions]


class Touched(NamedTuple):
    """Hours (days where there are very many) that hold what came since a time: `plain`; with the time that it spans: `wide`.

    `taken`: those of them in which records were taken into calls and sessions, or calls and sessions were moved.
    """

    plain: list[tuple[int, int]]
    wide: list[tuple[int, int]]
    taken: list[tuple[int, int]]


def touched(store: Store, service: Service, definitions: Sequence[Definition], since: datetime) -> Touched:
    """What came since: records by every definition that spreads them, calls and sessions by those that count these."""
    found = Touched([], [], [])
    for source in service.sources:
        spreading = [
            one.spread
            for one in definitions
            if one.spread is not None and (source == service.source or one.per == "call")
        ]
        _touched(store, source, spreading, since, found)
    return found


def _touched(store: Store, source: str, spreads: Sequence[Spread], since: datetime, found: Touched) -> None:
    for step_sec in (3600, 86400):
        try:
            table = store.esql(queries.touched(source, spreads, step_sec), [since] * 3)
            break
        except TooManyRows:
            if step_sec == 86400:
                raise
    for row in table.dicts():
        start, end = row["k"] * step_sec * 1000, (row["k"] + 1) * step_sec * 1000
        moved = start if row["m"] is None else min(start, row["m"])
        earliest = moved if row["s"] is None else min(moved, row["s"])
        found.plain.append((moved, end))
        found.wide.append((max(earliest, start - LONGEST_MS), end))
        if row["t"]:
            found.taken.append((moved, end))


def standing(
    store: Store, service: Service, definitions: Sequence[Definition], resolution_sec: int, span: tuple[int, int]
) -> set[Key]:
    """Places of the points that have samples: what must be taken back where nothing is behind it any more."""
    query = queries.standing(service, definitions, resolution_sec)
    return {
        Key(row["i"], row["e"], row["k"])
        for table in tables(store, query, span, resolution_sec)
        for row in table.dicts()
    }


def files(store: Store, service: Service) -> list[tuple[int, int, datetime]]:
    """What the ledger proves: earliest and latest record time of each file of the service, and when it was booked.

    A file that is followed while it grows is open and has times; one whose reading died is open and has none.
    """
    query = {"bool": {"filter": [{"term": {"service.name": service.name}}, {"exists": {"field": "file.first"}}]}}
    found = []
    for hit in store.scan("cdr-file", query, ["file.first", "file.last", "event.ingested"]):
        book = hit["_source"].get("file", {})
        if "first" in book and "last" in book:
            first, last = (epoch_ms(parse_iso(book[name])) for name in ("first", "last"))
            found.append((first, last, parse_iso(hit["_source"]["event"]["ingested"])))
    return found


def window(
    store: Store,
    service: Service,
    definitions: Sequence[Definition],
    resolution_sec: int,
    span: tuple[int, int],
    until: int,
) -> tuple[Found, set[int]]:
    """Parts of all these KPIs; the buckets in which the service delivered any record."""
    found: Found = {}
    if all(definition.kind == "integral" for definition in definitions):
        alive = present_buckets(store, service, resolution_sec, span)
    else:
        found, present = counted(store, service, definitions, resolution_sec, span, until)
        alive = {bucket for entity, bucket in present if entity == queries.own(service)}
    for definition in definitions:
        if definition.kind == "percentile":
            found |= binned(store, service, definition, resolution_sec, span)
        if definition.kind == "integral":
            found |= integrated(store, service, definition, resolution_sec, span)
        if definition.numbers is not None:
            for key, calls in numbers.numerators(store, service, definition, resolution_sec, span).items():
                found[key].numerator = calls
    return found, alive
