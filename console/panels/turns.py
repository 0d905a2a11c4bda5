"""Work of many people on few threads, in turns: who asks for much waits for much, and the others do not wait for it."""

from __future__ import annotations

import threading
from collections import Counter, OrderedDict, deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor


class Turns:
    """`workers` threads. Each person in turn has one piece of work taken up; one person has at most all threads but one,

    so that a thread is left for somebody else at any moment (with a single thread, they take turns on it).
    """

    def __init__(self, workers: int, name: str) -> None:
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix=name)
        self._each = max(1, workers - 1)
        self._lock = threading.Lock()
        self._waiting: OrderedDict[str, deque[Callable[[], None]]] = OrderedDict()  # whose turn is next stands first
        self._running: Counter[str] = Counter()
        self._passed = 0  # turns in which nobody was allowed more

    def submit(self, person: str, work: Callable[[], None]) -> None:
        with self._lock:
            self._waiting.setdefault(person, deque()).append(work)
        self._pool.submit(self._turn)

    def _turn(self) -> None:
        with self._lock:
            person = next((each for each in self._waiting if self._running[each] < self._each), None)
            if person is None:
                self._passed += 1
                return
            works = self._waiting.pop(person)
            work = works.popleft()
            if works:
                self._waiting[person] = works
            self._running[person] += 1
        try:
            work()
        finally:
            with self._lock:
                self._running[person] -= 1
                self._running = +self._running  # forgets who has none
                again, self._passed = self._passed, 0
            for _ in range(again):
                self._pool.submit(self._turn)

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)
