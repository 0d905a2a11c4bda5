"""A record's cells, by the kind of its format. What is no record of the kind is a `Reject`, never an exception."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from contracts.outcomes import Reason, Reject
from mediation.formats.ber import ber_reader
from mediation.formats.objects import object_reader
from mediation.formats.pairs import pairs, pairs_reader
from mediation.layout import Column, Layout
from mediation.values import WHITE_SPACE, quoted_splitter

Cells = list[str]
Read = Callable[[Any], Cells | Reject]  # of text; of bytes where a record is binary
_PART = partial(pairs, separator=";", equals="=")


def cells_reader(layout: Layout, header: Sequence[str] | None = None) -> Read:
    """A function record (decoded, without line end) → cells in the order of `layout.columns`; "" is no value.

    `header`: the file's own columns in its own order, for a csv that has a header; the layout's where nobody has seen one.
    """
    read = _BY_KIND[layout.format.kind](layout, list(header or layout.header))
    touched = [(index, column) for index, column in enumerate(layout.columns) if column.part or column.absent]
    return _finished(read, touched) if touched else read


def _finished(read: Read, touched: Sequence[tuple[int, Column]]) -> Read:
    """Then parts are taken out of their cells, and texts that stand for no value are emptied."""

    def finished(record: str) -> Cells | Reject:
        cells = read(record)
        if isinstance(cells, Reject):
            return cells
        for index, column in touched:
            text = _PART(cells[index]).get(column.part, "") if column.part else cells[index]
            cells[index] = "" if text in column.absent else text
        return cells

    return finished


def _csv_reader(layout: Layout, header: list[str]) -> Read:
    cells_of = _splitter(layout, len(header))
    if not layout.headed:
        every = len(layout.columns)

        def by_position(line: str) -> Cells | Reject:
            cells = cells_of(line)
            return cells if isinstance(cells, Reject) else cells + [""] * (every - len(cells))

        return by_position
    places = {name: place for place, name in enumerate(header)}
    order = [places.get(column.name, -1) for column in layout.columns]

    def by_name(line: str) -> Cells | Reject:
        cells = cells_of(line)
        if isinstance(cells, Reject):
            return cells
        cells.append("")  # stands for every column that the file lacks
        return [cells[place] for place in order]

    return by_name


def _splitter(layout: Layout, width: int) -> Read:
    """A function line → its cells as they stand there, as many as there may be."""
    split, separator, strip = quoted_splitter(layout.separator), layout.separator, layout.strip
    bad_quoting = Reject(Reason.BAD_QUOTING, "", "a quote is open, or stands inside or after a cell")
    counts = sorted(layout.format.counts or [width])
    wanted = " or ".join(filter(None, (", ".join(map(str, counts[:-1])), str(counts[-1]))))

    def cells_of(line: str) -> Cells | Reject:
        cells = split(line) if '"' in line else line.split(separator)
        if cells is None:
            return bad_quoting
        if len(cells) not in counts:
            return Reject(Reason.COLUMN_COUNT, "", f"{len(cells)} columns, not {wanted}")
        return [cell.strip(WHITE_SPACE) for cell in cells] if strip else cells

    return cells_of


_BY_KIND: dict[str, Callable[[Layout, list[str]], Read]] = {
    "csv": _csv_reader,
    "json": object_reader,
    "pairs": pairs_reader,
    "ber": ber_reader,
}
