"""Events become documents or rejects in the store: one thread for all connections, in batches that end when they are stored."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from contracts.errors import BusyhourError, InternalError
from contracts.outcomes import Counts, Reason, Reject
from infrastructure.secrets import pii_key
from infrastructure.store import Store
from mediation.books import Book
from mediation.compile import compile_layout
from mediation.intake import Intake, rare_collections
from mediation.layout import Layout
from mediation.lines import Outcome, judge
from mediation.listen.events import Event, ended, no_data_test
from mediation.sniff import Source

_log = logging.getLogger(__name__)
_FILES = 10_000  # whose books are remembered at once
_NO_LAYOUT = Reject(Reason.BAD_VALUE, "", "no layout for fields.layout of the Filebeat input")
_NO_NUMBER = 0  # Filebeat sends offsets, not line numbers


@dataclass(slots=True)
class Batch:
    """Events of one connection. `done`: they are in the store, or `error` says why not."""

    events: Sequence[Event]
    done: threading.Event = field(default_factory=threading.Event)
    error: BusyhourError | None = None

    def fail(self, error: BusyhourError) -> None:
        self.error = error
        self.done.set()


@dataclass(frozen=True, slots=True)
class _Reader:
    """What to do with the lines of one layout."""

    layout: Layout
    outcome: Outcome
    no_data: Callable[[bytes], bool]


class Writer:
    """Mediates and writes batches until it is stopped. `counts` is what this run did, as in a file's books.

    A store that does not take a batch fails it and all that wait with it: their clients send them again.
    """

    def __init__(self, store: Store, layouts: Mapping[str, Layout]) -> None:
        self.counts = Counts()
        self._store = store
        self._limit = store.settings.number("ingest.line.bytes")
        key = pii_key(store.settings)
        self._layouts = {name: layout for name, layout in layouts.items() if "logstash" in layout.runners}
        self._readers = {
            name: _Reader(
                layout,
                judge(compile_layout(layout, key), self._limit),
                no_data_test(layout),
            )
            for name, layout in self._layouts.items()
        }
        self._waiting: queue.SimpleQueue[Batch | None] = queue.SimpleQueue()
        self._under_way: list[Batch] = []
        self._books: dict[tuple[str, str, str], Book] = {}
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def put(self, batch: Batch) -> None:
        self._waiting.put(batch)

    def stop(self, timeout: float) -> bool:
        """Ends behind the last batch; whether it came to that in time."""
        self._waiting.put(None)
        self._thread.join(max(0.0, timeout))
        return not self._thread.is_alive()

    def _run(self) -> None:
        batch = self._waiting.get()
        with rare_collections():
            while batch is not None:
                self._under_way = [batch]
                try:
                    with Intake(self._store) as intake:
                        batch = self._write(intake, batch)
                except BusyhourError as error:
                    batch = self._failed(error)
                except Exception as error:  # noqa: BLE001  a defect: the clients that wait must hear of it, and others go on
                    _log.exception("batch failed")
                    batch = self._failed(InternalError(f"{type(error).__name__}: {error}"))

    def _write(self, intake: Intake, batch: Batch) -> Batch | None:
        """Writes batches until the last one. Lines of many batches share a request while there are batches waiting."""
        while True:
            for event in batch.events:
                self._add(intake, event)
            intake.after(batch.done.set)
            intake.settle_done()
            if self._waiting.empty() or len(self._books) > _FILES:
                intake.flush()
                self._settled()
            waiting = self._waiting.get()
            if waiting is None:
                intake.flush()
                self._settled()
                return None
            batch = waiting
            self._under_way = [other for other in self._under_way if not other.done.is_set()]
            self._under_way.append(batch)

    def _settled(self) -> None:
        """Everything is in the store: the books of this run go into its counts."""
        for book in self._books.values():
            self.counts.add(book.run)
            book.run = Counts()
        if len(self._books) > _FILES:
            self._books.clear()

    def _failed(self, error: BusyhourError) -> Batch | None:
        for batch in self._under_way:
            if not batch.done.is_set():
                batch.fail(error)
        for book in self._books.values():
            self.counts.add(book.run)
        self._books.clear()
        return self._waiting.get()

    def _add(self, intake: Intake, event: Event) -> None:
        reader = self._readers.get(event.layout)
        if reader is None:
            raw = event.message
            intake.add(self._book(event), event.offset, _NO_NUMBER, raw, _NO_LAYOUT)
            return
        raw = ended(event.message, reader.layout, event.offset, self._limit)
        if not reader.no_data(raw):
            intake.add(self._book(event), event.offset, _NO_NUMBER, raw, reader.outcome(raw))

    def _book(self, event: Event) -> Book:
        key = (event.path, event.fingerprint, event.layout)
        book = self._books.get(key)
        if book is None:
            layout = self._layouts.get(event.layout)
            book = self._books[key] = Book(Source(Path(event.path), 0, event.fingerprint, layout))
            book.log = {"path": event.path}
            if event.fingerprint:
                book.log["fingerprint"] = event.fingerprint
        return book
