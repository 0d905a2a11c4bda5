"""Longer buckets from shorter ones, inside Elasticsearch: parts are summed, never averages averaged."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from contracts.indices import KPI_INDEX
from infrastructure.store import Store
from kpis import compiler
from kpis.collecting.interface import Due
from kpis.parts import State
from kpis.tracking.model import Tracked
from kpis.tracking.points import Value


def merged(store: Store, tracked: Tracked, finer_sec: int, due: Due) -> Iterator[Value]:
    """The values of the buckets of `due` from the points by `finer_sec`: sum, maximum, or mean of all samples."""
    query = f"""FROM {KPI_INDEX[finer_sec]}
| WHERE @timestamp >= ? AND @timestamp < ?
| WHERE kpi.id == {compiler.constant(tracked.id)} AND kpi.version == {tracked.version}
| WHERE kpi.origin == {compiler.constant(tracked.origin)}
| EVAL k = TO_LONG(@timestamp) / {due.resolution_sec * 1000}, e = CONCAT(entity.type, ":", entity.id)
| STATS a = SUM(kpi.numerator), d = SUM(kpi.denominator), m = MAX(kpi.value), s = SUM(kpi.samples) BY k, e"""
    step = timedelta(seconds=due.resolution_sec)
    for table in store.esql_windows(lambda a, b: (query, [a, b]), due.start, due.end, step=step):
        for row in table.dicts():
            start = row["k"] * due.resolution_sec * 1000
            if not row["d"]:
                yield Value(row["e"], start, None, None, None, 0, "no_data")
                continue
            value = {"sum": row["a"], "max": row["m"]}.get(tracked.merge, row["a"] / row["d"])
            few: State = "ok" if row["s"] >= tracked.least_sample else "insufficient_data"
            yield Value(row["e"], start, value, row["a"], row["d"], row["s"], few)
