"""Rows of followed files in `cdr-file`: open with the counts so far while a file grows, closed with those that `ingest` gives.

Each write is guarded by what the worker wrote before; one that was taken for dead meets what its successor wrote, and finds out.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from contracts.clock import iso
from contracts.errors import ConflictError
from contracts.indices import concrete
from infrastructure.store import Operation, Store, Versioned
from mediation.books import CLOSED, OPEN, Book
from mediation.suspense import DISCARDED, RECYCLED, remember

_TRIES = 10


class Ledger:
    def __init__(self, store: Store) -> None:
        self._store = store

    def open(self, books: list[Book]) -> list[Versioned]:
        """Opens the rows of files just taken; from now on nobody who held them before can write them."""
        index = concrete("cdr-file")
        rows = [self._row(book, OPEN) for book in books]
        self._store.write_all(Operation("create", index, book.id, row) for book, row in zip(books, rows, strict=True))
        found = self._store.read_back([(index, book.id) for book in books])
        before = zip(books, rows, found, strict=True)
        remember(self._store, [book for book, row, there in before if there is None or there.source != row])
        return [
            there if there is not None and there.source == row else self._taken(index, book)
            for book, row, there in zip(books, rows, found, strict=True)
        ]

    def _taken(self, index: str, book: Book) -> Versioned:
        """Replaces a row that was there."""
        for _ in range(_TRIES):
            (there,) = self._store.read_back([(index, book.id)])
            if there is not None:
                try:
                    return self._store.replace(there, self._row(book, OPEN, there.source))
                except ConflictError:
                    continue
        raise ConflictError(f"its row {book.id} changes too often", where=book.log["path"])

    def write(self, row: Versioned, book: Book, state: str, holds: Callable[[], None]) -> Versioned:
        """The row as the books are now.

        Others change rows too: rejects are recycled, the audit looks at open files. Then `holds` must say, by ConflictError, if
        another worker has taken the file; else the row is written over what they wrote, but for what became of rejects.
        """
        for _ in range(_TRIES):
            new = self._row(book, state, row.source)
            if {**new, "event": None} == {**row.source, "event": None}:
                return row
            try:
                return self._store.replace(row, new)
            except ConflictError:
                row = self._read(row)
                holds()
        raise ConflictError(f"its row {book.id} changes too often", where=book.log["path"])

    def _read(self, row: Versioned) -> Versioned:
        (there,) = self._store.read_back([(row.index, row.id)])
        return row if there is None else there

    def _row(self, book: Book, state: str, before: dict[str, Any] | None = None) -> dict[str, Any]:
        """An open row has its counts so far too."""
        row = book.row(CLOSED, iso(self._store.clock()))
        kept = (before or {}).get("file", {})
        row["file"] = {name: kept[name] for name in (RECYCLED, DISCARDED) if name in kept} | row["file"]
        row["file"]["state"] = state
        return row
