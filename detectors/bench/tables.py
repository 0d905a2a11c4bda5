"""Generated tables → parts of every KPI, entity and five minutes, straight: what mediation and the roll-up would count.

The records of a day are counted column by column (`columns`), which takes seconds for eight weeks where the whole way through
files and a node takes the better part of an hour; a test holds the sums to the pure twin (`kpis.twin`). Memory is bounded by a
day of records and the parts themselves.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from datagen.table import MISSING, Table, length, whole
from detectors.bench import numbers
from detectors.bench.columns import amounts, evaluate, holds
from detectors.panel import Floats, Ints
from kpis import bins
from kpis.catalogue import Service
from kpis.definitions import Definition
from kpis.integrals import LARGEST, LONGEST_MS
from kpis.parts import BASE_MS

PARTS = ("numerator", "denominator", "samples", "candidates")


@dataclass
class Tally:
    """Sums of one KPI: shape (entities, buckets). `bins`: of a percentile, rows of entity, bucket, bin."""

    sums: dict[str, Floats]
    bins: list[Ints] = field(default_factory=list)


@dataclass
class Counts:
    """Of one service: `entities` (`type:id`), `records` in each five minutes, and a tally per KPI."""

    entities: tuple[str, ...]
    first_ms: int
    buckets: int
    records: Floats
    tallies: dict[str, Tally]


def entities_of(service: Service, table: Table) -> tuple[str, ...]:
    """Every entity that the table's words name, the service itself first."""
    named = [
        f"{kind}:{word}"
        for kind, fields in service.entities.items()
        for word in dict.fromkeys(word for name in fields for word in table[name].labels)
    ]
    return (f"service:{service.name}", *named)


def count(
    definitions: Sequence[Definition], service: Service, days: Iterator[Table], first_ms: int, buckets: int
) -> Counts:
    """Sums over all days. `days`: tables in order of time; what lies outside the buckets is left out."""
    counts: Counts | None = None
    for table in days:
        table = _completed(table)
        if counts is None:
            entities = entities_of(service, table)
            shape = (len(entities), buckets)
            tallies = {one.id: Tally({part: np.zeros(shape) for part in PARTS}) for one in definitions}
            counts = Counts(entities, first_ms, buckets, np.zeros(shape), tallies)
        _add(counts, definitions, service, table)
    assert counts is not None  # noqa: S101  a run has at least a day
    return counts


def _completed(table: Table) -> Table:
    """With the fields that mediation derives: packets lost, and the delay of a message."""
    made = dict(table)
    for side in ("calling", "called"):
        sent = table.get(f"voip.{side}.packets.expected")
        if sent is not None:
            got = table[f"{side}_received"].values
            made[f"voip.{side}.packets.lost"] = whole(np.where(got == MISSING, MISSING, sent.values - got))
    if "sms.result" in table:
        end, start = table["event.end"].values, table["event.start"].values
        made["sms.delay.sec"] = table["event.end"].of(end)
        made["sms.delay.sec"] = type(made["sms.delay.sec"])(
            "decimal", np.where(end == MISSING, MISSING, end - start), places=3
        )
    return made


def _places(counts: Counts, service: Service, table: Table, kinds: Sequence[str]) -> tuple[Ints, Ints]:
    """(entity, row) pairs: a record counts once for each different entity of the kinds."""
    place = {name: number for number, name in enumerate(counts.entities)}
    rows = np.arange(length(table))
    pairs = [(np.zeros_like(rows), rows)] if "service" in kinds else []
    for kind, fields in service.entities.items():
        if kind not in kinds:
            continue
        seen: list[Ints] = []
        for name in fields:
            own = np.array([place[f"{kind}:{word}"] for word in table[name].labels] + [MISSING], dtype=np.int64)
            entity = own[table[name].values]
            new = entity != MISSING
            for other in seen:
                new &= entity != other
            pairs.append((entity[new], rows[new]))
            seen.append(entity)
    return np.concatenate([pair[0] for pair in pairs]), np.concatenate([pair[1] for pair in pairs])


def _add(counts: Counts, definitions: Sequence[Definition], service: Service, table: Table) -> None:
    bucket = (table["@timestamp"].values - counts.first_ms) // BASE_MS
    known: dict[tuple[str, ...], tuple[Ints, Ints]] = {}
    everything = ("service", *service.entities)
    for kinds in {everything, *(one.dimensions for one in definitions)}:
        known[kinds] = _places(counts, service, table, kinds)
    entity, row = known[everything]
    _sum(counts.records, entity, bucket[row], np.ones(len(row)))
    for one in definitions:
        entity, row = known[one.dimensions]
        tally = counts.tallies[one.id]
        if one.kind == "percentile":
            _bins(tally, one, table, entity, row, bucket, counts.buckets)
        elif one.kind == "integral":
            _integral(tally, one, table, entity, row, counts)
        else:
            groups = (one.numerator, one.denominator, one.samples, one.candidates)
            for part, aggregates in zip(PARTS, groups, strict=True):
                if aggregates:
                    each = np.sum([amounts(aggregate, table) for aggregate in aggregates], axis=0)
                    _sum(tally.sums[part], entity, bucket[row], each[row])
            if one.numbers is not None:
                _sum(tally.sums["numerator"], *numbers.fanned(one, table, entity, row, bucket))


def _sum(total: Floats, entity: Ints, bucket: Ints, amount: Floats) -> None:
    inside = (bucket >= 0) & (bucket < total.shape[1])
    if not inside.any():
        return
    low, high = int(bucket[inside].min()), int(bucket[inside].max()) + 1
    at = entity[inside] * (high - low) + bucket[inside] - low
    added = np.bincount(at, weights=amount[inside], minlength=len(total) * (high - low))
    total[:, low:high] += added.reshape(len(total), high - low)


def _bins(tally: Tally, one: Definition, table: Table, entity: Ints, row: Ints, bucket: Ints, buckets: int) -> None:
    counted = holds(one.where, table) if one.where is not None else np.ones(length(table), dtype=bool)
    for node in one.values:
        found = evaluate(node, table)
        used = counted[row] & found.known[row] & (bucket[row] >= 0) & (bucket[row] < buckets)
        ratio = np.maximum(found.values[row][used] / one.edge, bins.FLOOR)
        index = np.ceil(np.log10(ratio) * bins.SCALE - bins.TOLERANCE).astype(np.int64)
        tally.bins.append(np.stack([entity[used], bucket[row][used], index]).astype(np.int32))


def _integral(tally: Tally, one: Definition, table: Table, entity: Ints, row: Ints, counts: Counts) -> None:
    """As `kpis.integrals.lay`, for all rows: the first and last bucket's amounts, and a rate between them."""
    spread = one.spread
    assert spread is not None  # noqa: S101  an integral has one
    used = holds(spread.where, table) if spread.where is not None else np.ones(length(table), dtype=bool)
    begins, ends = table[spread.start].values, table[spread.end].values
    used = used & (begins != MISSING) & (ends != MISSING) & (ends - begins <= LONGEST_MS) & (ends >= begins)
    amount = ends - begins
    if spread.amount is not None:
        found = evaluate(spread.amount, table)
        amount, used = found.values, used & found.known
    used &= (amount >= 0) & (amount <= LARGEST)
    kept = used[row]
    entity, row = entity[kept], row[kept]
    begins, ends, amount = begins[row], ends[row], amount[row]
    first = begins // BASE_MS
    last = np.where(ends > begins, ends - 1, ends) // BASE_MS
    span = np.maximum(ends - begins, 1)
    rate = np.where(first == last, 0, amount * BASE_MS // span)
    rest = amount - rate * np.maximum(last - first - 1, 0)
    left, right = (first + 1) * BASE_MS - begins, ends - last * BASE_MS
    head = np.where(first == last, amount, rest * left // np.maximum(left + right, 1))
    offset = counts.first_ms // BASE_MS
    first, last = first - offset, last - offset
    _sum(tally.sums["numerator"], entity, first, head.astype(float))
    _sum(tally.sums["numerator"], entity, last, np.where(last > first, rest - head, 0).astype(float))
    for step in range(int((last - first).max(initial=0)) + 1):  # a record lies in few buckets: hours at most
        _sum_if(tally.sums["samples"], entity, first + step, last, np.ones(len(row)))
        if step:
            _sum_if(tally.sums["numerator"], entity, first + step, last - 1, rate.astype(float))


def _sum_if(total: Floats, entity: Ints, bucket: Ints, latest: Ints, amount: Floats) -> None:
    inside = bucket <= latest
    if inside.any():
        _sum(total, entity[inside], bucket[inside], amount[inside])
