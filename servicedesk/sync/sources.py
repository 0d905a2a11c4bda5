"""Rows of a legacy system, one dict each with where it stands: from CSV, JSON lines, or a table of an SQL database."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import orjson
from sqlalchemy import MetaData, Table, create_engine, make_url, select
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, NoSuchTableError, SQLAlchemyError

from contracts.errors import OperatorError, UserError

_FETCH = 1000  # rows of the database held at once
_ESCAPED = re.compile("[\ud800-\udfff]")
_MOST_CELL = 131_072  # characters, as the csv module has it


class Row(NamedTuple):
    """`problem`: why it is no row, "" when it is one."""

    where: str
    values: dict[str, Any]
    problem: str = ""


def rows_of_file(path: Path, delimiter: str = ",") -> Iterator[Row]:
    """Rows of a CSV file with a header, or of JSON lines (*.ndjson, *.jsonl). Raises UserError when it cannot be read."""
    try:
        if path.suffix in (".ndjson", ".jsonl"):
            with path.open("rb") as lines:
                yield from (_of_json(line, f"{path}:{number}") for number, line in enumerate(lines, 1) if line.strip())
            return
        with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
            yield from _of_csv(file, path, delimiter)
    except OSError as error:
        raise UserError(f"cannot be read: {error.strerror}", where=str(path)) from error


def _of_json(line: bytes, where: str) -> Row:
    try:
        found = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        return Row(where, {}, f"is not JSON: {error}")
    return Row(where, found) if isinstance(found, dict) else Row(where, {}, "is no JSON object")


def _of_csv(file: Any, path: Path, delimiter: str) -> Iterator[Row]:
    csv.field_size_limit(_MOST_CELL)  # whatever else in this process set it to
    reader = csv.DictReader(file, delimiter=delimiter, restkey="", strict=True)
    try:
        names = reader.fieldnames or []
        if len(names) != len(set(names)):
            raise UserError("a column's name stands twice", where=str(path))
        if not all(map(_is_utf8, names)):
            raise UserError("is not UTF-8", where=str(path), remedy="save it as CSV UTF-8")
        for values in reader:
            where = f"{path}:{reader.line_num}"
            if "" in values or None in values.values():
                yield Row(where, {}, "has more or fewer cells than the header")
            elif not all(map(_is_utf8, values.values())):
                yield Row(where, {}, "is not UTF-8: save the file as CSV UTF-8")
            else:
                yield Row(where, dict(values))
    except csv.Error as error:
        raise UserError(f"is no CSV: {error}", where=f"{path}:{reader.line_num}") from error


def _is_utf8(text: str) -> bool:
    """Bytes that are no UTF-8 are read as surrogates, rather than as something else than what was meant."""
    return text.isascii() or _ESCAPED.search(text) is None


def rows_of_sql(url: str, table: str) -> Iterator[Row]:
    """Rows of a table or view, by its primary key where it has one. `schema.table` is taken, too.

    Raises UserError on a bad URL or unknown table, OperatorError when the database does not answer. No password is shown.
    """
    try:
        engine = create_engine(url)
    except (ArgumentError, NoSuchModuleError, ModuleNotFoundError, ValueError):
        raise UserError(
            "is no database URL", where="crm.url", remedy="such as mysql+pymysql://USER@HOST/DATABASE"
        ) from None
    place = make_url(url).render_as_string(hide_password=True)
    schema, _, name = table.rpartition(".")
    try:
        known = Table(name, MetaData(), schema=schema or None, autoload_with=engine)
        query = select(known).order_by(*known.primary_key.columns).execution_options(yield_per=_FETCH)
        with engine.connect() as connection:
            for number, row in enumerate(connection.execute(query).mappings(), 1):
                given = {key: value for key, value in row.items() if value is not None}
                yield Row(f"{table}:{number}", {str(key): value for key, value in given.items()})
    except NoSuchTableError:
        raise UserError(f"has no table {table[:60]!r}", where=place) from None
    except SQLAlchemyError as error:
        reason = str(getattr(error, "orig", None) or type(error).__name__)
        raise OperatorError(f"does not answer: {reason[:200]}", where=place) from None
    finally:
        engine.dispose()
