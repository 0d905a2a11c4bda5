"""The audit: books of files whose end nobody saw, as on the Logstash route and behind `listen`.

Each file is read and mediated again without writing, its lines are looked up in the store, and the row is written that `ingest`
would have written. What is absent is missing: lost on the way, or not there yet.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import Any, Literal

from contracts.clock import iso, parse_iso
from contracts.errors import ConflictError, UserError
from contracts.indices import CDR_INDEX, concrete
from contracts.outcomes import Counts
from infrastructure.store import Operation, Store, Versioned
from mediation.audit.lookup import count
from mediation.audit.reading import Judged, Reader
from mediation.books import CLOSED, OPEN, Book
from mediation.collect import find_files, unreadable
from mediation.compile import Record
from mediation.enrich.configured import layouts_in_use
from mediation.layout import Layout
from mediation.pace import user_pace
from mediation.sniff import inspect
from mediation.suspense import Movement, Selection, movements, sweep

Progress = Callable[[int, int], None]
What = Literal["audited", "left", "pending", "changed"]
_GROUP = 500  # files whose rows are read and written together
_SHOWN = 5  # missing lines of a file that are named


@dataclass(frozen=True, slots=True)
class FileAudit:
    """`what`: audited; left (its books are closed already); pending (changed a moment ago, so that its row stays open);
    changed (somebody else wrote its row meanwhile, which stays). `missing`: offset and line number of the first missing lines.
    `was`: the books that the row had, where the audit found others.
    """

    path: str
    layout: str
    what: What
    counts: Counts
    missing: tuple[tuple[int, int], ...] = ()
    was: Counts | None = None

    def as_dict(self) -> dict[str, Any]:
        """For machines."""
        counts = {name: getattr(self.counts, name) for name in ("lines", "indexed", "duplicate", "rejected", "missing")}
        places = [{"offset": offset, "line": number} for offset, number in self.missing]
        words = {"path": self.path, "layout": self.layout, "what": self.what}
        return {
            **words,
            **counts,
            "reasons": self.counts.reasons,
            "missing_lines": places,
            "differed": self.was is not None,
        }


@dataclass(slots=True)
class AuditReport:
    """Sums over the files that could be read, those whose books were left alone included."""

    counts: Counts = field(default_factory=Counts)
    files: list[FileAudit] = field(default_factory=list)
    errors: list[UserError] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        """Every file could be read, and its books are closed and balance."""
        return not self.errors and all(each.what != "pending" and each.counts.balanced for each in self.files)

    def as_dict(self) -> dict[str, Any]:
        """For machines: sums, `balanced`, and one entry a file."""
        counts = {name: getattr(self.counts, name) for name in ("lines", "indexed", "duplicate", "rejected", "missing")}
        return {
            "files": [each.as_dict() for each in self.files],
            **counts,
            "reasons": self.counts.reasons,
            "balanced": self.ok,
            "errors": [error.sentence() for error in self.errors],
            "seconds": round(self.seconds, 3),
        }


def audit(
    store: Store,
    paths: Sequence[str | Path],
    *,
    layout: str | None = None,
    start: str | None = None,
    rate: str | None = None,
    verify: bool = False,
    seen_as: tuple[Path, Path] | None = None,
    layouts: Mapping[str, Layout] | None = None,
    progress: Progress | None = None,
) -> AuditReport:
    """Writes the books of files (or folders of them) from what the store holds of their lines.

    `layout`, `start`, `rate`, `layouts`: as for `ingest`. `verify`: audits files whose books are closed and balance, too.
    `seen_as`: (folder here, the same folder as the shipper named it). A file that cannot be read is an error in the report.
    Raises UserError on a bad argument, StoreUnavailable and StoreRefused as the store does.
    """
    began = time.monotonic()
    known = layouts_in_use(store.settings, layouts)
    if layout is not None and layout not in known:
        raise UserError(f"unknown layout {layout!r}", where="--layout", remedy=f"one of {', '.join(known)}")
    files, errors = find_files(Path(path) for path in paths)
    run = _Audit(store, Reader(store, user_pace(start, rate)), known, layout, verify, seen_as)
    run.report.errors += errors
    store.refresh("cdr-reject", *CDR_INDEX.values())
    rest = iter(files)
    while group := list(islice(rest, _GROUP)):
        run.group(group)
        if progress:
            progress(len(run.report.files), len(files))
    store.refresh("cdr-file")
    run.report.seconds = time.monotonic() - began
    return run.report


@dataclass(slots=True)
class _Audit:
    store: Store
    reader: Reader
    layouts: Mapping[str, Layout]
    wanted: str | None
    verify: bool
    seen_as: tuple[Path, Path] | None
    report: AuditReport = field(default_factory=AuditReport)

    def group(self, paths: Iterable[Path]) -> None:
        """Files whose rows are read together."""
        books = [(path, book) for path in paths if (book := self._inspected(path)) is not None]
        index = concrete("cdr-file")
        rows = self.store.read_back([(index, book.id) for _, book in books]) if books else []
        moved = self._moved([(book.log["path"], book.log["fingerprint"]) for _, book in books])
        for (path, book), row in zip(books, rows, strict=True):
            book.stored = row.source if row else None
            movement = moved.get((book.log["path"], book.log["fingerprint"]))
            done = self._left(book) or self._one(path, book, row, movement)
            if done is not None:
                self.report.files.append(done)
                self.report.counts.add(done.counts)

    def _moved(self, files: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Movement]:
        """What became of the files' rejects, once those that the shipper made records of meanwhile are recycled."""
        moved = dict(movements(self.store, files))
        waiting = [file for file, movement in moved.items() if movement.rejected > movement.recycled]
        if sum(sweep(self.store, Selection(source=file, state=""), by="audit") for file in waiting):
            self.store.refresh("cdr-reject")
            moved = dict(movements(self.store, files))
        return moved

    def _inspected(self, path: Path) -> Book | None:
        try:
            book = Book(inspect(path, self.layouts, self.wanted))
        except UserError as error:
            self.report.errors.append(error)
            return None
        if self.seen_as is not None and path.is_relative_to(self.seen_as[0]):
            book.log = {**book.log, "path": str(self.seen_as[1] / path.relative_to(self.seen_as[0]))}
        return book

    def _left(self, book: Book) -> FileAudit | None:
        """Closed books of this very file that balance stay as they are, whoever wrote them."""
        counts = counts_of(book.stored or {})
        if self.verify or not book.closed_as_is() or not counts.balanced:
            return None
        return FileAudit(book.log["path"], _layout(book), "left", counts)

    def _one(self, path: Path, book: Book, row: Versioned | None, movement: Movement | None) -> FileAudit | None:
        try:
            missing = self._read(book, movement is not None)
        except OSError as error:
            self.report.errors.append(unreadable(path, error))
            return None
        places = tuple((line.offset, line.number) for line in missing)
        pending = bool(missing) and self._changed_now(book)
        book.run = book.counts  # seen by this run: all of it
        book.moved = movement.fields() if movement is not None else {}
        source = book.row(OPEN if pending else CLOSED, iso(self.store.clock()))
        written = self._write(book, row, source)
        was = counts_of(book.stored) if book.stored and not pending and book.closed_as_is() else None
        what: What = "changed" if not written else "pending" if pending else "audited"
        differed = was if was is not None and was != book.counts else None
        return FileAudit(book.log["path"], _layout(book), what, book.counts, places, differed)

    def _read(self, book: Book, suspended: bool) -> list[Judged]:
        """Counts every line; returns the first missing ones."""
        missing: list[Judged] = []
        most = self.store.settings.number("ingest.chunk.lines")
        lines = self.reader.lines(book)
        for batch in _batched(lines, most):
            for line in batch:
                if isinstance(line.outcome, Record):
                    book.saw(line.outcome.timestamp)
            missing += count(self.store, book, batch, suspended=suspended)[: _SHOWN - len(missing)]
        return missing

    def _changed_now(self, book: Book) -> bool:
        """Whether the file changed so recently that lines may be on their way."""
        quiet = timedelta(seconds=self.store.settings.number("books.quiet.sec"))
        return bool(book.mtime) and self.store.clock() - parse_iso(book.mtime) < quiet

    def _write(self, book: Book, row: Versioned | None, source: dict[str, Any]) -> bool:
        """Guarded: a row that somebody wrote meanwhile stays. False then."""
        if not book.differs(source):
            return True
        if row is None:
            created = self.store.bulk([Operation("create", concrete("cdr-file"), book.id, source)])
            return created[0].created
        try:
            self.store.replace(row, source)
        except ConflictError:
            return False
        return True


def _batched(lines: Iterator[Judged], most: int) -> Iterator[list[Judged]]:
    while batch := list(islice(lines, most)):
        yield batch


def _layout(book: Book) -> str:
    return book.source.layout.name if book.source.layout else ""


def counts_of(row: Mapping[str, Any]) -> Counts:
    """Books as a row of cdr-file has them; zeros while it is open."""
    file = row.get("file", {})
    numbers = {name: int(file.get(name, 0)) for name in ("lines", "indexed", "duplicate", "rejected", "missing")}
    return Counts(**numbers, reasons=dict(file.get("reasons", {})))
