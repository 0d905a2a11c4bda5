"""A file's lines and what each would become today. Nothing is written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from contracts.outcomes import Reject
from infrastructure.secrets import pii_key
from infrastructure.store import Store
from mediation.books import Book
from mediation.compile import Pace, Record, compile_layout
from mediation.formats import records
from mediation.layout import Layout
from mediation.lines import Outcome, judge, no_data, without_end
from mediation.pace import pace_of
from mediation.settle import reject_prefix


class Judged(NamedTuple):
    """One line of a file, without its end."""

    offset: int
    number: int
    raw: bytes
    outcome: Record | Reject


@dataclass(slots=True)
class Reader:
    """`pace`: start as stored and seconds from one record to the next, for layouts without a time."""

    store: Store
    pace: tuple[str, float] | None
    outcomes: dict[tuple[str, tuple[str, ...], Pace | None], Outcome] = field(default_factory=dict)

    def lines(self, book: Book) -> Iterator[Judged]:
        """The data lines of a file, in order; sets the book's size at the end. Raises OSError when it cannot be read."""
        source = book.source
        if source.layout is None:
            book.size = max(source.size, 0)
            return
        limit = self.store.settings.number("ingest.line.bytes")
        skipped = no_data(source.header_line)
        with source.open() as stream:
            pace = pace_of(source, source.layout, stream, limit, self.pace)
            stream.seek(0)
            outcome = self._outcome(source.layout, source.header, pace, limit)
            for offset, number, found in records(source.layout, stream, limit, reject_prefix(source.layout.name)):
                raw = without_end(found)
                if raw not in skipped:
                    yield Judged(offset, number, raw, outcome(raw))
            book.size = stream.tell()

    def _outcome(self, layout: Layout, header: tuple[str, ...], pace: Pace | None, limit: int) -> Outcome:
        key = (layout.name, header, pace)
        known = self.outcomes.get(key)
        if known is None:
            mediator = compile_layout(layout, pii_key(self.store.settings), header=header or None, pace=pace)
            known = self.outcomes[key] = judge(mediator, limit)
        return known
