"""Questions of many at once, put together: who asks while others wait shares the next question, never one that began before.

So an answer is as new as if each had asked alone, and a crowd costs few questions.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Mapping, Sequence
from concurrent.futures import Future
from typing import Generic, TypeVar

G = TypeVar("G", bound=Hashable)
K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class _Question(Generic[K, V]):
    """What one of a group will ask for all of them."""

    def __init__(self) -> None:
        self.keys: dict[K, None] = {}  # in order, each once
        self.answers: Future[Mapping[K, V]] = Future()


class Gathered(Generic[G, K, V]):
    """`ask`: answers for several keys of one group, by key. `at_once`: questions under way; further ones wait and grow.

    The first of a group to ask does it for all who come until the question begins, in its own thread: handing it to another
    would cost more than many a question. Safe for threads. What `ask` raises, all who wait for it get.
    """

    def __init__(self, at_once: int, ask: Callable[[G, Sequence[K]], Mapping[K, V]]) -> None:
        self._ask = ask
        self._slots = threading.Semaphore(at_once)
        self._lock = threading.Lock()
        self._waiting: dict[G, _Question[K, V]] = {}

    def get(self, group: G, keys: Sequence[K]) -> dict[K, V]:
        """Answers by key, of a question that begins after this call."""
        with self._lock:
            question = self._waiting.get(group)
            first = question is None
            if question is None:
                question = self._waiting[group] = _Question()
            question.keys.update(dict.fromkeys(keys))
        if first:
            self._work(group, question)
        answers = question.answers.result()
        return {key: answers[key] for key in keys}

    def _work(self, group: G, question: _Question[K, V]) -> None:
        with self._slots:
            with self._lock:
                del self._waiting[group]  # it begins: who comes now is a part of the next one
            try:
                question.answers.set_result(self._ask(group, list(question.keys)))
            except BaseException as error:  # noqa: BLE001 - whatever it is, those who wait get it
                question.answers.set_exception(error)
