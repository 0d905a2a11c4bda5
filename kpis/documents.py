"""Points as documents: JSON made straight into bytes, since the first roll-up writes a million of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime

import orjson

from contracts.clock import from_epoch_ms, iso
from contracts.entities import Entity
from contracts.ids import joined
from contracts.indices import KPI_INDEX
from infrastructure.store import Operation
from kpis.definitions import Definition
from kpis.parts import ORIGIN, Point


def point_id(definition: Definition, entity: str, bucket: str, origin: str = ORIGIN) -> str:
    """Id of a point: the same bucket rolled again overwrites its point. `bucket` is its start as ISO text."""
    return joined((definition.id, definition.version, entity, bucket, origin))


class Documents:
    """Makes bulk operations of points at one resolution; `place` says where a document of an index and time goes."""

    def __init__(
        self,
        definitions: Sequence[Definition],
        resolution_sec: int,
        ingested: datetime,
        place: Callable[[str, datetime], str],
    ) -> None:
        self._definitions = {definition.id: definition for definition in definitions}
        self._place, self._index = place, KPI_INDEX[resolution_sec]
        self._buckets: dict[int, tuple[str, str]] = {}
        self._entities: dict[str, str] = {}
        moment = f'","event":{{"ingested":"{iso(ingested)}"}},"service":{{"name":"'
        self._heads = {d.id: f'{moment}{d.service}"}},"entity":' for d in definitions}
        self._tails = {
            d.id: f',"kpi":{{"id":"{d.id}","version":{d.version},"unit":{_text(d.unit)},'
            f'"resolution":{{"sec":{resolution_sec}}},"origin":"{ORIGIN}","state":"'
            for d in definitions
        }

    def operations(self, points: Iterable[Point]) -> Iterator[Operation]:
        """One `index` operation a point."""
        for point in points:
            bucket, index = self._bucket(point.bucket_ms)
            id = point_id(self._definitions[point.kpi], point.entity, bucket)  # noqa: A001
            yield Operation("index", index, id, self._source(point, bucket))

    def _bucket(self, milliseconds: int) -> tuple[str, str]:
        found = self._buckets.get(milliseconds)
        if found is None:
            moment = from_epoch_ms(milliseconds)
            found = self._buckets[milliseconds] = iso(moment), self._place(self._index, moment)
        return found

    def _source(self, point: Point, bucket: str) -> bytes:
        entity = self._entities.get(point.entity)
        if entity is None:
            kind, name = Entity.parse(point.entity)
            entity = self._entities[point.entity] = f'{{"type":{_text(kind)},"id":{_text(name)}}}'
        head, tail = self._heads[point.kpi], self._tails[point.kpi]
        text = f'{{"@timestamp":"{bucket}{head}{entity}{tail}{point.state}","samples":{point.samples}'
        if point.value is not None:
            text += f',"value":{point.value!r}'
        if point.numerator is not None:
            text += f',"numerator":{point.numerator!r}'
        if point.denominator is not None:
            text += f',"denominator":{point.denominator!r}'
        return (text + (f',"bins":"{point.bins}"}}}}' if point.bins else "}}")).encode()


def _text(value: str) -> str:
    return orjson.dumps(value).decode()
