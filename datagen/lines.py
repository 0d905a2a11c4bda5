"""A table as the lines of a layout: the same YAML that mediation reads by, so whatever can be read can be written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from contracts.errors import DefinitionError
from datagen import text
from datagen.table import MISSING, Column, Table, length
from datagen.text import Parts
from mediation.layout import Column as LayoutColumn
from mediation.layout import Layout

Cell = Callable[[Table, str], Parts]


def header(layout: Layout) -> str:
    """First line of a file, with its line end."""
    return layout.separator.join(layout.header) + "\n"


def lines(table: Table, layout: Layout) -> list[str]:
    """One line a row, line end included. Raises DefinitionError when the layout needs what the table has not."""
    columns = layout.columns
    parts: Parts = []
    for position, column in enumerate(columns):
        after = "\n" if position == len(columns) - 1 else layout.separator
        parts += _cell(column, layout, table)(table, after)
    return list(map("".join, zip(*parts, strict=True)))


def check(table: Table, layout: Layout) -> None:
    """Raises DefinitionError when `lines` would: asked before the first byte is written."""
    for column in layout.columns:
        _cell(column, layout, table)


def _cell(column: LayoutColumn, layout: Layout, table: Table) -> Cell:
    for time in layout.times:
        if column.raw in time.columns and time.field in table:
            pattern = time.formats[0].split(" ")[time.columns.index(column.raw)]
            return lambda rows, after: text.clock(rows[time.field], pattern, after)
    if column.field in table:
        return lambda rows, after: text.cells(_as_delivered(rows[column.field], column), after)
    if column.required or any(column.raw in time.columns and time.required for time in layout.times):
        what = f"column {column.raw!r} ({column.field or 'a time'}) is required and the generator has no such field"
        raise DefinitionError(what, where=f"layout {layout.name}")
    return lambda rows, after: [[after] * length(rows)]


def _as_delivered(cells: Column, column: LayoutColumn) -> Column:
    """Undoes what mediation does to a column: scale and words."""
    if cells.kind == "label" and column.values is not None:
        theirs = {ours: word for word, ours in reversed(list(column.values.items()))}
        return replace(cells, labels=tuple(theirs.get(word, word) for word in cells.labels))
    if column.divide_by != 1:
        scaled = np.where(cells.values == MISSING, MISSING, cells.values * column.divide_by)
        cells = replace(cells, values=scaled)
        while cells.places and not np.any(scaled[scaled != MISSING] % 10):
            scaled = np.where(scaled == MISSING, MISSING, scaled // 10)
            cells = replace(cells, values=scaled, places=cells.places - 1)
    return cells
