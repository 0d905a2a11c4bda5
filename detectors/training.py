"""The training job: points → baselines → store. Nothing half-written is ever in use: two sets take turns."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from contracts.clock import epoch_ms, iso
from contracts.errors import ConflictError
from detectors.baseline import Baseline
from detectors.joint_records import joint_documents, said
from detectors.joints import QuietHours
from detectors.judging import train_all
from detectors.panel import Load
from detectors.reading import Trained, keep_job, trained
from detectors.records import baseline_documents, digest_of
from detectors.scorers.joint import Joint
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

    @property
    def advice(self) -> str:
        """What to do where nothing can be judged after it, "" otherwise."""
        if self.series:
            return ""
        if not self.points:
            return f"there is no KPI point before {iso(self.until)}: `busyhour rollup` makes them from CDRs"
        return (
            f"each of the {len(self.insufficient)} series has too little history: a service needs seven days with data. "
            "Until then only targets are judged"
        )


def train_job(
    store: Store, kpis: Sequence[Kpi], load: Load, zone: ZoneInfo, *, until: datetime, weeks: int = WEEKS
) -> TrainReport:
    """Learns from the `weeks` before `until`, writes the set of baselines not in use, then takes it into use.

    Raises ConflictError, and takes nothing into use, where another training wrote over it meanwhile.
    """
    began = time.monotonic()
    since = until - timedelta(weeks=weeks)
    hours = QuietHours()
    baselines = train_all(kpis, load, epoch_ms(since), epoch_ms(until), zone, hours)
    joints = hours.joints()
    before, digest = trained(store), digest_of(baselines, (f"{one.entity}{said(one)}{one.tail}" for one in joints))
    same = before is not None and before.digest == digest
    set_name, stamp = _next_set(store, before) if not same or before is None else (before.set_name, before.stamp)
    written = 0 if same else store.write_all(_operations(store, baselines, joints, zone, set_name, stamp))
    if not same or before is None or (before.until, before.zone) != (until, zone.key):
        store.refresh("baseline")
        _check_whole(store, set_name, stamp, written)
        keep_job(store, "train", until, {"set": set_name, "stamp": stamp, "digest": digest, "zone": zone.key})
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


def _check_whole(store: Store, set_name: str, stamp: str, written: int) -> None:
    own = [{"term": {"baseline.set": set_name}}, {"term": {"baseline.trained": stamp}}]
    if store.count("baseline", {"bool": {"filter": own}}) < written:
        raise ConflictError(
            "another training wrote its baselines at the same time", remedy="run `busyhour train` again"
        )


def _operations(
    store: Store, baselines: Sequence[Baseline], joints: Sequence[Joint], zone: ZoneInfo, set_name: str, stamp: str
) -> Iterator[Operation]:
    index = store.place("baseline")
    for one in baselines:
        for identity, document in baseline_documents(one, set_name, stamp):
            yield Operation("index", index, identity, document)
    for identity, document in joint_documents(joints, zone, set_name, stamp):
        yield Operation("index", index, identity, document)
