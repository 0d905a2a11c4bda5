"""Days made one after the other, or by several processes: the same files either way, since no day knows another."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

from contracts.errors import OperatorError
from datagen.daywork import Makers, Stopped
from datagen.records import keep
from datagen.request import Run, plan

Task = tuple[str, int]  # service, day
_AHEAD = 2  # tasks a worker has before it, so that none waits for another


def made(
    run: Run, asked: Mapping[str, Any], out: Path, folder: Path, tasks: Sequence[Task], workers: int
) -> Iterator[Task]:
    """Tasks as they are done. `asked`: the arguments of `plan`, for other processes to plan the same.

    Raises OperatorError when a worker dies; days that are complete stay.
    """
    if workers <= 1 or len(tasks) <= 1:
        makers = Makers(run, folder)
        for task in tasks:
            keep(out, *task, *makers.day(*task))
            yield task
        return
    yield from _shared(asked, out, folder, tasks, min(workers, len(tasks)))


def _shared(asked: Mapping[str, Any], out: Path, folder: Path, tasks: Sequence[Task], workers: int) -> Iterator[Task]:
    context = multiprocessing.get_context("spawn")
    stopped = context.Event()
    pool = ProcessPoolExecutor(workers, context, initializer=_begin, initargs=(dict(asked), out, folder, stopped))
    waiting = iter(tasks)
    under_way: dict[Future[None], Task] = {}
    try:
        while True:
            while len(under_way) < workers * _AHEAD and (task := next(waiting, None)) is not None:
                under_way[pool.submit(_make, *task)] = task
            if not under_way:
                return
            for future in wait(under_way, return_when=FIRST_COMPLETED).done:
                future.result()
                yield under_way.pop(future)
    except BrokenProcessPool as error:
        what = "a worker process died (killed, or out of memory)"
        raise OperatorError(
            what, where=str(out), remedy="run it again: complete days are kept; fewer --workers"
        ) from error
    finally:
        stopped.set()
        pool.shutdown(wait=True, cancel_futures=True)


class _Worker:
    """What a worker process knows."""

    makers: Makers
    out: Path


def _begin(asked: Mapping[str, Any], out: Path, folder: Path, stopped: Any) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _Worker.makers = Makers(plan(**asked), folder, stopped.is_set)
    _Worker.out = out


def _end_with_parent() -> None:
    """A parent that was killed cannot tell its workers."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _make(service: str, number: int) -> None:
    try:
        keep(_Worker.out, service, number, *_Worker.makers.day(service, number))
    except Stopped:
        return
