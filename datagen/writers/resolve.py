"""What a column of a layout is written from: the layout's steps, the other way round.

In this order: `supplements.yml` → a time that the column is part of → the table's field of the same name → a field that the
layout makes from the column (copy, sum, difference, map) → nothing, where the column may be empty.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from contracts.errors import DefinitionError
from datagen.clocks import EPOCHS, ISO8601
from datagen.table import MISSING, Column, Ints, Table, label, whole
from datagen.writers.cells import Cell, Style, nothing, of_field, of_time, of_ways
from datagen.writers.inverse import from_derived
from datagen.writers.supplements import NOTHING, Supplement, supplements
from mediation.layout import Column as LayoutColumn
from mediation.layout import Layout, TimeField

_DIGITS = 15  # of a decimal, before its point and behind it


def supplement_of(layout: Layout) -> Supplement:
    return supplements().get(layout.name, NOTHING)


def resolved(layout: Layout, table: Table, style: Style, *, blank: bool = True) -> list[Cell]:
    """A cell a column. `blank`: the format has a place for a value that is not there, where a word may stand for it.

    Raises DefinitionError that names layout and column where the layout needs what the table has not.
    """
    return [
        _cell(layout, column, table, style, column.absent[-1] if blank and column.absent else "")
        for column in layout.columns
    ]


def _cell(layout: Layout, column: LayoutColumn, table: Table, style: Style, none: str) -> Cell:
    supplement = supplement_of(layout)
    if column.part:
        none = ""
    if column.raw in supplement.columns:
        ways = supplement.columns[column.raw]
        return of_ways(ways, table, style, none=none) if ways else nothing(none)
    for time in layout.times:
        if column.raw in time.columns and time.field in table:
            return of_time(table[time.field], _pattern(layout, time, column), layout.timezone, style, none=none)
    source = table[column.field] if column.field in table else from_derived(layout, column, table)
    if source is not None:
        source = delivered(layout, column, source)
        number = column.type != "keyword" and source.kind in ("whole", "decimal")
        return of_field(source, style, none=none, number=number)
    if column.required or any(column.raw in time.columns and time.required for time in layout.times):
        what = f"column {column.raw!r} ({column.field or 'a time'}) is required and the generator has no such field"
        raise DefinitionError(
            what, where=f"layout {layout.name}", remedy="say in datagen/writers/supplements.yml what it holds"
        )
    return nothing(none)


def _pattern(layout: Layout, time: TimeField, column: LayoutColumn) -> str:
    """The part of the time's first format that the column has."""
    form, place = time.formats[0], time.columns.index(column.raw)
    if len(time.columns) == 1:
        return form
    parts = form.split(" ")
    if form == ISO8601 or form in EPOCHS or len(parts) != len(time.columns):
        what = f"{time.field}: {form!r} cannot be parted over the columns {', '.join(time.columns)}"
        raise DefinitionError(what, where=f"layout {layout.name}")
    return parts[place]


def delivered(layout: Layout, column: LayoutColumn, cells: Column) -> Column:
    """Undoes what mediation does to a column: words, scale, whole numbers, and keeps within what the layout allows."""
    if column.type == "keyword":
        return cells if column.values is None else _words(layout, column, column.values, cells)
    if cells.kind not in ("whole", "decimal"):
        return cells
    if column.type == "integer":
        cells = _rounded(cells)
    elif column.divide_by != 1:
        cells = _scaled(cells, column.divide_by)
    unit = 10**cells.places
    low = 0 if column.low is None else int(np.ceil(column.low * column.divide_by * unit))
    high = None if column.high is None else int(np.floor(column.high * column.divide_by * unit))
    values = cells.values
    kept: Ints = np.where(values == MISSING, MISSING, np.clip(values, max(low, 0), high))
    return replace(cells, values=kept)


def _rounded(cells: Column) -> Column:
    if cells.kind == "whole" or not cells.places:
        return cells
    unit = 10**cells.places
    return whole(np.where(cells.values == MISSING, MISSING, (cells.values + unit // 2) // unit))


def _scaled(cells: Column, factor: int) -> Column:
    scaled = np.where(cells.values == MISSING, MISSING, cells.values * factor)
    cells = replace(cells, values=scaled)
    while cells.places and not np.any(scaled[scaled != MISSING] % 10):
        scaled = np.where(scaled == MISSING, MISSING, scaled // 10)
        cells = replace(cells, values=scaled, places=cells.places - 1)
    return cells


def _words(layout: Layout, column: LayoutColumn, values: Mapping[str, str], cells: Column) -> Column:
    """The file's words for ours; numbers become words first."""
    if cells.kind != "label":
        numbers, place = np.unique(cells.values, return_inverse=True)
        place = np.where(cells.values == MISSING, MISSING, place)
        cells = label(place, [str(number) for number in numbers.tolist()])
    theirs = {ours: word for word, ours in reversed(list(values.items())) if word not in column.absent}
    if column.otherwise == "reject":
        for word in cells.labels:
            if word and word not in theirs:
                what = f"column {column.raw!r} has no word for {word!r}; it has {', '.join(dict.fromkeys(values.values()))}"
                raise DefinitionError(what, where=f"layout {layout.name}")
    return replace(cells, labels=tuple(theirs.get(word, word) for word in cells.labels))
