"""Every KPI of the larger entities over a window, and by the day: few queries for many KPIs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from contracts.clock import from_epoch_ms
from contracts.entities import Entity
from contracts.indices import KPI_INDEX
from infrastructure.store import Store
from kpis.formulas import Missing, NotMeasurable, evaluate
from kpis.history.windows import DAY_SEC, Merged, merge_row, merged_by_entity
from kpis.tracking import Registry, Tracked
from kpis.tracking.points import constants

Place = tuple[str, str]  # KPI, entity


def overview(
    store: Store, registry: Registry, start: datetime, end: datetime, kinds: Sequence[str] = ("service", "network")
) -> dict[Place, Merged]:
    """Values over start ≤ t < end, whole UTC days, of every active KPI and entity of these kinds that has any."""
    query = f"""FROM {KPI_INDEX[DAY_SEC]}
| WHERE @timestamp >= ? AND @timestamp < ? AND entity.type IN ({constants(kinds)})
| STATS a = SUM(kpi.numerator), d = SUM(kpi.denominator), v = SUM(kpi.value), m = MAX(kpi.value), c = COUNT(kpi.value),
        s = SUM(kpi.samples) BY i = kpi.id, n = kpi.version, o = kpi.origin, t = entity.type, e = entity.id"""
    found: dict[Place, Merged] = {}
    for row in store.esql(query, [start, end]).dicts():
        one = _present(registry, row)
        if one is not None and one.merge != "bins" and (one.formula is None or one.formula.daily):
            found[one.id, str(Entity(row["t"], row["e"]))] = merge_row(one, row)
    for one in registry.active():
        if one.merge == "bins":
            for kind in kinds:
                rows = merged_by_entity(store, registry, one, start, end, kind=kind)
                found |= {(one.id, entity): value for entity, value in rows.items()}
    seconds = (end - start).total_seconds()
    for name in registry.order():
        _formula(registry.known[name], found, seconds, kinds)
    return found


def daily(
    store: Store, registry: Registry, start: datetime, end: datetime, kinds: Sequence[str] = ("service", "network")
) -> dict[Place, list[tuple[datetime, float]]]:
    """The values by the day, oldest first."""
    query = f"""FROM {KPI_INDEX[DAY_SEC]}
| WHERE @timestamp >= ? AND @timestamp < ? AND entity.type IN ({constants(kinds)}) AND kpi.value IS NOT NULL
| EVAL k = TO_LONG(@timestamp)
| STATS v = MAX(kpi.value) BY k, i = kpi.id, n = kpi.version, o = kpi.origin, t = entity.type, e = entity.id
| SORT k"""
    found: dict[Place, list[tuple[datetime, float]]] = defaultdict(list)
    for table in store.esql_windows(lambda a, b: (query, [a, b]), start, end, step=timedelta(seconds=DAY_SEC)):
        for row in table.dicts():
            one = _present(registry, row)
            if one is not None:
                found[one.id, str(Entity(row["t"], row["e"]))].append((from_epoch_ms(row["k"]), row["v"]))
    return found


def _present(registry: Registry, row: Mapping[str, Any]) -> Tracked | None:
    """The KPI that a row is of, None where it is of an old version, or retired."""
    one = registry.known.get(row["i"])
    return one if one is not None and one.active and (row["n"], row["o"]) == (one.version, one.origin) else None


def _formula(one: Tracked, found: dict[Place, Merged], seconds: float, kinds: Sequence[str]) -> None:
    formula = one.formula
    if formula is None or formula.daily:
        return
    per_input = [{entity for name, entity in found if name == each.kpi} for each in formula.inputs]
    for entity in set.intersection(*per_input) if per_input else ():
        kind = entity.partition(":")[0]
        if kind not in kinds or (one.dimensions and kind not in one.dimensions):
            continue
        parts = [found[each.kpi, entity] for each in formula.inputs]
        try:
            value: float | None = evaluate(
                formula, {each: part.value for each, part in zip(formula.inputs, parts, strict=True)}, seconds
            )
        except (Missing, NotMeasurable):
            value = None
        found[one.id, entity] = Merged(value, min(part.samples for part in parts), min(part.buckets for part in parts))
