"""The collector of formulas: the values of other KPIs side by side, from Elasticsearch, and the formula over each row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from contracts.clock import parse_iso
from contracts.entities import Entity
from contracts.indices import KPI_INDEX
from infrastructure.store import Store
from kpis import compiler
from kpis.collecting.interface import Due
from kpis.formulas import Formula, Missing, NotMeasurable, evaluate
from kpis.formulas.language import Input
from kpis.parts import State
from kpis.tracking.model import Tracked
from kpis.tracking.points import Value, constants

HOUR_SEC = 3600


class Formulas:
    """`versions`: of every KPI that a formula may read, by id."""

    def __init__(self, versions: Mapping[str, int]) -> None:
        self._versions = versions

    def touched(self, store: Store, tracked: Tracked, before: datetime | None) -> datetime | None:
        indices = ", ".join(dict.fromkeys(KPI_INDEX[sec] for sec in _resolutions(tracked)))
        conditions = [f"kpi.id IN ({constants(_formula(tracked).kpis)})", *(["event.ingested >= ?"] if before else [])]
        query = f"FROM {indices}\n| WHERE {' AND '.join(conditions)}\n| STATS t = MIN(@timestamp)"
        rows = store.esql(query, [before] if before else []).dicts()
        found = rows[0]["t"] if rows else None
        return parse_iso(found) if found else None

    def values(self, store: Store, tracked: Tracked, due: Due) -> Iterator[Value]:
        query, step = text(tracked, self._versions, due.resolution_sec), timedelta(seconds=due.resolution_sec)
        for table in store.esql_windows(lambda a, b: (query, [a, b]), due.start, due.end, step=step):
            for row in table.dicts():
                value = _value(tracked, row, due.resolution_sec)
                if value is not None:
                    yield value


def text(tracked: Tracked, versions: Mapping[str, int], resolution_sec: int) -> str:
    """ES|QL: the inputs' values `i0`, `i1` … per bucket `k` and entity (`t`, `e`), their fewest samples, and what they lack."""
    formula = _formula(tracked)
    known = " OR ".join(
        f"(kpi.id == {compiler.constant(name)} AND kpi.version == {versions.get(name, 1)})" for name in formula.kpis
    )
    own = f"kpi.resolution.sec == {resolution_sec}"
    columns = [
        f"i{position} = MAX(kpi.value) WHERE kpi.id == {compiler.constant(each.kpi)} AND "
        + (f"kpi.resolution.sec == {HOUR_SEC}" if each.busiest else own)
        for position, each in enumerate(formula.inputs)
    ]
    states = [f'{state} = COUNT(*) WHERE kpi.state == "{state}" AND {own}' for state in _STATES]
    kinds = f" AND entity.type IN ({constants(tracked.dimensions)})" if tracked.dimensions else ""
    indices = ", ".join(
        KPI_INDEX[sec] for sec in dict.fromkeys((resolution_sec, *_resolutions(tracked, resolution_sec)))
    )
    return f"""FROM {indices}
| WHERE @timestamp >= ? AND @timestamp < ? AND ({known}){kinds}
| EVAL k = TO_LONG(@timestamp) / {resolution_sec * 1000}
| STATS {", ".join(columns)}, {", ".join(states)}, s = MIN(kpi.samples) WHERE {own} BY k, t = entity.type, e = entity.id"""


_STATES: tuple[State, ...] = ("no_data", "not_measurable", "insufficient_data")


def _value(tracked: Tracked, row: dict[str, Any], resolution_sec: int) -> Value | None:
    formula, entity = _formula(tracked), str(Entity(row["t"], row["e"]))
    start, samples = row["k"] * resolution_sec * 1000, row["s"] or 0
    inputs: dict[Input, float | None] = {each: row[f"i{position}"] for position, each in enumerate(formula.inputs)}
    try:
        found = evaluate(formula, inputs, resolution_sec)
    except NotMeasurable:
        return Value(entity, start, None, None, None, samples, "not_measurable")
    except Missing:
        lacking = next((state for state in _STATES[:2] if row[state]), None)
        return Value(entity, start, None, None, None, 0, lacking) if lacking else None
    few = bool(row["insufficient_data"]) or samples < tracked.least_sample
    return Value(entity, start, found, None, None, samples, "insufficient_data" if few else "ok")


def _resolutions(tracked: Tracked, *only: int) -> list[int]:
    """Of the points that its inputs are read from."""
    hours = [HOUR_SEC] if _formula(tracked).daily else []
    return [*(only or tracked.resolutions), *hours]


def _formula(tracked: Tracked) -> Formula:
    if tracked.formula is None:
        raise TypeError(f"{tracked.id} has no formula")
    return tracked.formula
