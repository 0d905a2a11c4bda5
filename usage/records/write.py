"""Rows into the store, with the sums, in one transaction; what is there already stays and is counted as present."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, delete, select
from sqlalchemy.exc import IntegrityError

from contracts.errors import ConflictError, UserError
from usage.engine import UsageStore
from usage.records import facts, local
from usage.records.batch import Batch
from usage.records.kinds import COLUMNS, ID, KINDS, STARTED, Row
from usage.schema import RECORD_TABLES

_LOOKUP = 2000  # ids asked for at once


class Written(NamedTuple):
    """Counts of rows: stored now, and there before (or twice among these)."""

    inserted: int
    present: int


def log_record(store: UsageStore, kind: str, row: Row) -> Written:
    """Stores one checked row. Raises UserError when its customer is gone meanwhile."""
    try:
        return store.write(lambda connection: write(connection, kind, [row]))
    except IntegrityError:
        raise UserError("the customer was removed meanwhile", remedy="`busyhour usage customer add` makes it") from None


def write(connection: Connection, kind: str, rows: Sequence[Row] | Batch, *, fresh: bool = False) -> Written:
    """Inserts rows and adds to the sums, in the caller's transaction. `fresh`: most likely none of them is there yet.

    Raises IntegrityError when a customer is unknown, or another writer just stored one of the rows: run it again.
    """
    if isinstance(rows, Batch):
        if fresh and rows.distinct and _batch_at_once(connection, rows):
            rows.sums.add(connection)
            return Written(len(rows), 0)
        rows = rows.rows()
    unique = {row[ID]: row for row in rows}
    new = list(unique.values())
    if not (fresh and _inserted_at_once(connection, kind, new)):
        present = stored(connection, kind, list(unique))
        new = [row for key, row in unique.items() if key not in present]
        _insert(connection, kind, new)
    facts.add(connection, facts.sums(kind, new))
    return Written(len(new), len(rows) - len(new))


def stored(connection: Connection, kind: str, ids: Sequence[str]) -> dict[str, str | None]:
    """Which of these ids are there, with their `ref`."""
    table = RECORD_TABLES[kind]
    found: dict[str, str | None] = {}
    for start in range(0, len(ids), _LOOKUP):
        query = select(table.c.id, table.c.ref).where(table.c.id.in_(ids[start : start + _LOOKUP]))
        found |= {row.id: row.ref for row in connection.execute(query)}
    return found


def _inserted_at_once(connection: Connection, kind: str, rows: Sequence[Row]) -> bool:
    """Tries without looking first; False, and nothing done, when a row was there."""
    return _attempted(connection, lambda: _insert(connection, kind, rows))


def _batch_at_once(connection: Connection, batch: Batch) -> bool:
    """The same of columns, by LOAD DATA alone."""
    if not local.takes_files(connection):
        return False
    table, columns, lines = RECORD_TABLES[batch.kind].name, COLUMNS[batch.kind], batch.lines
    return _attempted(connection, lambda: local.load_lines(connection, table, columns, lines) == len(batch))


def _attempted(connection: Connection, insert: Callable[[], bool]) -> bool:
    attempt = connection.begin_nested()
    try:
        whole = insert()
    except IntegrityError:
        attempt.rollback()
        return False
    if whole:
        attempt.commit()
    else:
        attempt.rollback()
    return whole


def _insert(connection: Connection, kind: str, rows: Sequence[Row]) -> bool:
    """Inserts all; False when LOAD DATA left some out, which it does in place of raising an error."""
    if not rows:
        return True
    if connection.dialect.name == "sqlite":
        marks = ", ".join("?" for _ in COLUMNS[kind])
        statement = f"INSERT INTO {RECORD_TABLES[kind].name} ({', '.join(COLUMNS[kind])}) VALUES ({marks})"  # noqa: S608 - our own names
        connection.exec_driver_sql(statement, [_naive(row) for row in rows])
        return True
    if len(rows) >= local.LEAST_ROWS and local.takes_files(connection):
        return _loaded(connection, kind, rows) == len(rows)
    table = RECORD_TABLES[kind]
    connection.execute(table.insert(), [dict(zip(COLUMNS[kind], row, strict=True)) for row in rows])
    return True


def _loaded(connection: Connection, kind: str, rows: Sequence[Row]) -> int:
    return local.load(connection, RECORD_TABLES[kind].name, COLUMNS[kind], rows, local.record_lines(kind))


def _naive(row: Row) -> Row:
    """For the bare driver: the text that the column type would write."""
    return (*row[:STARTED], row[STARTED].strftime("%Y-%m-%d %H:%M:%S.%f"), *row[STARTED + 1 :])


def show_record(store: UsageStore, kind: str, record_id: str) -> dict[str, Any]:
    """A record by id, as its columns. Raises UserError when there is none."""
    row = store.read(lambda connection: _row(connection, kind, record_id))
    return dict(zip(COLUMNS[kind], row, strict=True))


def _row(connection: Connection, kind: str, record_id: str, *, lock: bool = False) -> Row:
    table = RECORD_TABLES[kind]
    query = select(table).where(table.c.id == record_id)
    found = connection.execute(query.with_for_update() if lock else query).first()
    if found is None:
        raise UserError(
            f"there is no {KINDS[kind].title} {record_id[:40]!r}", remedy="`busyhour usage search` finds records"
        )
    return tuple(found)


def remove_record(store: UsageStore, kind: str, record_id: str) -> None:
    """Removes a record and takes it out of the sums."""

    def work(connection: Connection) -> None:
        row = _row(connection, kind, record_id, lock=True)
        _take_out(connection, kind, row)

    store.write(work)


def _take_out(connection: Connection, kind: str, row: Row) -> None:
    table = RECORD_TABLES[kind]
    connection.execute(delete(table).where(table.c.id == row[ID]))
    facts.add(connection, facts.sums(kind, [row], -1))


def change_record(store: UsageStore, kind: str, record_id: str, new: Row) -> str:
    """Puts a checked row in the place of a stored one; returns its id, a new one where what identifies it changed.

    Raises UserError when there is no such record, ConflictError when the new one would be another that is stored.
    """

    def work(connection: Connection) -> str:
        old = _row(connection, kind, record_id, lock=True)
        if new[ID] != record_id and stored(connection, kind, [new[ID]]):
            raise ConflictError(f"that {KINDS[kind].title} is there already: {new[ID]}")
        _take_out(connection, kind, old)
        _insert(connection, kind, [new])
        facts.add(connection, facts.sums(kind, [new]))
        return str(new[ID])

    try:
        return store.write(work)
    except UserError:
        # The answer to a commit may have been lost: then the old one is gone because the new one is there.
        if record_id != new[ID] and store.read(lambda connection: stored(connection, kind, [new[ID]])):
            return str(new[ID])
        raise
