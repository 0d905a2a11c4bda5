"""Intake: outcomes become bulk requests, several under way at once, and each line's end comes back to its file's books.

Lines of many files share a chunk of `ingest.chunk.lines`; `ingest.senders` chunks are under way and one more waits, so that
memory is flat. What ingests files, follows a folder or listens to Filebeat adds lines here, and calls `flush` where it must be
sure.
"""

from __future__ import annotations

import gc
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import TYPE_CHECKING, Self

import orjson

from contracts.clock import iso
from contracts.indices import CDR_INDEX
from contracts.outcomes import Reason, Reject
from infrastructure.bulk import Operation, encoded
from infrastructure.store import Store
from mediation.books import Book
from mediation.compile import Record
from mediation.enrich.privacy import reject_privacy
from mediation.settle import Chunk, Line, Region, Tally, reject_operation, settle
from mediation.values import Memo

if TYPE_CHECKING:
    from mediation.columns.compile import Columns

Acknowledged = Callable[[], None]


class Intake:
    """Used as a context; on an exception inside it what has not begun is dropped, since no book counts it.

    `key`, `stamp` and outcomes are the caller's; every public method may raise StoreUnavailable and StoreRefused, from an earlier
    chunk too.
    """

    def __init__(self, store: Store) -> None:
        self.store = store
        self._senders = store.settings.number("ingest.senders")
        self._most = store.settings.number("ingest.chunk.lines")
        self._ahead = timedelta(hours=store.settings.number("ingest.ahead.hours"))
        self._pool = ThreadPoolExecutor(self._senders, thread_name_prefix="sender")
        self._under_way: deque[tuple[Future[list[Tally]], list[Acknowledged]]] = deque()
        self._chunk = Chunk("")
        self._calls: list[Acknowledged] = []
        self._privacy = reject_privacy(store.settings)
        self._latest = ""  # a record time later than this is not believed
        self.places: dict[str, Memo] = {service: Memo(self._placer(service), 10_000) for service in CDR_INDEX}
        self._heads = {service: Memo(self._header(service), 10_000) for service in CDR_INDEX}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(wait=kind is None, cancel_futures=kind is not None)

    def now(self) -> str:
        return iso(self.store.clock())

    def add(self, book: Book, offset: int, number: int, raw: bytes, outcome: Record | Reject) -> None:
        """One line (without its end) and what became of it."""
        chunk = self._begun()
        if isinstance(outcome, Record) and outcome.timestamp > self._latest:
            outcome = self._future(outcome.timestamp)
        if isinstance(outcome, Record):
            book.saw(outcome.timestamp)
            document = outcome.document
            document["log"] = {"file": book.log, "offset": offset}
            document["event"]["ingested"] = chunk.stamp
            index = self.places[outcome.service][outcome.timestamp[:10]]
            operation = Operation("create", index, outcome.id, orjson.dumps(document))
            line = Line(book, offset, number, raw, None)
        else:
            line = Line(book, offset, number, raw, outcome)
            operation = reject_operation(line, outcome, chunk.stamp, self._privacy)
        chunk.add(line, encoded(operation))
        if len(chunk) >= self._most:
            self._send()

    def add_region(
        self, book: Book, columns: Columns, offset: int, number: int, region: bytes
    ) -> list[tuple[int, int, bytes]]:
        """Takes those of a region's lines that are plain records; returns the others, with offset and number, for `add`.

        `region`: whole lines as `mediation.collect.regions` gives them, the first of them at `offset` and `number`.
        """
        stamp, latest = self._begun().stamp, self._latest
        taken = columns.take(region, offset, log=book.log_text, stamp=stamp, latest=latest, heads=self._heads)
        if len(taken.texts):
            book.saw(taken.first)
            book.saw(taken.last)
        rows = Region(book, number, taken.lines, taken.positions, taken.offsets)
        done = 0
        while done < len(rows):
            chunk = self._chunk
            chunk.stamp = stamp
            end = min(done + self._most - len(chunk), len(rows))
            chunk.add_region(rows.part(done, end), taken.texts[done:end])
            done = end
            if len(chunk) >= self._most:
                self._send()
        return [(place, number + at, taken.lines[at]) for at, place in taken.others]

    def after(self, call: Acknowledged) -> None:
        """`call` is called, in the thread that adds, once everything added so far is acknowledged."""
        self._calls.append(call)

    def flush(self) -> None:
        """Returns when Elasticsearch has acknowledged everything added so far and the books count it."""
        self._send()
        while self._under_way:
            self._settled()

    def settle_done(self) -> None:
        """Counts what has come back meanwhile, without waiting."""
        while self._under_way and self._under_way[0][0].done():
            self._settled()

    def _begun(self) -> Chunk:
        chunk = self._chunk
        if not len(chunk):
            now = self.store.clock()
            chunk.stamp, self._latest = iso(now), iso(now + self._ahead)
        return chunk

    def _future(self, timestamp: str) -> Reject:
        hours = int(self._ahead.total_seconds() // 3600)
        return Reject(
            Reason.FUTURE_TIME, "", f"{timestamp} is more than {hours} h ahead of the clock (ingest.ahead.hours)"
        )

    def _placer(self, service: str) -> Callable[[str], str]:
        """Day of record time → concrete index; no period is shorter than a day."""

        def place(day: str) -> str:
            return self.store.place(CDR_INDEX[service], datetime.fromisoformat(day).replace(tzinfo=UTC))

        return place

    def _header(self, service: str) -> Callable[[str], str]:
        """Day of record time → the first line of an operation, up to its id."""
        return lambda day: f'{{"create":{{"_index":"{self.places[service][day]}","_id":"'

    def _send(self) -> None:
        """Hands the chunk to a sender; waits for the oldest first when every sender has one and one more waits."""
        if len(self._chunk):
            while len(self._under_way) > self._senders:
                self._settled()
            self._under_way.append((self._pool.submit(settle, self.store, self._chunk), self._calls))
            self._chunk, self._calls = Chunk(""), []
        elif self._calls:
            calls, self._calls = self._calls, []
            if self._under_way:
                self._under_way[-1][1].extend(calls)
            else:
                for call in calls:
                    call()

    def _settled(self) -> None:
        future, calls = self._under_way.popleft()
        for tally in future.result():
            tally.book.counts.add(tally.counts)
            tally.book.run.add(tally.run)
        for call in calls:
            call()


@contextmanager
def rare_collections() -> Iterator[None]:
    """Lines become many objects and no cycles: to look for cycles after every 700 of them takes a tenth of the time."""
    before = gc.get_threshold()
    gc.set_threshold(100_000, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
