"""The collector of KPIs over our own indices: one ES|QL query per entity type, counted inside Elasticsearch."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from contracts.clock import epoch_ms, parse_iso
from contracts.entities import Entity
from contracts.indices import CDR_INDEX, CORRELATED_INDEX, KPI_INDEX
from infrastructure.store import Store
from kpis import compiler, counting
from kpis.collecting.interface import Due
from kpis.outlived import Partitions
from kpis.parts import State
from kpis.tracking.model import WHOLE, Measure, Tracked
from kpis.tracking.points import Value
from kpis.tracking.reading import ELAPSED

_RECENT = timedelta(days=2)  # what is due in every run; whole partitions are older when they are dropped
_LONGEST_NAME = 200  # characters of an entity's name; longer ones are broken records


class Stored:
    """`values` has zeros of `network:all` where the definition says that no record is zero."""

    def touched(self, store: Store, tracked: Tracked, before: datetime | None) -> datetime | None:
        measure = _measure(tracked)
        time = compiler.field(measure.time)
        conditions = [f"{time} IS NOT NULL", *(["event.ingested >= ?"] if before else [])]
        query = f"FROM {_sources(measure)}\n| WHERE {' AND '.join(conditions)}\n| STATS t = MIN({time})"
        rows = store.esql(query, [before] if before else []).dicts()
        found = rows[0]["t"] if rows else None
        return parse_iso(found) if found else None

    def values(self, store: Store, tracked: Tracked, due: Due) -> Iterator[Value]:
        standing = _outlived(store, tracked, due)
        for value in self._values(store, tracked, due):
            if value.samples >= standing.get((value.entity, value.bucket_ms), 0):
                yield value

    def _values(self, store: Store, tracked: Tracked, due: Due) -> Iterator[Value]:
        measure = _measure(tracked)
        made: set[tuple[str, int]] = set()
        for kind, field in measure.entities.items():
            query, step = text(measure, field, due.resolution_sec), timedelta(seconds=due.resolution_sec)
            for table in store.esql_windows(lambda a, b, q=query: (q, [a, b]), due.start, due.end, step=step):  # type: ignore[misc]
                for row in table.dicts():
                    value = _value(tracked, measure, kind, row, due.resolution_sec)
                    if value is not None:
                        made.add((value.entity, value.bucket_ms))
                        yield value
        yield from _taken_back(store, tracked, measure, due, made)
        if measure.zero and "" in measure.entities.values():
            yield from _zeros(due, made)


def text(measure: Measure, field: str, resolution_sec: int) -> str:
    """ES|QL of the aggregates `a0`, `a1` (numerator, denominator) and `n` records per bucket `k` (and entity `e`)."""
    time = compiler.field(measure.time)
    conditions = [f"{time} >= ? AND {time} < ?", *([compiler.value(measure.where)] if measure.where else [])]
    conditions += [counting.condition(measure.per)] if measure.per else []
    evals = [f"k = TO_LONG({time}) / {resolution_sec * 1000}"]
    if measure.elapsed:
        begin, end = (f"TO_LONG({compiler.field(name)})" for name in measure.elapsed)
        evals.append(f"{ELAPSED} = CASE({end} >= {begin}, ({end} - {begin}) / 1000.0)")
    parts = [*measure.numerator, *measure.denominator]
    columns = [f"a{position} = {compiler.aggregate(part)}" for position, part in enumerate(parts)]
    by = f"k, e = {compiler.field(field)}" if field else "k"
    return f"""FROM {_sources(measure)}
| WHERE {" AND ".join(conditions)}
| EVAL {", ".join(evals)}
| STATS {", ".join([*columns, "n = COUNT(*)"])} BY {by}"""


def _sources(measure: Measure) -> str:
    service = next((name for name, index in CDR_INDEX.items() if index == measure.index), "")
    made = CORRELATED_INDEX.get(service) if measure.per == "call" else None
    return f"{measure.index}, {made}" if made else measure.index


def _value(tracked: Tracked, measure: Measure, kind: str, row: dict[str, object], step_sec: int) -> Value | None:
    name = row.get("e", "all")
    if not name or len(str(name)) > _LONGEST_NAME:
        return None
    entity, start = str(Entity(kind, str(name))), int(str(row["k"])) * step_sec * 1000
    numerator = float(str(row["a0"] or 0))
    if measure.kind == "count":
        return Value(entity, start, numerator, None, None, int(str(row["n"])), "ok")
    denominator = float(str(row["a1"] or 0))
    if denominator == 0:
        return Value(entity, start, None, None, None, int(str(row["n"])), "not_measurable")
    state: State = "ok" if denominator >= tracked.least_sample else "insufficient_data"
    return Value(entity, start, numerator / denominator, numerator, denominator, int(denominator), state)


def _outlived(store: Store, tracked: Tracked, due: Due) -> dict[tuple[str, int], int]:
    """Samples of the points that stand, by entity and bucket: what is behind them was dropped. Asked where due reaches back."""
    if due.end - due.start <= _RECENT:
        return {}
    span = epoch_ms(due.start), epoch_ms(due.end)
    partitions = Partitions(store, _measure(tracked).index, store.clock())
    if not partitions.older_points([span], {"term": {"kpi.id": tracked.id}}):
        return {}
    own = f'kpi.id == {compiler.constant(tracked.id)} AND kpi.version == {tracked.version} AND kpi.origin == "store"'
    found = partitions.outlived(own, due.resolution_sec, span)
    return {(place.entity, place.bucket_ms): samples for place, samples in found.items()}


def _taken_back(
    store: Store, tracked: Tracked, measure: Measure, due: Due, made: set[tuple[str, int]]
) -> Iterator[Value]:
    """Points that stand where nothing is behind them any more: an incident withdrawn, a ticket moved."""
    query = f"""FROM {KPI_INDEX[due.resolution_sec]}
| WHERE @timestamp >= ? AND @timestamp < ? AND kpi.samples > 0
| WHERE kpi.id == {compiler.constant(tracked.id)} AND kpi.version == {tracked.version} AND kpi.origin == "store"
| EVAL k = TO_LONG(@timestamp), e = CONCAT(entity.type, ":", entity.id)
| STATS n = COUNT(*) BY k, e"""
    step = timedelta(seconds=due.resolution_sec)
    for table in store.esql_windows(lambda a, b: (query, [a, b]), due.start, due.end, step=step):
        for row in table.dicts():
            if (row["e"], row["k"]) not in made:
                made.add((row["e"], row["k"]))
                none: State = "ok" if measure.zero else "insufficient_data"
                yield Value(row["e"], row["k"], 0.0 if measure.zero else None, None, None, 0, none)


def _zeros(due: Due, made: set[tuple[str, int]]) -> Iterator[Value]:
    step = due.resolution_sec * 1000
    for start in range(round(due.start.timestamp() * 1000), round(due.end.timestamp() * 1000), step):
        if (WHOLE, start) not in made:
            yield Value(WHOLE, start, 0.0, None, None, 0, "ok")


def _measure(tracked: Tracked) -> Measure:
    if tracked.measure is None:
        raise TypeError(f"{tracked.id} is not made from an index")
    return tracked.measure
