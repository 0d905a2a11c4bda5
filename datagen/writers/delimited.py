"""Records as lines of text: cells behind separators, JSON objects, pairs."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import groupby
from typing import Any

import orjson

from contracts.errors import DefinitionError
from datagen.table import Table, length
from datagen.writers.cells import Cell, Piece, Style, joined, within
from datagen.writers.resolve import resolved, supplement_of
from mediation.formats.write import header_lines
from mediation.layout import Column, Layout

_NO_LINE = ("\n", "\r", "\0", "\ufffd")  # what no line of text can hold: mediation would refuse it


def header(layout: Layout) -> str:
    """The lines above the records, line ends included."""
    if not layout.headed:
        return ""
    if layout.format.header == "names":
        row = header_lines(layout)[0].rstrip(" ") if layout.strip else header_lines(layout)[0]
        return row + "\n"
    return "".join(line + "\n" for line in header_lines(layout))


def lines(table: Table, layout: Layout) -> list[str]:
    """One line a row, line end included. Raises DefinitionError when the layout needs what the table has not, or a word of it
    cannot stand in the format."""
    return joined(_PIECES[layout.format.kind](table, layout), length(table))


def _rows(table: Table, layout: Layout) -> list[Piece]:
    separator = layout.separator
    style = Style(_doubled, frozenset(f'"{separator}'), '"')
    cells = resolved(layout, table, style)
    groups = [
        [cell for _, cell in group] for _, group in groupby(_in_file_order(layout, cells), key=lambda pair: pair[0])
    ]
    pieces: list[Piece] = []
    for place, group in enumerate(groups):
        after = "\n" if place == len(groups) - 1 else separator
        for cell in group[:-1]:
            pieces += cell.make("")
        pieces += group[-1].make(after)
    return pieces


def _in_file_order(layout: Layout, cells: list[Cell]) -> list[tuple[str, Cell]]:
    """Cells under the place of their column; parts of one cell are together, behind their keys."""
    if not any(column.part for column in layout.columns):
        return [(str(place), cell) for place, cell in enumerate(cells)]
    if not layout.headed:
        raise DefinitionError("parts of a cell need a header", where=f"layout {layout.name}")
    found: list[tuple[str, Cell]] = []
    for name in layout.header:
        behind = False
        for column, cell in zip(layout.columns, cells, strict=True):
            if column.name == name and not (column.part and cell.empty):
                found.append((name, within(cell, f"{';' if behind else ''}{column.part}=") if column.part else cell))
                behind = True
        if not behind:
            found.append((name, Cell(lambda after: [after])))
    return found


def _pairs(table: Table, layout: Layout) -> list[Piece]:
    form = layout.format
    style = Style(partial(_without, layout, form.separator))
    pieces: list[Piece] = [form.after]
    for column, cell in zip(layout.columns, resolved(layout, table, style, blank=False), strict=True):
        if not cell.empty:
            pieces += _member(cell, f"{column.name}{form.equals}", form.separator, "")
    return [*pieces, "\n"]


def _member(cell: Cell, before: str, after: str, none: str) -> list[Piece]:
    """`before`, value, `after`; `none` instead of all three for rows without a value."""
    if cell.missing is None:
        return [before, *cell.make(after)]
    heads, tails = [], []
    for gone in cell.missing.tolist():
        heads.append(none if gone else before)
        tails.append("" if gone else after)
    return [heads, *cell.make(""), tails]


def _without(layout: Layout, mark: str, value: str) -> str:
    if mark in value or any(sign in value for sign in _NO_LINE):
        raise DefinitionError(f"{value!r} cannot stand in a line of pairs", where=f"layout {layout.name}")
    return value


def _doubled(value: str) -> str:
    if any(sign in value for sign in _NO_LINE):
        raise DefinitionError(f"{value!r} cannot stand in a line of text")
    return value.replace('"', '""')


Tree = dict[str, Any]  # key → cell with its column, or a tree below it


def _objects(table: Table, layout: Layout) -> list[Piece]:
    style = Style(lambda value: orjson.dumps(value).decode()[1:-1])
    tree: Tree = {}
    for column, cell in zip(layout.columns, resolved(layout, table, style), strict=True):
        if not cell.empty or column.absent:
            _plant(tree, column.name.split("."), (column, cell), layout)
    return [*_object(tree, supplement_of(layout).strings), "\n"]


def _plant(tree: Tree, path: list[str], leaf: tuple[Column, Cell], layout: Layout) -> None:
    for key in path[:-1]:
        tree = tree.setdefault(key, {})
        if not isinstance(tree, dict):
            raise DefinitionError(f"{leaf[0].name!r} leads into a value", where=f"layout {layout.name}")
    tree[path[-1]] = leaf


def _object(tree: Tree, strings: bool) -> list[Piece]:
    """Members whose value is always there come first, so that a comma stands before each of the others only."""
    listed = list(tree) == [str(place) for place in range(len(tree))]
    keys = list(tree) if listed else sorted(tree, key=lambda key: _may_lack(tree[key]))
    pieces: list[Piece] = ["[" if listed else "{"]
    for place, key in enumerate(keys):
        before = ("," if place else "") + ("" if listed else f"{orjson.dumps(key).decode()}:")
        value = tree[key]
        if isinstance(value, dict):
            pieces += [before, *_object(value, strings)]
            continue
        cell: Cell = value[1]
        mark = "" if cell.number and not strings else '"'
        pieces += _member(cell, before + mark, mark, "" if place and not listed else f"{before}null")
    return [*pieces, "]" if listed else "}"]


def _may_lack(value: Any) -> bool:
    return not isinstance(value, dict) and value[1].missing is not None


_PIECES: dict[str, Callable[[Table, Layout], list[Piece]]] = {"csv": _rows, "json": _objects, "pairs": _pairs}
