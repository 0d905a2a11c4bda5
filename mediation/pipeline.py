"""The way of a file, in order: collect → recognise → mediate → write and settle → close the books.

Lines of many small files share a chunk; `ingest.senders` chunks are under way at once and no more wait, so memory is flat.
A file's row in `cdr-file` says `open` from before its first line is written until its books are closed: a run that dies
leaves it open, and the next run over the file closes it with the same books.
"""

from __future__ import annotations

import contextlib
import gc
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import orjson

from contracts.clock import iso
from contracts.errors import LayoutError, UserError
from contracts.indices import CDR_INDEX, concrete
from contracts.outcomes import Reject
from infrastructure.secrets import pii_key
from infrastructure.store import Operation, Store
from mediation.books import CLOSED, OPEN, Book
from mediation.collect import find_files, physical_lines, unreadable
from mediation.compile import Mediator, Pace, Record, compile_layout
from mediation.layout import Layout
from mediation.lines import judge, no_data, without_end
from mediation.load import load_layouts, nearest
from mediation.pace import pace_of, user_pace
from mediation.report import FileReport, IngestReport
from mediation.settle import Chunk, Line, Tally, reject_operation, reject_prefix, settle
from mediation.sniff import inspect

Progress = Callable[[int, int], None]
_PLACES = 10_000  # days of record time whose index is remembered
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
) -> IngestReport:
    """Mediates files (or folders of them) into the store; every line ends as indexed, duplicate or rejected.

    `layout`: the only one the files may have, else told by each header. `start`, `rate`: times for layouts that carry none
    (`2026-01-01T00:00:00`, `120/h`). `progress(bytes done, bytes in all)` is called now and then. `layouts`: others than the
    shipped ones. A file that cannot be read is an error in the report and the others go on. Raises UserError on a bad
    argument, StoreUnavailable and StoreRefused as the store does.
    """
    began = time.monotonic()
    known = load_layouts() if layouts is None else layouts
    if layout is not None and layout not in known:
        raise LayoutError(
            f"unknown layout {layout!r}{nearest(layout, list(known))}",
            where="--layout",
            remedy=f"one of {', '.join(known)}",
        )
    run = _Run(store, known, layout, user_pace(start, rate), progress or (lambda done, total: None))
    files, errors = find_files(Path(path) for path in paths)
    run.report.errors += errors
    run.total = sum(_size(path) for path in files)
    with _rare_collections(), ThreadPoolExecutor(run.senders, thread_name_prefix="sender") as run.pool:
        try:
            for group in _groups(files, _GROUP):
                run.group(group)
        except BaseException:
            run.pool.shutdown(wait=False, cancel_futures=True)  # what has not begun would wait for the store once more
            raise
    store.refresh("cdr-file", "cdr-reject", *CDR_INDEX.values())
    run.report.seconds = time.monotonic() - began
    return run.report


def _size(path: Path) -> int:
    """For the progress only: what cannot be read is told later."""
    with contextlib.suppress(OSError):
        return path.stat().st_size
    return 0


@contextmanager
def _rare_collections() -> Iterator[None]:
    """Lines become many objects and no cycles: to look for cycles after every 700 of them takes a tenth of the time."""
    before = gc.get_threshold()
    gc.set_threshold(100_000, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


def _groups(files: Iterable[Path], size: int) -> Iterator[list[Path]]:
    rest = iter(files)
    while group := list(islice(rest, size)):
        yield group


@dataclass(slots=True)
class _Run:
    """One run: what it was given, and what is under way."""

    store: Store
    layouts: Mapping[str, Layout]
    wanted: str | None
    pace: tuple[str, float] | None
    progress: Progress
    report: IngestReport = field(default_factory=IngestReport)
    pool: ThreadPoolExecutor = field(default_factory=ThreadPoolExecutor)
    total: int = 0
    done: int = 0
    under_way: deque[Future[list[Tally]]] = field(default_factory=deque)
    chunk: Chunk = field(default_factory=lambda: Chunk(""))
    key: bytes = b""
    most: int = 0  # lines of a chunk
    mediators: dict[tuple[str, tuple[str, ...]], Mediator] = field(default_factory=dict)
    places: dict[tuple[str, str], str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.key = pii_key(self.store.settings)
        self.most = self.store.settings.number("ingest.chunk.lines")

    @property
    def senders(self) -> int:
        return self.store.settings.number("ingest.senders")

    def now(self) -> str:
        return iso(self.store.clock())

    def group(self, paths: Sequence[Path]) -> None:
        """Files from opening their rows to closing them."""
        books = [book for path in paths if (book := self._inspected(path)) is not None]
        self._open(books)
        read = [book for book in books if self._read(book)]
        self._send()
        while self.under_way:
            self._settled()
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
        now = self.now()
        opened = [book for book in books if not book.closed_as_is()]
        self.store.write_all(Operation("index", index, book.id, book.row(OPEN, now)) for book in opened)
        for book in opened:
            book.stored = None

    def _close(self, books: Sequence[Book]) -> None:
        now = self.now()
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
            with source.path.open("rb") as stream:
                if layout is None:
                    book.size = source.size
                    return True
                pace = pace_of(source, layout, stream, limit, self.pace)
                stream.seek(0)
                outcome = judge(self._mediator(layout, source.header, pace), limit)
                skipped = no_data(source.header_line)
                add = self._add
                for offset, number, found in physical_lines(stream, limit, reject_prefix(layout.name)):
                    raw = without_end(found) if found[-1:] == b"\r" else found
                    if raw not in skipped:
                        add(book, offset, number, raw, outcome(raw))
                book.size = stream.tell()
        except OSError as error:
            self.report.errors.append(unreadable(source.path, error))
            return False
        self.done += book.size
        self.progress(self.done, self.total)
        return True

    def _mediator(self, layout: Layout, header: tuple[str, ...], pace: Pace | None) -> Mediator:
        if pace is not None:
            return compile_layout(layout, self.key, header=header, pace=pace)
        known = self.mediators.get((layout.name, header))
        if known is None:
            known = self.mediators[layout.name, header] = compile_layout(layout, self.key, header=header)
        return known

    def _add(self, book: Book, offset: int, number: int, raw: bytes, outcome: Record | Reject) -> None:
        chunk = self.chunk
        if not chunk.lines:
            chunk.stamp = self.now()
        if isinstance(outcome, Record):
            book.saw(outcome.timestamp)
            document = outcome.document
            document["log"] = {"file": book.log, "offset": offset}
            document["event"]["ingested"] = chunk.stamp
            index = self.places.get((outcome.service, outcome.timestamp[:10])) or self._place(outcome)
            chunk.operations.append(Operation("create", index, outcome.id, orjson.dumps(document)))
            chunk.lines.append(Line(book, offset, number, raw, None))
        else:
            line = Line(book, offset, number, raw, outcome)
            chunk.operations.append(reject_operation(line, outcome, chunk.stamp))
            chunk.lines.append(line)
        if len(chunk.lines) >= self.most:
            self._send()
            self.progress(self.done + offset, self.total)

    def _place(self, record: Record) -> str:
        """Concrete index of a record; asked once a day of record time, since no period is shorter."""
        moment = datetime.fromisoformat(record.timestamp).astimezone(UTC)
        index = self.store.place(CDR_INDEX[record.service], moment)
        if len(self.places) > _PLACES:
            self.places.clear()
        self.places[record.service, record.timestamp[:10]] = index
        return index

    def _send(self) -> None:
        """Hands the chunk to a sender; waits for the oldest first when every sender has one and one more waits."""
        if self.chunk.lines:
            while len(self.under_way) > self.senders:
                self._settled()
            self.under_way.append(self.pool.submit(settle, self.store, self.chunk))
            self.chunk = Chunk("")

    def _settled(self) -> None:
        for tally in self.under_way.popleft().result():
            tally.book.counts.add(tally.counts)
            tally.book.run.add(tally.run)
