"""Where a line is in the store: the same end that `ingest` would give it, found without writing.

As it was delivered comes first: a line that was suspended from this very place counts as rejected, whatever a layout makes of it
today or what became of it since.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from contracts.indices import CDR_INDEX, concrete
from infrastructure.store import Store, Versioned
from mediation.audit.reading import Judged
from mediation.books import Book
from mediation.compile import Record
from mediation.settle import reject_id

_RECORD = ("log",)
_REJECT = ("log", "reject.reason")


def count(store: Store, book: Book, lines: Sequence[Judged], *, suspended: bool) -> list[Judged]:
    """Adds a batch to `book.counts`, and returns the lines that the store knows nothing of.

    `suspended`: rejects were first seen in this file. Asked with mget: at once, without a refresh.
    """
    layout = book.source.layout
    name = layout.name if layout else ""
    ends: dict[int, str] = {}
    rejects = {
        place: reject_id(name, line.raw)
        for place, line in enumerate(lines)
        if suspended or not isinstance(line.outcome, Record)
    }
    _rejects(store, book, lines, rejects, ends, here_only=True)
    _records(store, book, lines, ends)
    left = {place: reject_id(name, line.raw) for place, line in enumerate(lines) if place not in ends}
    _rejects(store, book, lines, left, ends, here_only=False)
    for end in ends.values():
        _add(book, end)
    book.counts.lines += len(lines)
    missing = [line for place, line in enumerate(lines) if place not in ends]
    book.counts.missing += len(missing)
    return missing


def _records(store: Store, book: Book, lines: Sequence[Judged], ends: dict[int, str]) -> None:
    wanted: list[tuple[int, tuple[str, str]]] = []
    for place, line in enumerate(lines):
        if place not in ends and isinstance(line.outcome, Record):
            day = datetime.fromisoformat(line.outcome.timestamp[:10]).replace(tzinfo=UTC)
            index = store.place(CDR_INDEX[line.outcome.service], day)
            wanted.append((place, (index, line.outcome.id)))
    found = store.read_back([pair for _, pair in wanted], _RECORD) if wanted else []
    for (place, _), row in zip(wanted, found, strict=True):
        if row is not None:
            ends[place] = "indexed" if _here(book, lines[place], row) else "duplicate"


def _rejects(
    store: Store, book: Book, lines: Sequence[Judged], ids: dict[int, str], ends: dict[int, str], *, here_only: bool
) -> None:
    index = concrete("cdr-reject")
    found = store.read_back([(index, key) for key in ids.values()], _REJECT) if ids else []
    for place, row in zip(ids, found, strict=True):
        if row is None:
            continue
        if _here(book, lines[place], row):
            ends[place] = f"rejected {row.source.get('reject', {}).get('reason', '')}"
        elif not here_only:
            ends[place] = "duplicate"


def _here(book: Book, line: Judged, row: Versioned) -> bool:
    log: dict[str, Any] = row.source.get("log", {})
    return bool(log.get("file") == book.log and log.get("offset") == line.offset)


def _add(book: Book, end: str) -> None:
    counts = book.counts
    word, _, reason = end.partition(" ")
    if word == "indexed":
        counts.indexed += 1
    elif word == "duplicate":
        counts.duplicate += 1
    else:
        counts.rejected += 1
        counts.reasons[reason] = counts.reasons.get(reason, 0) + 1
