"""The training job: points → baselines → store. Nothing half-written is ever in use: two sets take turns."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from contracts.clock import epoch_ms, iso
from detectors.baseline import Baseline
from detectors.judging import Load, train_all
from detectors.reading import Trained, keep_job, trained
from detectors.records import baseline_documents, digest_of
from detectors.subject import Kpi
from infrastructure.store import Operation, Store

WEEKS = 8


@dataclass(frozen=True, slots=True)
class TrainReport:
    """`series`: judged from now on, `by_resolution`: seconds → series; `insufficient`: `kpi of entity` with too little history.

    `documents`: written; 0 when the training said the same as the one before. `points`: learned from, `points_read`: of them
    read from the store, since they are new or were rolled again; the others were kept from the training before.
    """

    since: datetime
    until: datetime
    series: int
    by_resolution: dict[int, int]
    insufficient: tuple[str, ...]
    documents: int
    set_name: str
    seconds: float
    points: int = 0
    points_read: int = 0
    read_points_per_s: float = 0.0


def train_job(
    store: Store, kpis: Sequence[Kpi], load: Load, zone: ZoneInfo, *, until: datetime, weeks: int = WEEKS
) -> TrainReport:
    """Learns from the `weeks` before `until`, writes the set of baselines not in use, then takes it into use."""
    began = time.monotonic()
    since = until - timedelta(weeks=weeks)
    baselines = train_all(kpis, load, epoch_ms(since), epoch_ms(until), zone)
    before, digest = trained(store), digest_of(baselines)
    same = before is not None and before.digest == digest
    set_name, stamp = _next_set(store, before) if not same or before is None else (before.set_name, before.stamp)
    written = 0 if same else store.write_all(_operations(store, baselines, set_name, stamp))
    if not same or before is None or before.until != until:
        store.refresh("baseline")
        keep_job(store, "train", until, {"set": set_name, "stamp": stamp, "digest": digest})
    by_step: dict[int, int] = {}
    insufficient = []
    for one in baselines:
        known = np.isfinite(one.centre).any(axis=1)
        by_step[one.step_sec] = by_step.get(one.step_sec, 0) + int(known.sum())
        insufficient += [f"{one.kpi.id} of {one.series[row].entity}" for row in np.flatnonzero(~known)]
    return TrainReport(
        since,
        until,
        sum(by_step.values()),
        {step: count for step, count in sorted(by_step.items()) if count},
        tuple(sorted(insufficient)),
        written,
        set_name,
        time.monotonic() - began,
    )


def _next_set(store: Store, before: Trained | None) -> tuple[str, str]:
    """The set that is not in use, and a stamp that tells its documents from what was left there."""
    return ("b" if before is not None and before.set_name == "a" else "a"), iso(store.clock())


def _operations(store: Store, baselines: Sequence[Baseline], set_name: str, stamp: str) -> Iterator[Operation]:
    index = store.place("baseline")
    for one in baselines:
        for identity, document in baseline_documents(one, set_name, stamp):
            yield Operation("index", index, identity, document)
