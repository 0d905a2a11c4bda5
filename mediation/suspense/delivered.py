"""A file that is read again keeps its books as they were delivered: a line that was suspended then counts as rejected still.

What reads files asks before the first line (`remember`) and before it closes the books (`settle_movements`). Files without
rejects, which is nearly all of them, cost one query for many.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Sequence

from contracts.indices import CDR_INDEX
from infrastructure.store import Store
from mediation.books import Book
from mediation.suspense.ledger import movements
from mediation.suspense.retry import sweep
from mediation.suspense.states import Selection


class Offsets:
    """Offsets of lines in a file, 8 bytes each."""

    def __init__(self) -> None:
        self._offsets = array("q")

    def append(self, offset: int) -> None:
        """In order."""
        self._offsets.append(offset)

    def __contains__(self, offset: object) -> bool:
        if not isinstance(offset, int):
            return False
        place = bisect_left(self._offsets, offset)
        return place < len(self._offsets) and self._offsets[place] == offset


def remember(store: Store, books: Sequence[Book]) -> None:
    """Sets `book.suspended` of the files that rejects were first seen in."""
    if not books:
        return
    store.refresh("cdr-reject")
    found = {file for file, _ in movements(store, [_file(book) for book in books])}
    for book in books:
        if _file(book) in found:
            book.suspended = _offsets(store, _file(book))


def settle_movements(store: Store, books: Sequence[Book]) -> None:
    """Recycles the lines that became records by reading their files again, and sets `book.moved`. Everything is acknowledged."""
    again = [book for book in books if book.suspended is not None]
    if not again:
        return
    store.refresh("cdr-reject", *CDR_INDEX.values())
    if sum(sweep(store, Selection(source=_file(book), state="")) for book in again):
        store.refresh("cdr-reject")
    moved = dict(movements(store, [_file(book) for book in again]))
    for book in again:
        book.moved = moved[_file(book)].fields()


def _offsets(store: Store, file: tuple[str, str]) -> Offsets:
    offsets = Offsets()
    query = Selection(source=file, state="").query()
    for hit in store.scan("cdr-reject", query, ["log.offset"], sort=[{"log.offset": "asc"}]):
        offsets.append(int(hit["_source"]["log"]["offset"]))
    return offsets


def _file(book: Book) -> tuple[str, str]:
    return book.log["path"], book.log["fingerprint"]
