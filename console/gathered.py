"""Questions of many at once, put together: who asks while others wait shares the next question, never one that began before.

So an answer is as new as if each had asked alone, and a crowd costs few questions.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

G = TypeVar("G", bound=Hashable)
K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Gathered(Generic[G, K, V]):
    """`ask`: answers for several keys of one group, by key. `workers`: questions under way at once; groups take turns.

    Safe for threads. What `ask` raises, all who wait for it get.
    """

    def __init__(self, workers: int, ask: Callable[[G, Sequence[K]], Mapping[K, V]], name: str) -> None:
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix=name)
        self._ask = ask
        self._lock = threading.Lock()
        self._waiting: dict[G, dict[K, Future[V]]] = {}

    def get(self, group: G, keys: Sequence[K]) -> dict[K, V]:
        """Answers by key, of a question that begins after this call."""
        with self._lock:
            new = group not in self._waiting
            futures = self._waiting.setdefault(group, {})
            mine = {key: futures.setdefault(key, Future()) for key in keys}
        if new:
            self._pool.submit(self._work, group)
        return {key: future.result() for key, future in mine.items()}

    def _work(self, group: G) -> None:
        with self._lock:
            futures = self._waiting.pop(group)
        try:
            answers = self._ask(group, list(futures))
            found = {key: answers[key] for key in futures}
        except BaseException as error:  # noqa: BLE001 - whatever it is, those who wait get it
            for future in futures.values():
                future.set_exception(error)
            return
        for key, future in futures.items():
            future.set_result(found[key])

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)
