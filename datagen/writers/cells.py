"""One column of a format for many rows at once: pieces of text, one list a piece, joined row by row.

A piece is a list with a text a row, or one text that all rows share. What a cell has for a row without a value is `none`, the
empty text unless the format has a word for it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from contracts.errors import DefinitionError
from datagen import text
from datagen.clocks import EPOCHS, clock
from datagen.table import MISSING, Column, Flags, Table, length
from datagen.writers.supplements import ABSENT, PRESENT, Test, Way
from datagen.writers.templates import Part, parsed, part_column

Piece = str | list[str]
_SIGNS = {"whole": "", "decimal": ".", "number": "+", "label": "", "hex": "", "imei": "", "time": "-:.TZ "}


@dataclass(frozen=True, slots=True)
class Style:
    """How a format keeps a text apart from its own marks: `inside` is done to a text within a cell; a cell that holds one of
    `marks` stands between two `around`."""

    inside: Callable[[str], str]
    marks: frozenset[str] = frozenset()
    around: str = ""

    def word(self, value: str) -> str:
        """A text that is the whole cell."""
        inside = self.inside(value)
        return f"{self.around}{inside}{self.around}" if self.marks & set(value) else inside


PLAIN = Style(lambda value: value)


@dataclass(frozen=True, slots=True)
class Cell:
    """`make(after)`: pieces of the cell and of what follows it. `missing`: rows without a value; None: there are none.

    `number`: the text is a JSON number. `empty`: no row has a value.
    """

    make: Callable[[str], list[Piece]]
    missing: Flags | None = None
    number: bool = False
    empty: bool = False


def nothing(none: str = "") -> Cell:
    """The same for every row, and no value."""
    return Cell(lambda after: [none + after], None, empty=True)


def of_field(column: Column, style: Style, *, none: str = "", number: bool = False) -> Cell:
    """A column of the table as it is."""
    wrapped = bool(style.marks & set(_SIGNS[column.kind]))
    if column.kind == "label":
        column = replace(column, labels=tuple(style.word(word) for word in column.labels))

    def make(after: str) -> list[Piece]:
        pieces: list[Piece] = list(text.cells(column, "" if wrapped else after))
        if wrapped:
            return [style.around, *pieces, style.around + after]
        return _with_none(pieces, missing, none)

    missing = _missing(column)
    return Cell(make, None if none else missing, number)


def of_time(column: Column, pattern: str, zone: str, style: Style, *, none: str = "") -> Cell:
    signs = set() if pattern in EPOCHS else set(pattern) | set("-:.TZ" if pattern == "ISO8601" else "")
    wrapped = bool(style.marks & signs)

    def make(after: str) -> list[Piece]:
        pieces: list[Piece] = list(clock(column, pattern, "" if wrapped else after, zone))
        if wrapped:
            return [style.around, *pieces, style.around + after]
        return _with_none(pieces, missing, none)

    missing = _missing(column)
    return Cell(make, None if none else missing)


def of_ways(ways: Sequence[Way], table: Table, style: Style, *, none: str = "") -> Cell:
    """The first way whose conditions hold and whose fields are there."""
    open_rows = np.ones(length(table), bool)
    chosen: list[tuple[Way, Flags]] = []
    for way in ways:
        rows = open_rows & _holds(way.when, table) & _filled(parsed(way.text), table)
        open_rows = open_rows & ~rows
        chosen.append((way, rows))
    if len(chosen) == 1 and chosen[0][1].all():
        return Cell(lambda after: _template(chosen[0][0].text, table, style, after))

    def make(after: str) -> list[Piece]:
        rows = [none + after] * open_rows.size
        for way, where in chosen:
            places = np.flatnonzero(where)
            if places.size:
                part = {name: column.take(places) for name, column in table.items()}
                texts = joined(_template(way.text, part, style, after), places.size)
                for place, value in zip(places.tolist(), texts, strict=True):
                    rows[place] = value
        return [rows]

    return Cell(make, open_rows if open_rows.any() and not none else None, empty=bool(open_rows.all()))


def within(cell: Cell, before: str) -> Cell:
    """The cell behind a text, where it has a value."""

    def make(after: str) -> list[Piece]:
        if cell.missing is None:
            return [before, *cell.make(after)]
        return [np.array([before, ""], object)[cell.missing.astype(int)].tolist(), *cell.make(after)]

    return replace(cell, make=make)


def joined(pieces: Sequence[Piece], rows: int) -> list[str]:
    """Pieces row by row. Neighbouring texts that all rows share are put together first."""
    lists: list[list[str]] = []
    shared = ""
    for piece in pieces:
        if isinstance(piece, str):
            shared += piece
            continue
        if shared:
            lists.append([shared] * rows)
            shared = ""
        lists.append(piece)
    if shared or not lists:
        lists.append([shared] * rows)
    return list(map("".join, zip(*lists, strict=True)))


def holds(when: Mapping[str, Test], table: Table) -> Flags:
    """Rows for which every test holds; a test on a field that the table lacks fails, but for absent."""
    return _holds(when, table)


def _holds(when: Mapping[str, Test], table: Table) -> Flags:
    rows = np.ones(length(table), bool)
    for name, test in when.items():
        column = table.get(name)
        if column is None:
            rows &= test == ABSENT
        elif test in (PRESENT, ABSENT):
            rows &= (column.values != MISSING) == (test == PRESENT)
        else:
            places = [place for place, word in enumerate(column.labels) if word in test]
            rows &= np.isin(column.values, places)
    return rows


def _filled(parts: Sequence[Part], table: Table) -> Flags:
    rows = np.ones(length(table), bool)
    for part in parts:
        for name in part.fields:
            rows &= (table[name].values != MISSING) if name in table else False
    return rows


def _template(pattern: str, table: Table, style: Style, after: str) -> list[Piece]:
    pieces: list[Piece] = []
    marked = False
    for part in parsed(pattern):
        if not part.fields:
            marked |= bool(style.marks & set(part.text))
            pieces.append(style.inside(part.text))
            continue
        column, form = part_column(part, table)
        if column.kind == "label":
            marked |= any(style.marks & set(word) for word in column.labels)
            column = replace(column, labels=tuple(style.inside(word) for word in column.labels))
        marked |= bool(style.marks & set(_SIGNS[column.kind])) and not form
        pieces += clock(column, form, "") if form else text.cells(column, "")
    around = style.around if marked else ""
    return [around, *pieces, around + after]


def _missing(column: Column) -> Flags | None:
    missing: Flags = column.values == MISSING
    if column.kind == "label" and "" in column.labels:
        missing |= column.values == column.labels.index("")
    return missing if missing.any() else None


def _with_none(pieces: list[Piece], missing: Flags | None, none: str) -> list[Piece]:
    if none and missing is not None:
        first = pieces[0]
        if isinstance(first, str):
            raise DefinitionError("a cell begins with a text that all rows share")
        for row in np.flatnonzero(missing).tolist():
            first[row] = none + first[row]
    return pieces
