"""The roll-up again in pure Python: same definitions, records in memory, same points. What ES|QL is held against in tests.

It takes the plain way everywhere: one record after another, each laid over every bucket that it touches.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kpis import assembling, bins, counting, numbers
from kpis.catalogue import Service
from kpis.definitions import Definition, Numbers
from kpis.integrals import Laid, lay, spread_over
from kpis.interpreter import counts, evaluate, field, moment_ms
from kpis.numbers import Calls
from kpis.parts import BASE_MS, RESOLUTIONS, Key, Parts, Point, settled
from kpis.presence import ALL_RECORDS, DAY_MS, HOUR_SEC, Activity
from kpis.queries import own
from kpis.spans import Cover, Span, joined

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Record:
    """A document with its time (ms) and entities."""

    document: Document
    moment: int
    entities: frozenset[str]


def roll(
    definitions: Mapping[str, Definition],
    service: Service,
    documents: Iterable[Document],
    until: int,
    *,
    files: Sequence[Span] = (),
    density: int = 1,
) -> dict[int, list[Point]]:
    """Points by resolution (s) of one service's records, and what was made of them, as of `until` (ms).

    `files`: spans that the ledger proves.
    """
    own_kpis = {key: one for key, one in definitions.items() if one.service == service.name}
    records = [record(service, document) for document in documents]
    activity = _activity(own_kpis, records, density)
    result: dict[int, list[Point]] = {}
    for resolution in RESOLUTIONS:
        step = resolution * 1000
        found = {
            key: one for key, one in parts(own_kpis, records, resolution, until).items() if key.bucket * step < until
        }
        present = {(entity, one.moment // step) for one in records for entity in one.entities}
        alive = _alive(service, resolution, present, Cover(files))
        result[resolution] = list(assembling.kept(own_kpis, activity, resolution, found))
        for span in joined((day * DAY_MS, (day + 1) * DAY_MS) for day in activity.days()):
            buckets = assembling.over(span, resolution, until)
            result[resolution] += assembling.filled(own_kpis, activity, resolution, found, alive, buckets)
    return result


def _alive(
    service: Service, resolution_sec: int, present: set[tuple[str, int]], proven: Cover
) -> Callable[[int], bool]:
    step, whole = resolution_sec * 1000, own(service)
    return lambda bucket: (whole, bucket) in present or proven.holds(bucket * step, (bucket + 1) * step)


def parts(
    definitions: Mapping[str, Definition], records: Iterable[Record], resolution_sec: int, until: int
) -> dict[Key, Parts]:
    """Parts of every KPI, entity and bucket that records make."""
    found: dict[Key, Parts] = {}
    for record in records:
        for definition in definitions.values():
            if definition.finest_sec > resolution_sec or not counting.counts(definition, record.document):
                continue
            kinds = definition.dimensions
            entities = [entity for entity in record.entities if entity.partition(":")[0] in kinds]
            for bucket, one in _parts(definition, record, resolution_sec, until):
                for entity in entities:
                    found.setdefault(Key(definition.id, entity, bucket), Parts()).add(one)
    for definition in definitions.values():
        if definition.numbers is not None and resolution_sec >= definition.finest_sec:
            for key, calls in _numerators(definition, records, resolution_sec):
                found[key].add(Parts(numerator=calls))
    return found


def _numerators(definition: Definition, records: Iterable[Record], resolution_sec: int) -> Iterator[tuple[Key, int]]:
    """Calls of numbers that behave as `definition.numbers` say, hour by hour."""
    looked = definition.numbers
    assert looked is not None  # noqa: S101  asked only where there are some
    did: dict[tuple[int, str, frozenset[str]], Calls] = {}
    called = set()
    for one in records:
        if not counting.counts(definition, one.document):
            continue
        hour = one.moment // (HOUR_SEC * 1000)
        called.add((hour, field(one.document, looked.called)))
        caller = field(one.document, looked.caller)
        if caller is not None:
            kinds = definition.dimensions
            entities = frozenset(entity for entity in one.entities if entity.partition(":")[0] in kinds)
            _add(did.setdefault((hour, caller, entities), Calls()), looked, one.document)
    found = numbers.counted(definition, ((*place, seen) for place, seen in did.items()), called)
    for (hour, entity), calls in found.items():
        yield Key(definition.id, entity, hour * HOUR_SEC // resolution_sec), calls


def _add(seen: Calls, looked: Numbers, document: Document) -> None:
    seen.calls += 1
    seen.to.add(field(document, looked.called))
    seen.where += looked.where is not None and evaluate(looked.where, document) is True
    value = None if looked.of is None else evaluate(looked.of, document)
    if value is not None:
        seen.total, seen.measured = seen.total + value, seen.measured + 1


def _parts(definition: Definition, record: Record, resolution_sec: int, until: int) -> list[tuple[int, Parts]]:
    """What one record adds, by bucket."""
    bucket = record.moment // (resolution_sec * 1000)
    if definition.kind == "integral":
        return _integral(definition, record.document, resolution_sec)
    if definition.kind == "percentile":
        return [(bucket, Parts(bins=_bins(definition, record.document)))]
    if definition.settle_sec and record.moment >= settled(definition, until):
        return [(bucket, Parts())]
    groups = (definition.numerator, definition.denominator, definition.samples, definition.candidates)
    numbers = [sum(counts(aggregate, record.document) for aggregate in group) for group in groups]
    return [(bucket, Parts(numbers[0], numbers[1], int(numbers[2]), int(numbers[3])))]


def _bins(definition: Definition, document: Document) -> dict[int, int]:
    if definition.where is not None and evaluate(definition.where, document) is not True:
        return {}
    values = [evaluate(node, document) for node in definition.values]
    return bins.merged({bins.index(value, definition.edge): 1} for value in values if value is not None)


def _integral(definition: Definition, document: Document, resolution_sec: int) -> list[tuple[int, Parts]]:
    laid = _laid(definition, document)
    if laid is None:
        return []
    per = resolution_sec * 1000 // BASE_MS
    return [(bucket, Parts(numerator=amount, samples=1)) for bucket, amount in spread_over(laid, per)]


def _laid(definition: Definition, document: Document) -> Laid | None:
    spread = definition.spread
    if spread is None or (spread.where is not None and evaluate(spread.where, document) is not True):
        return None
    begins, ends = moment_ms(document, spread.start), moment_ms(document, spread.end)
    if begins is None or ends is None:
        return None
    amount = ends - begins if spread.amount is None else evaluate(spread.amount, document)
    return None if amount is None else lay(begins, ends, amount)


def record(service: Service, document: Document) -> Record:
    """A CDR document of a service, ready to count."""
    names = {own(service)}
    for kind, fields in service.entities.items():
        values = [field(document, name) for name in fields]
        names |= {f"{kind}:{value}" for value in values if value is not None}
    return Record(document, moment_ms(document, "@timestamp") or 0, frozenset(names))


def _activity(definitions: Mapping[str, Definition], records: Sequence[Record], density: int) -> Activity:
    integrals = [definition for definition in definitions.values() if definition.kind == "integral"]
    hours: Counter[tuple[str, str, int]] = Counter()
    for record in records:
        if not counting.is_delivered(record.document):
            continue
        names = [ALL_RECORDS, *(one.id for one in integrals if _laid(one, record.document) is not None)]
        hours.update((name, entity, record.moment // (HOUR_SEC * 1000)) for name in names for entity in record.entities)
    activity = Activity(density)
    for (name, entity, hour), count in hours.items():
        key = name, entity, hour // 24
        activity.put(*key, max(activity.counts.get(key, 0), count))
    return activity
