"""Files in, one file out: the order of training and of scoring a fleet."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from contracts.clock import from_epoch_ms, iso
from contracts.errors import UserError
from detectors.baseline import Baseline
from detectors.calendars import Calendar, Calendars
from detectors.fleet.model import Model, Row, open_model, whole_file, write_model
from detectors.fleet.plan import Batch, Plan, plan_of
from detectors.fleet.running import Workers, in_order, workers_of
from detectors.fleet.scoring import SCHEMA, Scored, score_batch
from detectors.fleet.training import Learned, Parents, Span, train_batch
from detectors.resolution import STEPS
from detectors.subject import Kpi, Series

WEEKS = 8
LONGEST_DAYS = 400  # of a grid: a wild time among the points must not make it endless
_ROWS_A_GROUP = 1_000_000
_DAY_MS = 86_400_000
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class TrainReport:
    """`series`: with a baseline, `by_resolution`: seconds → series; `insufficient`: series with too little history."""

    since: str
    until: str
    points: int
    series: int
    by_resolution: dict[int, int]
    insufficient: int
    seconds: float
    points_per_s: float


@dataclass(frozen=True, slots=True)
class ScoreReport:
    """`judged`: points with a score, `written`: rows of the file; `unknown`: series that the model has no baseline of."""

    since: str
    until: str
    points: int
    judged: int
    written: int
    series: int
    unknown: int
    seconds: float
    points_per_s: float


def _nobody(done: int, total: int) -> None:
    """Nobody looks."""


def train_files(
    folder: Path,
    out: Path,
    kpis: Sequence[Kpi],
    zone: ZoneInfo,
    *,
    step_sec: int = 300,
    weeks: int = WEEKS,
    processes: int = 1,
    dask: str = "",
    calendars: Calendars | None = None,
    progress: Progress = _nobody,
) -> TrainReport:
    """Learns every series in `folder` from the `weeks` before its latest point and writes one model.

    Raises UserError on files that cannot be used, OperatorError where workers are lost; `out` is whole or untouched.
    """
    began = time.monotonic()
    plan = _plan(folder, kpis, step_sec)
    since_ms = max(plan.since_ms, plan.until_ms - weeks * 7 * _DAY_MS)
    _check_length(since_ms, plan.until_ms, folder)
    span = Span(step_sec, since_ms, plan.until_ms, _calendar(calendars, zone, since_ms, plan.until_ms))
    count = _Count()
    with workers_of(processes, dask) as workers:
        write_model(out, count.seen(_learned(workers, plan, span, progress)), zone, step_sec)
    seconds = time.monotonic() - began
    return TrainReport(
        iso(from_epoch_ms(span.since_ms)),
        iso(from_epoch_ms(span.until_ms)),
        count.points,
        sum(count.by_resolution.values()),
        dict(sorted(count.by_resolution.items())),
        count.insufficient,
        seconds,
        count.points / seconds,
    )


def _plan(folder: Path, kpis: Sequence[Kpi], step_sec: int) -> Plan:
    if step_sec not in STEPS:
        raise UserError(f"no resolution of {step_sec} s", where="--step", remedy=f"one of {', '.join(map(str, STEPS))}")
    return plan_of(folder, {kpi.id: kpi for kpi in kpis}, step_sec)


def _calendar(calendars: Calendars | None, zone: ZoneInfo, since_ms: int, until_ms: int) -> Calendar:
    return Calendar(zone) if calendars is None else calendars.at(since_ms, until_ms)


def _check_length(since_ms: int, until_ms: int, where: Path) -> None:
    days = (until_ms - since_ms) / _DAY_MS
    if days > LONGEST_DAYS:
        between = f"from {iso(from_epoch_ms(since_ms))} to {iso(from_epoch_ms(until_ms))}"
        remedy = f"at most {LONGEST_DAYS} days at once: is the time of some point wrong?"
        raise UserError(f"points {between}", where=str(where), remedy=remedy)


class _Count:
    """What goes by on the way to the file."""

    def __init__(self) -> None:
        self.points, self.insufficient = 0, 0
        self.by_resolution: dict[int, int] = {}

    def seen(self, answers: Iterator[Learned]) -> Iterator[list[Baseline]]:
        for one in answers:
            self.points += one.points
            for baseline in one.baselines:
                known = int(np.isfinite(baseline.centre).any(axis=1).sum())
                self.insufficient += len(baseline.series) - known
                if known:
                    self.by_resolution[baseline.step_sec] = self.by_resolution.get(baseline.step_sec, 0) + known
            yield one.baselines


def _learned(workers: Workers, plan: Plan, span: Span, progress: Progress) -> Iterator[Learned]:
    """Services first: their shape is what sparse hours of their parts lean on."""
    parents: dict[str, dict[int, Baseline]] = {}
    done = 0
    for whole in (True, False):
        batches = [batch for batch in plan.batches if batch.whole == whole]
        tasks = ((batch, span, {} if whole else parents.get(batch.kpi.id, {})) for batch in batches)
        for batch, one in zip(batches, in_order(workers, train_batch, tasks), strict=True):
            if whole:
                _join(parents.setdefault(batch.kpi.id, {}), one.parents)
            done += batch.rows
            progress(done, plan.points)
            yield one


def _join(known: dict[int, Baseline], more: Parents) -> None:
    for step, baseline in more.items():
        known[step] = _both(known[step], baseline) if step in known else baseline


def _both(one: Baseline, other: Baseline) -> Baseline:
    names = ("centre", "between", "within", "tail", "floor", "samples", "weeks")
    arrays: dict[str, Any] = {name: np.concatenate([getattr(one, name), getattr(other, name)]) for name in names}
    return replace(one, series=one.series + other.series, **arrays)


def score_files(
    folder: Path,
    model: Path,
    out: Path,
    kpis: Sequence[Kpi],
    zone: ZoneInfo,
    *,
    least: float = 0.0,
    processes: int = 1,
    dask: str = "",
    calendars: Calendars | None = None,
    progress: Progress = _nobody,
) -> ScoreReport:
    """Scores every point in `folder` by a model and writes those of at least `least` (0–100) to one file.

    Raises UserError on files that cannot be used and on a model of another time zone; `out` is whole or untouched.
    """
    began = time.monotonic()
    known = open_model(model)
    if known.zone.key != zone.key:
        remedy = f"train again, or set network.timezone to {known.zone.key}"
        raise UserError(f"learned in the hours of {known.zone.key}, not of {zone.key}", where=str(model), remedy=remedy)
    plan = _plan(folder, kpis, known.step_sec)
    _check_length(plan.since_ms, plan.until_ms, folder)
    calendar = _calendar(calendars, zone, plan.since_ms, plan.until_ms)
    span = Span(known.step_sec, plan.since_ms, plan.until_ms, calendar)
    rows = [_rows(batch, known) for batch in plan.batches]
    points = judged = written = 0
    tasks = ((batch, span, known.path, row, least) for batch, row in zip(plan.batches, rows, strict=True))
    with (
        workers_of(processes, dask) as workers,
        whole_file(out) as part,
        parquet.ParquetWriter(part, SCHEMA, compression="lz4", use_dictionary=_WORDY) as writer,
    ):
        waiting: list[Any] = []
        done = 0
        for batch, one in zip(plan.batches, in_order(workers, score_batch, tasks), strict=True):
            points, judged, written = points + one.points, judged + one.judged, written + len(one.table)
            waiting = _written(writer, waiting, one)
            done += batch.rows
            progress(done, plan.points)
        if waiting:
            writer.write_table(pa.concat_tables(waiting))
    seconds = time.monotonic() - began
    unknown = plan.series - sum(len(row) for row in rows)
    times = iso(from_epoch_ms(span.since_ms)), iso(from_epoch_ms(span.until_ms))
    return ScoreReport(*times, points, judged, written, plan.series, unknown, seconds, points / seconds)


_WORDY = ["kpi", "service", "entity_type", "entity_id", "step_sec"]


def _rows(batch: Batch, model: Model) -> dict[Series, Row]:
    """Where the model holds the batch's series; one of another version of its KPI, or with too little history, is unknown."""
    found = {run.series: model.rows[run.series] for run in batch.runs if run.series in model.rows}
    return {series: row for series, row in found.items() if row.known and row.version == batch.kpi.version}


def _written(writer: Any, waiting: list[Any], one: Scored) -> list[Any]:
    waiting.append(one.table)
    if sum(len(table) for table in waiting) < _ROWS_A_GROUP:
        return waiting
    writer.write_table(pa.concat_tables(waiting))
    return []
