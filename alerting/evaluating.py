"""Several evaluations of one moment at once: each asks Elasticsearch and changes nothing."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import NamedTuple

from alerting.evaluate import Evaluation, evaluate
from alerting.watch import Watch
from contracts.errors import BusyhourError, StoreUnavailable
from infrastructure.store import Store


class Evaluated(NamedTuple):
    """`problem`: why it could not be evaluated; then nothing begins and nothing ends by it."""

    tick: datetime
    watch: Watch
    found: Evaluation
    took_ms: float
    problem: str = ""


class Evaluator:
    """Up to `threads` evaluations at once; the answers come in the order of the questions."""

    def __init__(self, store: Store, threads: int) -> None:
        self._store = store
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="watches")

    def __enter__(self) -> Evaluator:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)

    def all(self, due: Sequence[tuple[datetime, Watch]]) -> Iterator[Evaluated]:
        """Raises StoreUnavailable when Elasticsearch stays away."""
        if len(due) == 1:
            yield self._one(*due[0])
        else:
            yield from self._pool.map(lambda one: self._one(*one), due)

    def _one(self, tick: datetime, watch: Watch) -> Evaluated:
        began = time.perf_counter()
        problem = ""
        try:
            found = evaluate(self._store, watch, tick)
        except StoreUnavailable:
            raise
        except (BusyhourError, ValueError, TypeError, KeyError) as error:
            problem = str(error) if isinstance(error, BusyhourError) else f"{type(error).__name__}: {error}"
            found = Evaluation([], problem, complete=False, met=False)
        return Evaluated(tick, watch, found, (time.perf_counter() - began) * 1000, problem)
