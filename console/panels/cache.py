"""A bounded cache in which a question is under way once at most: who asks the same meanwhile waits for that answer."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from functools import partial
from typing import Generic, TypeVar

from console.panels.turns import Turns

V = TypeVar("V")


class SharedAnswers(Generic[V]):
    """`workers`: questions under way at once. `most_bytes`: of all answers kept; the longest unused one goes first.

    Safe for threads. Errors are not kept: the next one to ask asks anew.
    """

    def __init__(
        self,
        workers: int,
        most_bytes: int,
        size: Callable[[V], int],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._turns = Turns(workers, "panel")
        self._most, self._size, self._monotonic = most_bytes, size, monotonic
        self._lock = threading.Lock()
        self._kept: OrderedDict[Hashable, tuple[float, V]] = OrderedDict()  # until when, what
        self._under_way: dict[Hashable, Future[V]] = {}
        self._bytes = 0

    def get(self, key: Hashable, ask: Callable[[], V], keep_sec: float, person: str = "") -> Future[V]:
        """The answer to `key`, by `ask` where nobody has it or asks for it, in the turn of `person`. Kept for `keep_sec`."""
        with self._lock:
            kept = self._kept.get(key)
            if kept is not None and kept[0] > self._monotonic():
                self._kept.move_to_end(key)
                done: Future[V] = Future()
                done.set_result(kept[1])
                return done
            under_way = self._under_way.get(key)
            if under_way is not None:
                return under_way
            future: Future[V] = Future()
            self._under_way[key] = future
        self._turns.submit(person, partial(self._work, key, ask, keep_sec, future))
        return future

    def _work(self, key: Hashable, ask: Callable[[], V], keep_sec: float, future: Future[V]) -> None:
        try:
            answer = ask()
        except BaseException as error:  # noqa: BLE001 - whatever it is, those who wait get it
            with self._lock:
                self._under_way.pop(key, None)
            future.set_exception(error)
            return
        with self._lock:
            self._under_way.pop(key, None)
            self._keep(key, answer, keep_sec)
        future.set_result(answer)

    def _keep(self, key: Hashable, answer: V, keep_sec: float) -> None:
        old = self._kept.pop(key, None)
        self._bytes += self._size(answer) - (self._size(old[1]) if old else 0)
        self._kept[key] = (self._monotonic() + keep_sec, answer)
        while self._bytes > self._most and self._kept:
            _, (_, dropped) = self._kept.popitem(last=False)
            self._bytes -= self._size(dropped)

    @property
    def bytes(self) -> int:
        return self._bytes

    def close(self) -> None:
        self._turns.close()
