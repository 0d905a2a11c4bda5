"""SQL that SQLite and MariaDB write differently."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Connection, Select, Table, literal_column
from sqlalchemy.dialects import mysql, sqlite
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.dml import Insert
from sqlalchemy.sql.functions import FunctionElement


class Whole(FunctionElement[int]):
    """Integer division of two non-negative whole numbers, rounded down."""

    name = "whole"
    inherit_cache = True
    type = BigInteger()


def whole(value: ColumnElement[Any], by: int) -> Whole:
    """`value` div `by`."""
    return Whole(value, literal_column(str(int(by))))


@compiles(Whole)
def _plain(element: Whole, compiler: Any, **keywords: Any) -> str:
    value, by = (compiler.process(each, **keywords) for each in element.clauses)
    return f"(({value}) / {by})"


@compiles(Whole, "mysql", "mariadb")
def _div(element: Whole, compiler: Any, **keywords: Any) -> str:
    value, by = (compiler.process(each, **keywords) for each in element.clauses)
    return f"(({value}) DIV {by})"


def rows(connection: Connection, query: Select[Any]) -> list[dict[str, Any]]:
    """The answer as plain dicts: SQLAlchemy's own names are not quite texts, which JSON writers refuse."""
    return [{str(name): value for name, value in row.items()} for row in connection.execute(query).mappings()]


def adding(table: Table, dialect: str) -> Insert:
    """Insert rows of sums; where there is one of the same key already, the sums are added to it."""
    keys = [column.name for column in table.primary_key]
    sums = [column.name for column in table.columns if column.name not in keys]
    if dialect == "sqlite":
        into = sqlite.insert(table)
        return into.on_conflict_do_update(
            index_elements=keys, set_={name: table.c[name] + into.excluded[name] for name in sums}
        )
    onto = mysql.insert(table)
    return onto.on_duplicate_key_update({name: table.c[name] + onto.inserted[name] for name in sums})


def keeping(table: Table, dialect: str) -> Insert:
    """Insert rows; one whose key is there already changes nothing."""
    key = next(iter(table.primary_key)).name
    if dialect == "sqlite":
        return sqlite.insert(table).on_conflict_do_nothing()
    return mysql.insert(table).on_duplicate_key_update({key: table.c[key]})


def replacing(table: Table, dialect: str, rest: Sequence[str]) -> Insert:
    """Insert rows; one whose key is there already takes the new values of the columns `rest`."""
    keys = [column.name for column in table.primary_key]
    if dialect == "sqlite":
        into = sqlite.insert(table)
        return into.on_conflict_do_update(index_elements=keys, set_={name: into.excluded[name] for name in rest})
    onto = mysql.insert(table)
    return onto.on_duplicate_key_update({name: onto.inserted[name] for name in rest})
