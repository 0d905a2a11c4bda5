"""Reference tables: rows by key from CSV files, and which fields they fill (`references.yml`)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

from contracts.errors import DefinitionError
from mediation.values import quoted_splitter

DEFINITIONS = Path(__file__).parent / "references.yml"
_INTEGER = re.compile(r"[0-9]{1,9}")
_WHITE = " \t\v\f"
_REMEDY = "its columns are in docs/enrichment.md"
Cell = str | int


@dataclass(frozen=True, slots=True)
class Fill:
    """Rows of `table` by the value of field `by`; `fields`: column → field. `key` and `types` are the table's."""

    table: str
    key: str
    types: Mapping[str, str]
    by: str
    fields: Mapping[str, str]


@cache
def fills() -> tuple[Fill, ...]:
    """What `references.yml` says. Raises DefinitionError on a table or column that it does not declare."""
    content = yaml.safe_load(DEFINITIONS.read_text(encoding="utf-8"))
    found = []
    for entry in content["fills"]:
        table = content["tables"].get(entry["table"])
        if table is None or not set(entry["fields"]) <= set(table["columns"]):
            raise DefinitionError(f"{entry['table']} or its columns are not declared", where=str(DEFINITIONS))
        found.append(Fill(entry["table"], table["key"], table["columns"], entry["by"], entry["fields"]))
    return tuple(found)


def table_names() -> tuple[str, ...]:
    return tuple(dict.fromkeys(fill.table for fill in fills()))


class Tables:
    """Tables of one folder, each read once: `columns(table)` gives column → key → value; empty for a table that is not there."""

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder
        self._read: dict[str, dict[str, dict[str, Cell]]] = {}

    def columns(self, fill: Fill) -> Mapping[str, Mapping[str, Cell]]:
        """Raises DefinitionError on a bad table, naming file, line and column."""
        if fill.table not in self._read:
            path = None if self.folder is None else self.folder / f"{fill.table}.csv"
            self._read[fill.table] = read_table(path, fill.key, fill.types) if path and path.is_file() else {}
        return self._read[fill.table]

    def check(self) -> dict[str, int]:
        """Rows of each table that is there. Raises DefinitionError on a folder that is none, and on the first bad table."""
        if self.folder is not None and not self.folder.is_dir():
            raise DefinitionError(
                "is no folder", where=str(self.folder), remedy="set reference.folder, or leave it empty"
            )
        found = {fill.table: self.columns(fill) for fill in fills()}
        return {table: max(map(len, columns.values())) for table, columns in found.items() if columns}


def read_table(path: Path, key: str, types: Mapping[str, str]) -> dict[str, dict[str, Cell]]:
    """column → key → value; the key's own column is there, too. Raises DefinitionError naming file, line and column."""
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except UnicodeDecodeError:
        raise DefinitionError("is not UTF-8", where=str(path), remedy=_REMEDY) from None
    except OSError as error:
        raise DefinitionError(f"cannot be read: {error.strerror}", where=str(path)) from None
    rows = _rows(path, lines)
    header = next(rows, (0, []))[1]
    _check_header(path, header, key, types)
    table: dict[str, dict[str, Cell]] = {name: {} for name in header}
    for number, cells in rows:
        if len(cells) != len(header):
            raise _bad(path, number, "", f"{len(cells)} columns, not {len(header)}")
        row = dict(zip(header, cells, strict=True))
        if not row[key] or row[key] in table[key]:
            raise _bad(path, number, key, f"{row[key]!r} occurs twice" if row[key] else "is empty")
        for name, cell in row.items():
            if cell:
                table[name][row[key]] = _value(path, number, name, cell, types.get(name, "keyword"))
    return table


def _rows(path: Path, lines: list[str]) -> Iterator[tuple[int, list[str]]]:
    """Rows with their line numbers; a row is one line, blank lines are none."""
    split = quoted_splitter(",")
    for number, line in enumerate(lines, 1):
        if not line:
            continue
        cells = split(line)
        if cells is None:
            raise _bad(path, number, "", "a quote is open, or stands inside or after a cell")
        yield number, cells


def _check_header(path: Path, header: list[str], key: str, types: Mapping[str, str]) -> None:
    if key not in header:
        raise _bad(path, 1, key, "is missing: it holds the key of each row")
    for name in header:
        if name != key and name not in types:
            raise _bad(path, 1, name, f"is no column of this table; it has {', '.join((key, *types))}")
        if header.count(name) > 1:
            raise _bad(path, 1, name, "occurs twice")


def _value(path: Path, number: int, name: str, cell: str, kind: str) -> Cell:
    if cell != cell.strip(_WHITE):
        raise _bad(path, number, name, f"{cell!r} has white space around it")
    if kind == "integer":
        if not _INTEGER.fullmatch(cell):
            raise _bad(path, number, name, f"{cell!r} is not a whole number of at most nine digits")
        return int(cell)
    return cell


def _bad(path: Path, number: int, column: str, what: str) -> DefinitionError:
    return DefinitionError(f"{column}: {what}" if column else what, where=f"{path}, line {number}", remedy=_REMEDY)
