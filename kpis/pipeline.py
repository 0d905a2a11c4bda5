"""The roll-up: what came since the last run → which buckets are due → their parts → points → written. The order is here."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

from contracts.clock import epoch_ms, from_epoch_ms, iso, parse_iso
from contracts.indices import KPI_INDEX
from infrastructure.store import Store
from kpis import assembling, catalogue, planning, presence, queries
from kpis import rollup as asking
from kpis.catalogue import Service
from kpis.definitions import Definition
from kpis.documents import Documents
from kpis.outlived import Partitions, Place
from kpis.parts import BASE_MS, RESOLUTIONS, Point
from kpis.planning import Plan
from kpis.presence import Activity
from kpis.sending import Sender
from kpis.spans import Cover, Span, crossed, joined

JOB = "rollup"
REFRESH_SEC = 30  # longest time for a written record to show up in a search, with room: the refresh interval is 10 s
Progress = Callable[[str, int, int], None]  # what, done, of how many


@dataclass(slots=True)
class RollupReport:
    """What a run did: points written by resolution (seconds), `filled` of them zeros and no_data.

    `since`: what was ingested (or, if the run was told so, happened) from then on; `whole`: everything was due.
    """

    since: str = ""
    until: str = ""
    points: dict[int, int] = field(default_factory=dict)
    filled: int = 0
    whole: bool = False
    seconds: float = 0.0

    @property
    def written(self) -> int:
        return sum(self.points.values())

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        named = {
            f"kpi-{name}": self.points.get(sec, 0) for sec, name in zip(RESOLUTIONS, ("5m", "1h", "1d"), strict=True)
        }
        return asdict(self) | {"points": named, "written": self.written, "seconds": round(self.seconds, 3)}


@dataclass(frozen=True, slots=True)
class _Run:
    """One run's fixed values. `before`: what was ingested earlier is rolled already, up to `rolled_until` (ms)."""

    store: Store
    now: datetime
    until: int
    before: datetime | None
    rolled_until: int
    forced: list[Span]
    progress: Progress


def _quiet(_what: str, _done: int, _total: int) -> None:
    """Nobody watches."""


def rollup(
    store: Store,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    now: datetime | None = None,
    progress: Progress = _quiet,
) -> RollupReport:
    """Rolls CDRs up into `kpi-5m`, `kpi-1h` and `kpi-1d`. Safe to kill and to run again at any time.

    Without `since`: what came since the last run (everything, the first time or when a definition or kpi.density changed). With
    `since`: every bucket from then on, whatever was done before. `until` (default: now) bounds both: later buckets wait.
    """
    started, now = time.monotonic(), now or store.clock()
    definitions, services = catalogue.load(store.settings), catalogue.services()
    store.refresh(*(name for service in services.values() for name in service.sources), "cdr-file", *KPI_INDEX.values())
    mark = f"{catalogue.fingerprint(definitions)} {store.settings.number('kpi.density')}"
    run = _run(store, mark, since, until or now, now, progress)
    first = since or run.before
    report = RollupReport(
        since=iso(first) if first else "",
        until=iso(from_epoch_ms(run.until)),
        whole=run.before is None and not run.forced,
    )
    with Sender(store, store.settings.number("ingest.senders")) as sender:
        for service in services.values():
            own = [definition for definition in definitions.values() if definition.service == service.name]
            _roll(run, *asking.as_delivered(store, service, own), sender, report)
    store.refresh(*KPI_INDEX.values())
    if not run.forced:
        _keep(run, mark)
    report.seconds = time.monotonic() - started
    return report


def _run(store: Store, mark: str, since: datetime | None, until: datetime, now: datetime, progress: Progress) -> _Run:
    job = store.get("job", JOB)
    kept = job.source["job"] if job else {}
    detail = json.loads(kept.get("detail", "{}"))
    before, rolled_until = None, 0
    if kept and detail.get("definitions") == mark:
        margin = timedelta(seconds=store.settings.number("kpi.allowance.sec") + REFRESH_SEC)
        before, rolled_until = parse_iso(kept["checkpoint"]) - margin, epoch_ms(parse_iso(detail["until"]))
    forced = [(epoch_ms(since), epoch_ms(until))] if since else []
    return _Run(store, now, epoch_ms(until), before, rolled_until, forced, progress)


def _keep(run: _Run, mark: str) -> None:
    """Remembers how far this run came, unless a later one has been faster."""
    detail = json.dumps({"definitions": mark, "until": iso(from_epoch_ms(run.until))})
    job = {"name": JOB, "checkpoint": iso(run.now), "detail": detail}
    source = {"event": {"ingested": iso(run.now)}, "job": job}
    run.store.modify(
        "job", JOB, lambda old: source if old["job"]["checkpoint"] <= job["checkpoint"] else None, create=lambda: source
    )


def _plan(run: _Run, service: Service, definitions: Sequence[Definition]) -> Plan:
    """What is due, and what is known about it."""
    books = asking.files(run.store, service)
    proven = Cover((first, last + 1) for first, last, _ in books)
    density = run.store.settings.number("kpi.density")
    if run.forced:
        _, activity = _activity(run, service, definitions, run.forced, density)
        return Plan(run.forced, run.forced, activity.days(), activity, proven, run.forced if service.correlated else [])
    before = run.before or from_epoch_ms(0)
    plain, wide, taken = asking.touched(run.store, service, definitions, before)
    spanned = presence.days_of(wide)
    if run.before is not None:
        waits = max(definition.settle_sec for definition in definitions) * 1000
        passed = (run.rolled_until - waits - BASE_MS, run.until)
        since = [passed, *((first, last + 1) for first, last, booked in books if booked >= before)]
        plain, wide = plain + since, wide + since
    old, activity = _activity(run, service, definitions, wide, density)
    changed = presence.changed_days(old, activity)
    return Plan(
        planning.due(plain, changed, run.until),
        planning.due(wide, changed, run.until),
        activity.days() | spanned,
        activity,
        proven,
        [] if run.before is None else taken,
    )


def _activity(
    run: _Run, service: Service, definitions: Sequence[Definition], spans: list[Span], density: int
) -> tuple[Activity, Activity]:
    days = planning.questioned(spans)
    return asking.busiest_hours(run.store, service, definitions, days, run.before or from_epoch_ms(0), density)


def _roll(run: _Run, service: Service, definitions: Sequence[Definition], sender: Sender, report: RollupReport) -> None:
    plan = _plan(run, service, definitions)
    partitions = Partitions(run.store, service.source, run.now)
    own: dict[str, object] = {"term": {"service.name": service.name}}
    guarded = partitions if partitions.older_points(joined([*plan.plain, *plan.wide]), own) else None
    rows = run.store.row_cap * 9 // 10
    work = [
        (resolution, spread, window)
        for resolution in RESOLUTIONS
        for spread, spans in ((False, plan.plain), (True, plan.wide))
        for window in planning.windows(spans, plan.days, plan.activity, resolution, rows)
    ]
    for done, (resolution, spread, window) in enumerate(work):
        run.progress(service.name, done, len(work))
        chosen = [
            definition
            for definition in definitions
            if (definition.kind == "integral") == spread and definition.finest_sec <= resolution
        ]
        if not chosen:
            continue
        points = _points(run, service, chosen, plan, resolution, window)
        if guarded is not None:
            points = _unless_outlived(guarded, service, chosen, resolution, window, points)
        report.points[resolution] = report.points.get(resolution, 0) + len(points)
        report.filled += sum(not one.samples for one in points)
        documents = Documents(chosen, resolution, run.now, run.store.place)
        sender.send(documents.operations(points))
    run.progress(service.name, len(work), len(work))


def _points(
    run: _Run, service: Service, definitions: Sequence[Definition], plan: Plan, resolution: int, window: Span
) -> list[Point]:
    """Points of one window, zeros and no_data included."""
    found, alive = asking.window(run.store, service, definitions, resolution, window, run.until)
    chosen = {definition.id: definition for definition in definitions}
    over = assembling.over(window, resolution, run.until)

    def proven(bucket: int) -> bool:
        step = resolution * 1000
        return bucket in alive or plan.proven.holds(bucket * step, (bucket + 1) * step)

    points = list(assembling.kept(chosen, plan.activity, resolution, found))
    points += assembling.filled(chosen, plan.activity, resolution, found, proven, over)
    if crossed([window], plan.taken):
        standing = asking.standing(run.store, service, definitions, resolution, window)
        points += assembling.taken_back(standing, points, resolution)
    return points


def _unless_outlived(
    partitions: Partitions,
    service: Service,
    definitions: Sequence[Definition],
    resolution: int,
    window: Span,
    points: list[Point],
) -> list[Point]:
    """The points but those whose place holds one that counted more, of records that are gone."""
    standing = partitions.outlived(queries.own_points(service, definitions), resolution, window)
    versions = {definition.id: definition.version for definition in definitions}
    return [
        one
        for one in points
        if one.samples >= standing.get(Place(one.kpi, versions[one.kpi], one.entity, one.bucket_ms), 0)
    ]
