"""The way of a file, in order: collect → recognise → mediate → write and settle → close the books.

Lines of many small files share a chunk; `ingest.senders` chunks are under way at once and no more wait, so memory is flat.
A file's row in `cdr-file` says `open` from before its first line is written until its books are closed: a run that dies
leaves it open, and the next run over the file closes it with the same books.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from contracts.errors import UserError
from contracts.indices import CDR_INDEX, concrete
from infrastructure.secrets import pii_key
from infrastructure.store import Operation, Store
from mediation.books import CLOSED, OPEN, Book
from mediation.collect import find_files, unreadable
from mediation.compile import Pace
from mediation.enrich.configured import layouts_in_use
from mediation.intake import Intake, rare_collections
from mediation.layout import Layout
from mediation.load import check_known
from mediation.pace import pace_of, user_pace
from mediation.report import FileReport, IngestReport
from mediation.sniff import inspect
from mediation.suspense import remember, settle_movements
from mediation.way import Way, way_of

Progress = Callable[[int, int], None]
_TELL = 5000  # records between two signs of progress, where they come one by one
_GROUP = 500  # files whose rows are opened and closed together


def ingest(
    store: Store,
    paths: Sequence[str | Path],
    *,
    layout: str | None = None,
    start: str | None = None,
    rate: str | None = None,
    progress: Progress | None = None,
    layouts: Mapping[str, Layout] | None = None,
    visible: bool = True,
) -> IngestReport:
    """Mediates files (or folders of them) into the store; every line ends as indexed, duplicate or rejected.

    `layout`: the only one the files may have, else told by each header. `start`, `rate`: times for layouts that carry none
    (`2026-01-01T00:00:00`, `120/h`). `progress(bytes done, bytes in all)` is called now and then. `layouts`: others than the
    shipped ones. `visible`: returns when searches see the records, and not only when they are safe; jobs of ours that read them
    see to it themselves. A file that cannot be read is an error in the report and the others go on. Raises UserError on a bad
    argument, StoreUnavailable and StoreRefused as the store does.
    """
    began = time.monotonic()
    known = layouts_in_use(store.settings, layouts)
    check_known(layout, known)
    files, errors = find_files(Path(path) for path in paths)
    with rare_collections(), Intake(store) as intake:
        run = _Run(store, intake, known, layout, user_pace(start, rate), progress or (lambda done, total: None))
        run.report.errors += errors
        run.total = sum(_size(path) for path in files)
        for group in _groups(files, _GROUP):
            run.group(group)
    store.refresh("cdr-file", "cdr-reject", *(CDR_INDEX.values() if visible else ()))
    run.report.seconds = time.monotonic() - began
    return run.report


def _size(path: Path) -> int:
    """For the progress only: what cannot be read is told later."""
    with contextlib.suppress(OSError):
        return path.stat().st_size
    return 0


def _groups(files: Iterable[Path], size: int) -> Iterator[list[Path]]:
    rest = iter(files)
    while group := list(islice(rest, size)):
        yield group


@dataclass(slots=True)
class _Run:
    """One run: what it was given, and what is under way."""

    store: Store
    intake: Intake
    layouts: Mapping[str, Layout]
    wanted: str | None
    pace: tuple[str, float] | None
    progress: Progress
    report: IngestReport = field(default_factory=IngestReport)
    total: int = 0
    done: int = 0
    key: bytes = b""
    ways: dict[tuple[str, tuple[str, ...]], Way] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.key = pii_key(self.store.settings)

    def group(self, paths: Sequence[Path]) -> None:
        """Files from opening their rows to closing them."""
        books = [book for path in paths if (book := self._inspected(path)) is not None]
        self._open(books)
        read = [book for book in books if self._read(book)]
        self.intake.flush()
        self._close(read)

    def _inspected(self, path: Path) -> Book | None:
        try:
            return Book(inspect(path, self.layouts, self.wanted))
        except UserError as error:
            self.report.errors.append(error)
            return None

    def _open(self, books: Sequence[Book]) -> None:
        index = concrete("cdr-file")
        rows = self.store.read_back([(index, book.id) for book in books])
        for book, row in zip(books, rows, strict=True):
            book.stored = row.source if row else None
        now = self.intake.now()
        opened = [book for book in books if not book.closed_as_is()]
        self.store.write_all(Operation("index", index, book.id, book.row(OPEN, now)) for book in opened)
        for book in opened:
            book.stored = None
        remember(self.store, books)

    def _close(self, books: Sequence[Book]) -> None:
        settle_movements(self.store, books)
        now = self.intake.now()
        rows = [(book, book.row(CLOSED, now)) for book in books]
        index = concrete("cdr-file")
        self.store.write_all(Operation("index", index, book.id, row) for book, row in rows if book.differs(row))
        for book in books:
            layout = book.source.layout
            self.report.counts.add(book.run)
            self.report.files.append(FileReport(book.source.path, layout.name if layout else "", book.run, book.counts))

    def _read(self, book: Book) -> bool:
        """Mediates a file's lines into chunks; False when it cannot be read to its end."""
        layout, source = book.source.layout, book.source
        limit = self.store.settings.number("ingest.line.bytes")
        try:
            with source.open(self.store.settings.number("ingest.unpacked.bytes")) as stream:
                if layout is None:
                    book.size = max(source.size, 0)
                    return True
                pace = pace_of(source, layout, stream, limit, self.pace)
                stream.seek(0)
                self._hand_over(book, self._way(layout, source.header, limit, pace), stream)
                book.size = stream.tell()
        except OSError as error:
            self.report.errors.append(unreadable(source.path, error))
            return False
        self.done += book.size
        self.progress(self.done, self.total)
        return True

    def _hand_over(self, book: Book, way: Way, stream: BinaryIO) -> None:
        told = 0
        for offset, number, piece in way.pieces(stream):
            way.hand_over(self.intake, book, offset, number, piece)
            if way.columns is not None or number - told >= _TELL:
                told = number
                self.progress(self.done + offset + len(piece), self.total)

    def _way(self, layout: Layout, header: tuple[str, ...], limit: int, pace: Pace | None) -> Way:
        """Remembered but for files that have a clock of their own."""
        if pace is not None:
            return way_of(layout, self.key, header, limit, pace)
        if (layout.name, header) not in self.ways:
            self.ways[layout.name, header] = way_of(layout, self.key, header, limit)
        return self.ways[layout.name, header]
