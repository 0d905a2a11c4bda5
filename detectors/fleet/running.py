"""Tasks in order by one process, several, or Dask workers: the answers are the same, since a task knows nothing of the others."""

from __future__ import annotations

import multiprocessing
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from importlib import import_module
from typing import Any, Protocol, TypeVar

from contracts.errors import OperatorError, UserError

_AHEAD = 2  # tasks that wait for each worker: enough that none is idle, few enough that answers do not pile up
_ANSWER = "10s"  # how long a scheduler may take to answer

Answer = TypeVar("Answer")


class Future(Protocol):
    def result(self) -> Any: ...


class Workers(Protocol):
    """Takes calls and gives their answers later; `width`: how many it works on at once."""

    @property
    def width(self) -> int: ...

    def submit(self, work: Callable[..., Any], *given: Any) -> Future: ...


def in_order(workers: Workers, work: Callable[..., Answer], tasks: Iterable[tuple[Any, ...]]) -> Iterator[Answer]:
    """Answers in the order of the tasks; only so many are under way that memory stays bounded."""
    waiting: deque[Future] = deque()
    for task in tasks:
        waiting.append(workers.submit(work, *task))
        if len(waiting) >= workers.width * _AHEAD:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


class _Here:
    """This process: a call is made when its answer is asked for."""

    width = 1

    def submit(self, work: Callable[..., Any], *given: Any) -> Future:
        return _Later(work, given)


class _Later:
    def __init__(self, work: Callable[..., Any], given: tuple[Any, ...]) -> None:
        self.work, self.given = work, given

    def result(self) -> Any:
        return self.work(*self.given)


class _Pool:
    def __init__(self, pool: ProcessPoolExecutor, width: int) -> None:
        self.pool, self.width = pool, width

    def submit(self, work: Callable[..., Any], *given: Any) -> Future:
        return self.pool.submit(work, *given)


class _Dask:
    def __init__(self, client: Any) -> None:
        self.client = client

    @property
    def width(self) -> int:
        return max(int(sum(self.client.nthreads().values())), 1)

    def submit(self, work: Callable[..., Any], *given: Any) -> Future:
        future: Future = self.client.submit(work, *given, pure=False)
        return future


@contextmanager
def workers_of(processes: int, dask: str = "") -> Iterator[Workers]:
    """Workers of a Dask scheduler at `dask`, else this many processes of this machine.

    Raises OperatorError where the scheduler does not answer or a process was killed, UserError where Dask is not installed.
    """
    if dask:
        with _client(dask) as client:
            yield _Dask(client)
        return
    if processes <= 1:
        yield _Here()
        return
    # Spawned: pyarrow has threads, which a fork would leave behind half alive.
    pool = ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn"))
    try:
        yield _Pool(pool, processes)
    except BrokenProcessPool as error:
        remedy = (
            "it was killed or ran out of memory; run the command again, with fewer --processes where memory is short"
        )
        raise OperatorError("a worker process is gone", remedy=remedy) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


@contextmanager
def _client(address: str) -> Iterator[Any]:
    try:
        distributed: Any = import_module("distributed")
    except ImportError as error:
        raise UserError("Dask is not installed", where="--dask", remedy="pip install 'busyhour[dask]'") from error
    try:
        client = distributed.Client(address, timeout=_ANSWER, set_as_default=False)
    except (OSError, ValueError, TimeoutError) as error:
        remedy = "start one with `dask scheduler` and workers with `dask worker ADDRESS`"
        raise OperatorError(f"no Dask scheduler answers: {error}", where=address, remedy=remedy) from error
    try:
        if not client.nthreads():
            remedy = "start workers with `dask worker ADDRESS`, where the files lie under the same path"
            raise OperatorError("the Dask scheduler has no workers", where=address, remedy=remedy)
        yield client
    finally:
        client.close()
