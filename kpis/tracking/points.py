"""Values of tracked KPIs as KPI points: ids, documents, and putting many short buckets together to longer ones."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import orjson

from contracts.clock import from_epoch_ms, iso
from contracts.entities import Entity
from contracts.ids import joined
from contracts.indices import KPI_INDEX
from infrastructure.store import Operation, Store
from kpis import compiler
from kpis.parts import State
from kpis.tracking.model import Tracked


class Value(NamedTuple):
    """One bucket of an entity. `value` is None unless `state` is ok or insufficient_data.

    `numerator`, `denominator`: of ratios and means; of a sampled value its sum and count.
    """

    entity: str
    bucket_ms: int
    value: float | None
    numerator: float | None
    denominator: float | None
    samples: int
    state: State


def sampled(entity: str, bucket_ms: int, value: float) -> Value:
    """A value that was read once in its bucket."""
    return Value(entity, bucket_ms, value, value, 1.0, 1, "ok")


def place_of(tracked: Tracked, entity: str, bucket_ms: int, resolution_sec: int) -> str:
    """Id of a point, whatever its value: a value made again overwrites its point."""
    moment = iso(from_epoch_ms(bucket_ms))
    return joined((tracked.id, tracked.version, entity, moment, resolution_sec, tracked.origin))


def document(tracked: Tracked, value: Value, resolution_sec: int, now: datetime, entry: str = "") -> dict[str, Any]:
    entity = Entity.parse(value.entity)
    service = entity.id if entity.type == "service" else tracked.service
    kpi: dict[str, Any] = {
        "id": tracked.id,
        "version": tracked.version,
        "unit": tracked.unit,
        "state": value.state,
        "samples": value.samples,
        "resolution": {"sec": resolution_sec},
        "origin": tracked.origin,
    }
    numbers = {"value": value.value, "numerator": value.numerator, "denominator": value.denominator}
    kpi |= {name: number for name, number in numbers.items() if number is not None}
    kpi |= {"entry": entry} if entry else {}
    found: dict[str, Any] = {
        "@timestamp": iso(from_epoch_ms(value.bucket_ms)),
        "event": {"ingested": iso(now)},
        "entity": entity._asdict(),
        "kpi": kpi,
    }
    return found | ({"service": {"name": service}} if service else {})


def operations(
    store: Store, tracked: Tracked, values: Iterable[Value], resolution_sec: int, now: datetime
) -> Iterator[Operation]:
    """One `index` operation a value."""
    for value in values:
        index = store.place(KPI_INDEX[resolution_sec], from_epoch_ms(value.bucket_ms))
        key = place_of(tracked, value.entity, value.bucket_ms, resolution_sec)
        yield Operation("index", index, key, orjson.dumps(document(tracked, value, resolution_sec, now)))


def write(store: Store, tracked: Tracked, values: Iterable[Value], resolution_sec: int, now: datetime) -> int:
    """How many were written. Raises StoreRefused naming the first document that Elasticsearch refuses."""
    return store.write_all(operations(store, tracked, values, resolution_sec, now))


def constants(names: Sequence[str]) -> str:
    """Literals of ES|QL, a comma between them."""
    return ", ".join(compiler.constant(name) for name in names)
