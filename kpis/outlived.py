"""Points that outlived their records: the partition of these was dropped, and late ones make it anew.

A point with samples that was written before the partition of its records was made has records behind it that are gone. It
stands where it counted more than what is there now: what is left must not overwrite it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from contracts.clock import epoch_ms, floor_to, from_epoch_ms, iso
from contracts.indices import BY_NAME, KPI_INDEX
from infrastructure.exchange import path_of
from infrastructure.store import Store
from kpis.answers import tables
from kpis.spans import Span

_DAY = timedelta(days=1)
_CLOCKS_DIFFER_MS = 3_600_000
_AT_ONCE = 200  # partitions asked about in one query


class Place(NamedTuple):
    """Where a point is: `kpi` by id and version, `bucket_ms` its start."""

    kpi: str
    version: int
    entity: str
    bucket_ms: int


class Partitions:
    """When the partitions of an index were made, as of `now`. One that is not there will be made: its records are all gone.

    A partition that was made after now says nothing: then the points' clock and Elasticsearch's cannot be compared.
    """

    def __init__(self, store: Store, index: str, now: datetime) -> None:
        self._store, self._index, self._now = store, index, epoch_ms(now)
        made = _made(store, index) if BY_NAME[index].grows else {}
        latest = self._now + _CLOCKS_DIFFER_MS
        self._made = {name: moment if moment <= latest else 0 for name, moment in made.items()}

    def made_ms(self, bucket_ms: int) -> int:
        return self._made.get(self._store.place(self._index, from_epoch_ms(bucket_ms)), self._now)

    def older_points(self, spans: Iterable[Span], condition: Mapping[str, object]) -> bool:
        """Whether any point of these spans with samples, that meets the condition, was written before its partition was made."""
        if not BY_NAME[self._index].grows:
            return False
        asked = [_older(first, last, self.made_ms(first)) for first, last in self._pieces(spans)]
        index = ",".join(KPI_INDEX.values())
        for start in range(0, len(asked), _AT_ONCE):
            some = {"bool": {"should": asked[start : start + _AT_ONCE], "minimum_should_match": 1}}
            with_samples = {"range": {"kpi.samples": {"gt": 0}}}
            if self._store.count(index, {"bool": {"filter": [condition, with_samples, some]}}):
                return True
        return False

    def _pieces(self, spans: Iterable[Span]) -> Iterator[Span]:
        """The spans, whole days, cut where a partition ends."""
        for start, end in spans:
            day, first, name = floor_to(from_epoch_ms(start), 86400), None, ""
            while epoch_ms(day) < end:
                own = self._store.place(self._index, day)
                if own != name and first is not None:
                    yield first, epoch_ms(day)
                if own != name:
                    first, name = epoch_ms(day), own
                day += _DAY
            if first is not None:
                yield first, epoch_ms(day)

    def outlived(self, condition: str, resolution_sec: int, span: Span) -> dict[Place, int]:
        """Samples of the points of a span that stand, by place. `condition`: ES|QL."""
        query = f"""FROM {KPI_INDEX[resolution_sec]}
| WHERE @timestamp >= ? AND @timestamp < ? AND kpi.samples > 0 AND {condition}
| EVAL k = TO_LONG(@timestamp), e = CONCAT(entity.type, ":", entity.id)
| STATS s = MAX(kpi.samples), w = MAX(TO_LONG(event.ingested)) BY i = kpi.id, v = kpi.version, e, k"""
        return {
            Place(row["i"], row["v"], row["e"], row["k"]): row["s"]
            for table in tables(self._store, query, span, resolution_sec)
            for row in table.dicts()
            if row["w"] < self.made_ms(row["k"])
        }


def _older(first: int, last: int, made: int) -> dict[str, object]:
    times = {"gte": iso(from_epoch_ms(first)), "lt": iso(from_epoch_ms(last))}
    written = {"lt": iso(from_epoch_ms(made))}
    return {"bool": {"filter": [{"range": {"@timestamp": times}}, {"range": {"event.ingested": written}}]}}


def _made(store: Store, index: str) -> dict[str, int]:
    """Epoch milliseconds by partition."""
    path = path_of(f"{index}-*", "_settings", "index.creation_date")
    params = {"ignore_unavailable": "true", "flat_settings": "true"}
    answer = store.exchange.ask("GET", path, params=params, allow=(404,))
    parts = {name: part["settings"] for name, part in answer.items() if isinstance(part, dict) and "settings" in part}
    return {name: int(found["index.creation_date"]) for name, found in parts.items()}
