"""What a record adds to the sums, once for rows in memory and once as SQL; a test holds the two together.

| measure | voice | sms | data |
|---|---|---|---|
| events | calls | messages | sessions that ended (records with `final`) |
| succeeded | answered | delivered | as events |
| units | minutes begun of an answered call | parts of the message | 0 |
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from operator import add as plus
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Select, Table, case, delete, func, literal, select, union_all

from contracts.errors import InternalError
from usage import schema
from usage.expressions import adding, whole
from usage.records import kinds as k
from usage.records import local
from usage.records.kinds import Row
from usage.schema import DAY_MEASURES, DAY_SEC, MEASURES, QUARTER_SEC

MINUTE_MS = 60_000
QUARTERS_A_DAY = DAY_SEC // QUARTER_SEC
NO_DIRECTION = "-"  # data has none
SERVICES = {"call": "voice", "sms": "sms", "data": "data"}
QuarterKey = tuple[int, str, str, str, str]
DayKey = tuple[int, str]


class Sums(NamedTuple):
    """Measures in the order of the tables' columns, by key in the order of their primary keys."""

    quarters: dict[QuarterKey, tuple[int, ...]]
    days: dict[DayKey, tuple[int, ...]]


def sums(kind: str, rows: Iterable[Row], sign: int = 1) -> Sums:
    """What these rows add (`sign` -1: take away)."""
    measure, service = _MEASURES[kind], SERVICES[kind]
    quarters: dict[QuarterKey, tuple[int, ...]] = {}
    days: dict[DayKey, tuple[int, ...]] = {}
    for row in rows:
        direction, values, of_day = measure(row)
        quarter = row[k.QUARTER]
        gather(quarters, (quarter, service, direction, row[k.PLAN], row[k.ZONE]), values)
        gather(days, (quarter // QUARTERS_A_DAY, row[k.CUSTOMER]), of_day)
    if sign < 0:
        return Sums(
            {key: _negative(of) for key, of in quarters.items()}, {key: _negative(of) for key, of in days.items()}
        )
    return Sums(quarters, days)


def _negative(values: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(-value for value in values)


def gather(into: dict[Any, tuple[int, ...]], key: Any, values: tuple[int, ...]) -> None:
    """Adds measures to those of `key`."""
    found = into.get(key)
    into[key] = values if found is None else tuple(map(plus, found, values))


def _of_call(row: Row) -> tuple[str, tuple[int, ...], tuple[int, ...]]:
    duration, answered = row[k.CALL_DURATION], int(row[k.CALL_ANSWERED])
    units = -(-duration // MINUTE_MS) if answered else 0
    return row[k.CALL_DIRECTION], (1, 1, answered, duration, units, 0, 0), (1, 1, duration, 0, 0, 0)


def _of_sms(row: Row) -> tuple[str, tuple[int, ...], tuple[int, ...]]:
    delivered = int(row[k.SMS_RESULT] == "delivered")
    return row[k.SMS_DIRECTION], (1, 1, delivered, 0, row[k.SMS_PARTS], 0, 0), (1, 0, 0, 1, 0, 0)


def _of_data(row: Row) -> tuple[str, tuple[int, ...], tuple[int, ...]]:
    final, up, down = int(row[k.DATA_FINAL]), row[k.DATA_UPLINK], row[k.DATA_DOWNLINK]
    return NO_DIRECTION, (1, final, final, row[k.DATA_DURATION], 0, up, down), (1, 0, 0, 0, final, up + down)


_MEASURES = {"call": _of_call, "sms": _of_sms, "data": _of_data}


def add(connection: Connection, found: Sums) -> None:
    """Adds to the stored sums, in the order of keys, so that two writers meet the same rows in the same order."""
    tables: tuple[tuple[Table, Mapping[Any, tuple[int, ...]]], ...] = (
        (schema.network_quarters, found.quarters),
        (schema.customer_days, found.days),
    )
    for table, rows in tables:
        names = [column.name for column in table.columns]
        batch = [(*key, *rows[key]) for key in sorted(rows)]
        if len(batch) >= local.LEAST_ROWS and local.takes_files(connection):
            add_staged(connection, table, "".join(map(local.line, batch)).encode(), len(batch))
        elif batch:
            named = [dict(zip(names, row, strict=True)) for row in batch]
            connection.execute(adding(table, connection.dialect.name), named)


def add_staged(connection: Connection, table: Table, lines: bytes, count: int) -> None:
    """The same by way of a temporary table, which only this connection sees: `count` lines for LOAD DATA, sorted by key.

    It has no log and no index, as nobody reads it twice.
    """
    names = [column.name for column in table.columns]
    stage, columns = f"stage_{table.name}", ", ".join(names)
    connection.exec_driver_sql(f"DROP TEMPORARY TABLE IF EXISTS {stage}")
    connection.exec_driver_sql(
        f"CREATE TEMPORARY TABLE {stage} ENGINE=MyISAM SELECT {columns} FROM {table.name} LIMIT 0"  # noqa: S608 - our own names
    )
    if local.load_lines(connection, stage, names, lines) != count:
        raise InternalError(f"sums of {table.name} could not be staged")
    added = ", ".join(
        f"{name} = {table.name}.{name} + VALUES({name})" for name in names if name not in table.primary_key
    )
    connection.exec_driver_sql(
        f"INSERT INTO {table.name} ({columns}) SELECT {columns} FROM {stage} ON DUPLICATE KEY UPDATE {added}"  # noqa: S608
    )


def facts(kind: str, *conditions: ColumnElement[bool]) -> Select[Any]:
    """One row a record: quarter, customer_id, service, direction, plan, zone, started and the measures, from the records."""
    table = schema.RECORD_TABLES[kind]
    zero, one = literal(0), literal(1)
    values: tuple[ColumnElement[Any], ...]
    if kind == "call":
        answered = case((table.c.answered, 1), else_=0)
        units = case((table.c.answered, whole(table.c.duration_ms + (MINUTE_MS - 1), MINUTE_MS)), else_=0)
        values = (one, one, answered, table.c.duration_ms, units, zero, zero)
    elif kind == "sms":
        delivered = case((table.c.result == "delivered", 1), else_=0)
        values = (one, one, delivered, zero, table.c.parts, zero, zero)
    else:
        final = case((table.c.final, 1), else_=0)
        values = (one, final, final, table.c.duration_ms, zero, table.c.uplink_bytes, table.c.downlink_bytes)
    direction = literal(NO_DIRECTION) if kind == "data" else table.c.direction
    return select(
        table.c.quarter,
        table.c.customer_id,
        literal(SERVICES[kind]).label("service"),
        direction.label("direction"),
        table.c.plan,
        table.c.zone,
        table.c.started,
        *(value.label(name) for value, name in zip(values, MEASURES, strict=True)),
    ).where(*conditions)


def plain_quarters() -> Select[Any]:
    """What `network_quarters` must hold, from the records."""
    rows = union_all(*(facts(kind) for kind in SERVICES)).subquery()
    keys = [rows.c[name] for name in ("quarter", "service", "direction", "plan", "zone")]
    return select(*keys, *(func.sum(rows.c[name]).label(name) for name in MEASURES)).group_by(*keys)


def day_measures(rows: Any) -> list[ColumnElement[Any]]:
    """Measures of `customer_days` from rows of facts, per record."""
    voice, sms, data = ((rows.c.service == name) for name in ("voice", "sms", "data"))
    values = (
        rows.c.records,
        case((voice, rows.c.events), else_=0),
        case((voice, rows.c.duration_ms), else_=0),
        case((sms, rows.c.events), else_=0),
        case((data, rows.c.events), else_=0),
        rows.c.uplink_bytes + rows.c.downlink_bytes,
    )
    return [value.label(name) for value, name in zip(values, DAY_MEASURES, strict=True)]


def plain_days() -> Select[Any]:
    """What `customer_days` must hold, from the records."""
    rows = union_all(*(facts(kind) for kind in SERVICES)).subquery()
    keys = [whole(rows.c.quarter, QUARTERS_A_DAY).label("day"), rows.c.customer_id]
    per_record = select(*keys, *day_measures(rows)).subquery()
    named = [per_record.c.day, per_record.c.customer_id]
    return select(*named, *(func.sum(per_record.c[name]).label(name) for name in DAY_MEASURES)).group_by(*named)


def rebuild(connection: Connection) -> None:
    """Works all sums out anew from the records, in the caller's transaction."""
    for table, plain in ((schema.network_quarters, plain_quarters()), (schema.customer_days, plain_days())):
        connection.execute(delete(table))
        connection.execute(table.insert().from_select([column.name for column in table.columns], plain))


def differences(connection: Connection) -> int:
    """Rows of sums that are not what the records say, either way; 0 is as it must be. Sums that came down to 0 are none."""
    return sum(
        len(_nonzero(connection, plain) ^ _nonzero(connection, select(table)))
        for table, plain in ((schema.network_quarters, plain_quarters()), (schema.customer_days, plain_days()))
    )


def _nonzero(connection: Connection, query: Select[Any]) -> set[tuple[Any, ...]]:
    found = connection.execute(query)
    first = list(found.keys()).index("records")
    return {tuple(int(value) if at >= first else value for at, value in enumerate(row)) for row in found if row[first]}
