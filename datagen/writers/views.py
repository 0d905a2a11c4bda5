"""What a row of the table becomes in a format that has several records a call: events, transactions, legs."""

from __future__ import annotations

import numpy as np

from datagen.table import MISSING, Table, concatenate, label, length, take, time, whole
from datagen.writers.cells import holds
from datagen.writers.resolve import supplement_of
from datagen.writers.supplements import RecordOf
from mediation.layout import Layout

_DISPOSITION, _PDD, _START = "voip.disposition", "voip.pdd.ms", "event.start"


def records_of(layout: Layout, table: Table) -> Table:
    """A table with a row a record; `_time` is when it is written, `_row` the row it came from. In no order."""
    supplement = supplement_of(layout)
    if not supplement.records:
        return table
    table = {**_with_ringing(table), "_row": whole(np.arange(length(table)))}
    return concatenate([_records(record, table) for record in supplement.records])


def _records(record: RecordOf, table: Table) -> Table:
    rows = take(table, np.flatnonzero(holds(record.when, table)))
    size = length(rows)
    made = dict(rows)
    moment = rows[record.time].values
    # Written at that moment by the clock of the file, which `_time` goes by; the clock in the record may be wrong.
    made["_time"] = time(rows["_time"].values + moment - rows["@timestamp"].values)
    made["@timestamp"] = time(moment)
    for name, value in record.set.items():
        made[name] = (
            whole(np.full(size, value)) if isinstance(value, int) else label(np.zeros(size, np.int64), (value,))
        )
    for name, source in record.copy.items():
        made[name] = rows[source]
    return made


def _with_ringing(table: Table) -> Table:
    """`_ringing`: when the called side began to ring; missing where it never did."""
    if any(name not in table for name in (_DISPOSITION, _PDD, _START)):
        return table
    rang = holds({_DISPOSITION: ("answered", "ringing")}, table) & (table[_PDD].values != MISSING)
    return {**table, "_ringing": time(np.where(rang, table[_START].values + table[_PDD].values, MISSING))}
