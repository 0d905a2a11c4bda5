"""The way of a file's lines into the intake: many at once where the layout allows it and there are many, else one by one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from mediation.books import Book
from mediation.collect import Line, LongLine, numbered, regions
from mediation.columns.compile import MANY, Columns, compile_columns
from mediation.compile import Pace, compile_layout
from mediation.formats import records
from mediation.intake import Intake
from mediation.layout import Layout
from mediation.lines import Outcome, judge, without_end
from mediation.settle import reject_prefix


@dataclass(frozen=True, slots=True)
class Way:
    """For files of one layout and header. `limit`: bytes of a line; a longer one is a reject."""

    layout: Layout
    outcome: Outcome
    columns: Columns | None
    limit: int

    def pieces(self, stream: BinaryIO) -> Iterator[Line]:
        """What `hand_over` takes, with offset and number of its first line: records, or regions of many lines."""
        read = records if self.columns is None else _regions
        return read(self.layout, stream, self.limit, reject_prefix(self.layout.name))

    def hand_over(self, intake: Intake, book: Book, offset: int, number: int, piece: bytes) -> None:
        """Every line of a piece but blank ones and repeated headers goes to the intake. Raises what the intake raises."""
        rest: Iterator[Line] | Sequence[Line] = [(offset, number, piece)]
        if self.columns is not None and not isinstance(piece, LongLine):
            if piece.count(b"\n") >= MANY:
                rest = intake.add_region(book, self.columns, offset, number, piece)
            else:
                rest = numbered(offset, number, piece)
        for place, position, found in rest:
            raw = without_end(found)
            if raw not in book.no_data:
                intake.add(book, place, position, raw, self.outcome(raw))


def way_of(layout: Layout, key: bytes, header: Sequence[str], limit: int, pace: Pace | None = None) -> Way:
    """`key`: of the keyed hashes. `header`: the files' own order of columns. `pace`: see `mediation.compile.Pace`."""
    mediator = compile_layout(layout, key, header=header, pace=pace)
    return Way(layout, judge(mediator, limit), compile_columns(layout, key, header=header, pace=pace), limit)


def _regions(layout: Layout, stream: BinaryIO, limit: int, prefix: bytes) -> Iterator[Line]:
    return regions(stream, limit, prefix)
