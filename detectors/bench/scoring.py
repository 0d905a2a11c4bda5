"""Scores of public detectors for many series, in as many processes as there are cores: some of them take milliseconds a row."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager

import numpy as np

from detectors.bench.alarms import Scored
from detectors.panel import Floats, Panel
from detectors.peers import available
from detectors.peers.shared import filled, seasonal_residual

_Task = tuple[str, Floats, int, int]


class Scorer:
    """Scores rows; `pool`: None in this process."""

    def __init__(self, pool: ProcessPoolExecutor | None) -> None:
        self._pool = pool

    def of(self, name: str, panels: Sequence[Panel], judged_ms: int) -> list[Scored]:
        """Every series of `panels` by the peer of that name, fitted on what lies before `judged_ms`."""
        values = [seen_values(panel) for panel in panels]
        learn = [int((panel.starts < judged_ms).sum()) for panel in panels]
        tasks = [
            (name, row, panel.step_sec, known)
            for panel, rows, known in zip(panels, values, learn, strict=True)
            for row in rows
        ]
        found = iter(map(_times, tasks) if self._pool is None else self._pool.map(_times, tasks, chunksize=4))
        return [
            Scored(panel, _table([next(found) for _ in rows], rows), _table([_above(row, panel, known) for row in rows], rows))
            for panel, rows, known in zip(panels, values, learn, strict=True)
        ]  # fmt: skip


@contextmanager
def scorer(processes: int | None = None) -> Iterator[Scorer]:
    """A scorer in `processes` (default: the cores this process may use); its processes end with it."""
    count = processes or os.cpu_count() or 1
    if count == 1:
        yield Scorer(None)
        return
    with ProcessPoolExecutor(count, mp_context=multiprocessing.get_context("spawn")) as pool:
        yield Scorer(pool)


def seen_values(panel: Panel) -> Floats:
    """Values as a peer gets them: a count of a silent feed is 0, so that silence can be seen at all."""
    return np.where(panel.silent, 0.0, panel.value) if panel.kpi.model == "count" else panel.value


def _times(task: _Task) -> Floats:
    """Scores of one series over the highest that the quiet weeks show, their first third left out: some learn as they go."""
    name, values, step_sec, learn = task
    if not np.isfinite(values[:learn]).any():
        return np.zeros(len(values))
    scores = available()[name](values, step_sec, learn)
    return np.asarray(scores / max(float(scores[learn // 3 : learn].max(initial=0.0)), 1e-12))


def _above(values: Floats, panel: Panel, learn: int) -> Floats:
    if not np.isfinite(values).any():
        return np.zeros(len(values))
    return np.asarray(seasonal_residual(filled(values), panel.step_sec, learn) > 0, dtype=float)


def _table(rows: Sequence[Floats], like: Floats) -> Floats:
    return np.array(rows, dtype=float).reshape(like.shape)
