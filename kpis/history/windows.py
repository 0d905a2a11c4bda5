"""A KPI over a window of many buckets: parts and bins merged, formulas worked out over merged inputs. Never averages averaged."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from contracts.entities import Entity
from contracts.indices import KPI_INDEX
from infrastructure.store import Store
from kpis import bins, compiler
from kpis.formulas import Missing, NotMeasurable, evaluate
from kpis.formulas.language import Input
from kpis.tracking import Registry, Tracked

DAY_SEC = 86400


class Merged(NamedTuple):
    """`value` None: nothing measurable. `samples` records behind it; `buckets` that have a value.

    `numerator`, `denominator`: of ratios and means, None of others.
    """

    value: float | None
    samples: int
    buckets: int
    numerator: float | None = None
    denominator: float | None = None


NOTHING = Merged(None, 0, 0)


def merged(
    store: Store,
    registry: Registry,
    tracked: Tracked,
    entity: str,
    start: datetime,
    end: datetime,
    resolution_sec: int = DAY_SEC,
) -> Merged:
    """Of one entity over start ≤ t < end."""
    return merged_by_entity(store, registry, tracked, start, end, resolution_sec, entity=entity).get(entity, NOTHING)


def merged_by_entity(
    store: Store,
    registry: Registry,
    tracked: Tracked,
    start: datetime,
    end: datetime,
    resolution_sec: int = DAY_SEC,
    *,
    kind: str = "",
    entity: str = "",
) -> dict[str, Merged]:
    """Of every entity (of a `kind`, or the one `entity`) that has points in the window."""
    if tracked.formula is not None and not tracked.formula.daily:
        return _formula(store, registry, tracked, start, end, resolution_sec, kind, entity)
    if tracked.merge == "bins":
        return _binned(store, tracked, start, end, resolution_sec, kind, entity)
    query = f"""{_from(tracked, resolution_sec, kind, entity)}
| STATS a = SUM(kpi.numerator), d = SUM(kpi.denominator), v = SUM(kpi.value), m = MAX(kpi.value), c = COUNT(kpi.value),
        s = SUM(kpi.samples) BY t = entity.type, e = entity.id"""
    rows = store.esql(query, [start, end]).dicts()
    return {str(Entity(row["t"], row["e"])): merge_row(tracked, row) for row in rows}


def merge_row(tracked: Tracked, row: Mapping[str, Any]) -> Merged:
    """Of sums `a` and `d` of parts, sum `v`, maximum `m` and count `c` of values, and samples `s`."""
    count, samples = row["c"] or 0, row["s"] or 0
    if not count:
        return Merged(None, samples, 0)
    if tracked.merge == "sum":
        return Merged(row["v"], samples, count)
    if tracked.merge == "max":
        return Merged(row["m"], samples, count)
    if row["d"]:
        return Merged(row["a"] / row["d"], samples, count, row["a"], row["d"])
    return Merged(row["v"] / count, samples, count)


def _formula(
    store: Store,
    registry: Registry,
    tracked: Tracked,
    start: datetime,
    end: datetime,
    resolution_sec: int,
    kind: str,
    entity: str,
) -> dict[str, Merged]:
    formula = tracked.formula
    assert formula is not None  # noqa: S101 - the caller asked
    inputs: dict[Input, dict[str, Merged]] = {
        each: merged_by_entity(
            store, registry, registry.find(each.kpi), start, end, resolution_sec, kind=kind, entity=entity
        )
        for each in formula.inputs
    }
    seconds = (end - start).total_seconds()
    shared = set.intersection(*(set(found) for found in inputs.values())) if inputs else set()
    if tracked.dimensions:
        shared = {name for name in shared if name.partition(":")[0] in tracked.dimensions}
    found = {}
    for name in sorted(shared):
        parts = [inputs[each][name] for each in formula.inputs]
        samples, buckets = min(part.samples for part in parts), min(part.buckets for part in parts)
        try:
            value = evaluate(formula, {each: inputs[each][name].value for each in formula.inputs}, seconds)
            found[name] = Merged(value, samples, buckets)
        except (Missing, NotMeasurable):
            found[name] = Merged(None, samples, 0)
    return found


def _binned(
    store: Store, tracked: Tracked, start: datetime, end: datetime, resolution_sec: int, kind: str, entity: str
) -> dict[str, Merged]:
    definition = tracked.cdr
    assert definition is not None  # noqa: S101 - only the catalogue has percentiles
    query = f"{_from(tracked, resolution_sec, kind, entity)}\n| KEEP entity.type, entity.id, kpi.bins"
    texts: dict[str, list[str]] = defaultdict(list)
    step = timedelta(seconds=resolution_sec)
    for table in store.esql_windows(lambda a, b: (query, [a, b]), start, end, step=step):
        for kind_, name, text in table.rows:
            if text:
                texts[str(Entity(kind_, name))].append(text)
    return {name: _percentile(found, definition.percentile, definition.edge) for name, found in texts.items()}


def _percentile(texts: Iterable[str], share: float, edge: float) -> Merged:
    parts = [bins.decode(text) for text in texts]
    counts = bins.merged(parts)
    return Merged(bins.percentile(counts, share, edge), sum(counts.values()), len(parts))


def _from(tracked: Tracked, resolution_sec: int, kind: str, entity: str) -> str:
    conditions = ["@timestamp >= ? AND @timestamp < ?", own(tracked)]
    if entity:
        kind, name = Entity.parse(entity)
        conditions.append(f"entity.id == {compiler.constant(name)}")
    if kind:
        conditions.append(f"entity.type == {compiler.constant(kind)}")
    return f"FROM {KPI_INDEX[resolution_sec]}\n| WHERE {' AND '.join(conditions)}"


def own(tracked: Tracked) -> str:
    """ES|QL: points of a KPI's present version, from where its values come."""
    return (
        f"kpi.id == {compiler.constant(tracked.id)} AND kpi.version == {tracked.version} "
        f"AND kpi.origin == {compiler.constant(tracked.origin)}"
    )
