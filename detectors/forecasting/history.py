"""The stored points of one KPI and entity as a series without gaps in its clock."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, NamedTuple

import numpy as np

from contracts.clock import epoch_ms, from_epoch_ms, iso, parse_iso
from contracts.entities import Entity
from contracts.indices import KPI_INDEX
from detectors.forecasting.scale import Floats, Kind
from infrastructure.store import Store
from kpis.definitions import Definition

MOST_DAYS = 400  # of history read
_USABLE = ("ok", "insufficient_data")
HOUR_SEC, DAY_SEC = 3600, 86_400


class History(NamedTuple):
    """`values`: one a bucket of `step_sec` from `start`, NaN where absent; empty where there is no point."""

    start: datetime
    step_sec: int
    values: Floats

    @property
    def until(self) -> datetime:
        return self.start + timedelta(seconds=self.step_sec * len(self.values))


def history(store: Store, definition: Definition, entity: Entity, until: datetime | None = None) -> History:
    """By the hour; a thin series, which is kept by the day only, by the day. `until`: as if nothing later were known."""
    for step_sec in (HOUR_SEC, DAY_SEC):
        points = _points(store, definition, entity, step_sec, until)
        if points:
            return _gapless(points, step_sec)
    return History(until or store.clock(), HOUR_SEC, np.zeros(0))


def kind_of(definition: Definition) -> Kind:
    if definition.kind == "ratio":
        return Kind.SHARE
    return Kind.AMOUNT if definition.counted or definition.unit in ("ms", "s") else Kind.VALUE


def _points(
    store: Store, definition: Definition, entity: Entity, step_sec: int, until: datetime | None
) -> dict[int, float]:
    """Bucket start (epoch ms) → value; of two in one bucket, a manual one beside a computed one, the later written."""
    filters: list[dict[str, Any]] = [
        {"term": {"entity.type": entity.type}},
        {"term": {"entity.id": entity.id}},
        {"term": {"kpi.id": definition.id}},
        {"term": {"kpi.version": definition.version}},
        {"terms": {"kpi.state": list(_USABLE)}},
        {"range": {"@timestamp": {"gte": iso((until or store.clock()) - timedelta(days=MOST_DAYS))}}},
    ]
    if until is not None:
        filters.append({"range": {"@timestamp": {"lte": iso(until - timedelta(seconds=step_sec))}}})
    hits = store.scan(
        KPI_INDEX[step_sec],
        {"bool": {"filter": filters}},
        fields=["@timestamp", "kpi.value"],
        sort=[{"event.ingested": "asc"}],
    )
    found = {}
    for hit in hits:
        value = hit["_source"]["kpi"].get("value")
        if value is not None:
            found[epoch_ms(parse_iso(hit["_source"]["@timestamp"]))] = float(value)
    return found


def _gapless(points: dict[int, float], step_sec: int) -> History:
    first, last = min(points), max(points)
    values = np.full((last - first) // (step_sec * 1000) + 1, np.nan)
    for moment, value in points.items():
        values[(moment - first) // (step_sec * 1000)] = value
    return History(from_epoch_ms(first), step_sec, values)
