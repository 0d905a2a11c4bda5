"""Writes points in the background while the next ones are computed; a refusal stops the roll-up."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType

from infrastructure.store import Operation, Store

CHUNK = 2000  # operations a request: about 0.8 MB
_WAITING = 2  # chunks that may wait for each sender: memory stays bounded when Elasticsearch is slower than we are


class Sender:
    """Context manager over a few threads. Leaving it waits for everything; then all of it is written, or it raises."""

    def __init__(self, store: Store, threads: int) -> None:
        self._store, self._most = store, threads * (1 + _WAITING)
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="points")
        self._under_way: deque[Future[int]] = deque()
        self.written = 0

    def __enter__(self) -> Sender:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            while kind is None and self._under_way:
                self._take()
        finally:
            self._pool.shutdown(wait=True, cancel_futures=True)

    def send(self, operations: Iterable[Operation]) -> None:
        """Hands operations over. Raises StoreRefused or StoreUnavailable of an earlier chunk as soon as it is known."""
        rest = iter(operations)
        while chunk := list(itertools.islice(rest, CHUNK)):
            while len(self._under_way) >= self._most:
                self._take()
            self._under_way.append(self._pool.submit(self._store.write_all, chunk, CHUNK))

    def flush(self) -> None:
        """Waits until everything handed over is written."""
        while self._under_way:
            self._take()

    def _take(self) -> None:
        self.written += self._under_way.popleft().result()
