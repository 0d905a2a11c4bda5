"""The order of the steps, written once.

train    points of the last weeks → resolution per series → baseline per hour of week → `baseline`
detect   points since the last run → scores → anomalies → incidents → service states
evaluate stored incidents beside a truth file
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from difflib import get_close_matches
from functools import cached_property, partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from contracts.clock import iso, parse_iso
from contracts.entities import Entity
from detectors.adapter import tracked_kpis
from detectors.calendars import Calendars, with_calendar
from detectors.detection import DetectReport, detect_job, latest_states
from detectors.drilldown import Drilldown, parts_of, similar_to, values_of, window_of
from detectors.evaluation import Evaluation, Labelled, evaluate, read_truth
from detectors.kept import KeptPoints
from detectors.mix import FAMILY, load_mix, mix_kpis
from detectors.panel import Load, Panel, merged
from detectors.reading import BaselinesInUse, job_state, load_baselines, load_joints, load_panel, other_zone
from detectors.records import Document, found_from, read
from detectors.subject import Kpi
from detectors.training import WEEKS, TrainReport, train_job
from infrastructure.store import Store
from kpis import tracking


def train(store: Store, *, until: datetime, weeks: int = WEEKS, kpis: Sequence[Kpi] | None = None) -> TrainReport:
    """Learns baselines from the points of the `weeks` before `until` and takes them into use.

    Series with under a week of data get none (`insufficient`). Raises StoreUnavailable, StoreRefused; then the
    baselines of before stay in use.
    """
    kept = KeptPoints(store, Path(store.settings.text("home")) / "points")
    source = _Source(store, kpis, kept.load)
    report = train_job(store, source.kpis, source.load, source.zone, until=until, weeks=weeks)
    rate = kept.read / kept.seconds if kept.seconds > 0 else 0.0
    return replace(report, points=kept.points, points_read=kept.read, read_points_per_s=rate)


def detect(
    store: Store,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    now: datetime | None = None,
    kpis: Sequence[Kpi] | None = None,
    in_use: BaselinesInUse | None = None,
) -> DetectReport:
    """Finds what deviates up to `until` (default: as far as the roll-up has come, at most `now`).

    Without `since` it goes on from its checkpoint, looks again at what was rolled again, and revises or withdraws what
    it said about it. Ids stay. `in_use`: baselines that a caller of many rounds keeps. Raises StoreUnavailable,
    StoreRefused, ConflictError when two detections meet.
    """
    source = _Source(store, kpis)
    moment = now or store.clock()
    end = min(until or moment, moment)
    _, rolled = job_state(store, "rollup")
    if "until" in rolled:
        end = min(end, parse_iso(rolled["until"]))
    baselines = (in_use or BaselinesInUse()).of(store, {kpi.id: kpi for kpi in source.kpis})
    joints = load_joints(store, (kpi.id for kpi in source.kpis))
    report = detect_job(store, source.kpis, baselines, joints, source.load, source.zone, since=since, until=end)
    return replace(report, other_zone=other_zone(store))


def service_states(store: Store) -> list[dict[str, Any]]:
    """Latest state of every service: `service, at, value (0–100, 100 is good), word, contributions`, worst first."""
    return latest_states(store)


def drill_down(store: Store, anomaly: Document, *, kpis: Sequence[Kpi] | None = None) -> Drilldown:
    """What explains a stored anomaly: parts of the service, values in the records, what was like it before."""
    source, window = _Source(store, kpis), window_of(anomaly)
    name = read(anomaly, "anomaly.kpis", [read(anomaly, "kpi.id")])[0]
    kpi = next((one for one in source.kpis if one.id == name), None)
    parts = []
    if kpi is not None:
        parts = parts_of(anomaly, kpi, load_baselines(store, {kpi.id: kpi}), source.load, window)
    return Drilldown(parts, values_of(store, anomaly, window), similar_to(store, anomaly))


def evaluate_truth(
    store: Store, truth: Path, *, since: datetime | None = None, until: datetime | None = None
) -> Evaluation:
    """Compares the stored incidents that lie in [since, until) with a truth file. Raises UserError on a bad file."""
    labelled = read_truth(truth)
    times: dict[str, Any] = {"must_not": [{"term": {"incident.status": "withdrawn"}}], "filter": []}
    if since is not None:
        times["filter"].append({"range": {"incident.last": {"gte": iso(since)}}})
    if until is not None:
        times["filter"].append({"range": {"event.start": {"lt": iso(until)}}})
    found = [found_from(hit["_source"]) for hit in store.scan("incident", {"bool": times})]
    return evaluate(labelled, found, since=since, until=until)


def unknown_entities(store: Store, truth: Sequence[Labelled]) -> dict[str, str]:
    """Entities that labelled incidents name and no KPI point knows: each with the nearest one that is there, "" without any."""
    named = {entity for one in truth for entity in one.entities if not entity.startswith("feed:")}
    known: set[str] = set()
    for index in ("kpi-1d", "kpi-1h", "kpi-5m"):
        rows = store.esql(
            f"FROM {index} | STATS n = COUNT(*) BY entity.type, entity.id | KEEP entity.type, entity.id"
        ).rows
        known |= {f"{kind}:{name}" for kind, name in rows}
        if named <= known:
            break
    return {one: next(iter(get_close_matches(one, known, 1)), "") for one in sorted(named - known)}


@dataclass
class _Source:
    """Where the jobs take their KPIs, points and time zone from."""

    store: Store
    given: Sequence[Kpi] | None
    points: Load | None = None

    @cached_property
    def kpis(self) -> Sequence[Kpi]:
        if self.given is not None:
            return self.given
        return [*tracked_kpis(tracking.load(self.store).active()), *mix_kpis()]

    @cached_property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.store.settings.text("network.timezone"))

    @cached_property
    def calendars(self) -> Calendars:
        return Calendars(self.store.settings)

    def load(self, kpi: Kpi, step_sec: int, since_ms: int, until_ms: int, entities: set[Entity] | None) -> Panel:
        """Points with the calendar laid over them."""
        panel = self._stored(kpi, step_sec, since_ms, until_ms, entities)
        return with_calendar(panel, self.calendars.at(since_ms, until_ms))

    def _stored(self, kpi: Kpi, step_sec: int, since_ms: int, until_ms: int, entities: set[Entity] | None) -> Panel:
        if kpi.family == FAMILY:
            return _of(load_mix(self.store, kpi, step_sec, since_ms, until_ms, self.zone), entities)
        read = self.points or partial(load_panel, self.store)
        # Stored days are UTC's, not the entity's own; of what people and collectors keep there may be nothing but days.
        if step_sec == 86400 and kpi.mergeable and not kpi.as_stored and self.zone.key != "UTC":
            hours = read(kpi, 3600, since_ms, until_ms, entities)
            return merged(hours, step_sec, self.zone)
        return read(kpi, step_sec, since_ms, until_ms, entities)


def _of(panel: Panel, entities: set[Entity] | None) -> Panel:
    return (
        panel
        if entities is None
        else panel.rows([row for row, one in enumerate(panel.series) if one.entity in entities])
    )
