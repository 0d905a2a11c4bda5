"""Columns of checked rows: the lines that LOAD DATA reads, and what they add to the sums. As row by row; a test holds it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import Connection

from usage import schema
from usage.records import facts
from usage.records.facts import NO_DIRECTION, QUARTERS_A_DAY, SERVICES, Sums
from usage.schema import DAY_MEASURES, MEASURES

Columns = dict[str, Any]
_QUARTER_KEY = ("quarter", "service", "direction", "plan", "zone")
_DAY_KEY = ("day", "customer_id")


class ColumnSums(NamedTuple):
    """Tables with the columns of `network_quarters` and `customer_days`, in the order of their primary keys."""

    quarters: pa.Table
    days: pa.Table

    def as_sums(self) -> Sums:
        """The same by key."""
        return Sums(_by_key(self.quarters, len(_QUARTER_KEY)), _by_key(self.days, len(_DAY_KEY)))

    def add(self, connection: Connection) -> None:
        """As `facts.add`, on a server that takes files."""
        for table, found in ((schema.network_quarters, self.quarters), (schema.customer_days, self.days)):
            facts.add_staged(connection, table, table_lines(found), found.num_rows)


def _by_key(table: pa.Table, width: int) -> dict[Any, tuple[int, ...]]:
    rows = zip(*(column.to_pylist() for column in table.columns), strict=True)
    return {row[:width]: row[width:] for row in rows}


def column_sums(kind: str, columns: Columns, others: Sums) -> ColumnSums:
    """What these rows add, with what `others` do."""
    direction, quarter_values, day_values = _MEASURED[kind](columns)
    quarter = columns["quarter"]
    service = pa.array([SERVICES[kind]] * len(quarter), pa.string())
    keys = [quarter, service, direction, columns["plan"], columns["zone"]]
    days = [pc.divide(quarter, QUARTERS_A_DAY), columns["customer_id"]]
    return ColumnSums(
        _grouped(_QUARTER_KEY, keys, MEASURES, quarter_values, others.quarters),
        _grouped(_DAY_KEY, days, DAY_MEASURES, day_values, others.days),
    )


def _grouped(
    key: Sequence[str], keys: list[Any], measures: Sequence[str], values: Sequence[Any], others: dict[Any, Any]
) -> pa.Table:
    """Sums of `values` (columns, or a number for every row) by key, with those of `others`, sorted by key."""
    count = len(keys[0])
    given = [pa.array([each] * count, pa.int64()) if isinstance(each, int) else each for each in values]
    table = pa.table([*keys, *given], names=[*key, *measures])
    if others:
        rows = zip(*((*of, *others[of]) for of in others), strict=True)
        more = [pa.array(column, field.type) for column, field in zip(rows, table.schema, strict=True)]
        table = pa.concat_tables([table, pa.table(more, schema=table.schema)])
    found = table.group_by(list(key), use_threads=False).aggregate([(name, "sum") for name in measures])
    summed = found.select([*key, *(f"{name}_sum" for name in measures)]).rename_columns([*key, *measures])
    return summed.sort_by([(name, "ascending") for name in key])


def table_lines(table: pa.Table) -> bytes:
    """For LOAD DATA."""
    return text_lines([_escaped(column.combine_chunks()) for column in table.columns])


def _escaped(column: Any) -> Any:
    return pc.replace_substring(column, "\\", "\\\\") if pa.types.is_string(column.type) else column


def text_lines(columns: Sequence[Any]) -> bytes:
    """Tab-separated lines of texts that hold neither tabs, line ends nor backslashes, or were made to."""
    if not len(columns[0]):
        return b""
    texts = [_text(column) for column in columns]
    last = pc.binary_join_element_wise(texts[-1], "\n", "")
    joined = pc.binary_join_element_wise(*texts[:-1], last, "\t")
    _, offsets, values = joined.buffers()
    first, *_, end = pa.Int32Array.from_buffers(pa.int32(), len(joined) + 1, [None, offsets], offset=joined.offset)
    return bytes(memoryview(values)[first.as_py() : end.as_py()])


def _text(column: Any) -> Any:
    """As LOAD DATA reads it; a truth is a number."""
    if pa.types.is_boolean(column.type):
        return pc.if_else(column, "1", "0")
    return column if pa.types.is_string(column.type) else pc.cast(column, pa.string())


def _of_call(columns: Columns) -> tuple[Any, list[Any], list[Any]]:
    duration, answered = columns["duration_ms"], pc.cast(columns["answered"], pa.int64())
    begun = pc.divide(pc.add(duration, facts.MINUTE_MS - 1), facts.MINUTE_MS)
    units = pc.multiply(begun, answered)
    return columns["direction"], [1, 1, answered, duration, units, 0, 0], [1, 1, duration, 0, 0, 0]


def _of_sms(columns: Columns) -> tuple[Any, list[Any], list[Any]]:
    delivered = pc.cast(pc.equal(columns["result"], "delivered"), pa.int64())
    return columns["direction"], [1, 1, delivered, 0, columns["parts"], 0, 0], [1, 0, 0, 1, 0, 0]


def _of_data(columns: Columns) -> tuple[Any, list[Any], list[Any]]:
    final, up, down = pc.cast(columns["final"], pa.int64()), columns["uplink_bytes"], columns["downlink_bytes"]
    none = pa.array([NO_DIRECTION] * len(final), pa.string())
    return none, [1, final, final, columns["duration_ms"], 0, up, down], [1, 0, 0, 0, final, pc.add(up, down)]


_MEASURED = {"call": _of_call, "sms": _of_sms, "data": _of_data}
