"""The job: for every tracked KPI, which buckets are due, their values, written; then formulas over them; then longer buckets."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

from contracts.clock import epoch_ms, floor_to, iso, parse_iso
from contracts.errors import BusyhourError, StoreRefused, StoreUnavailable
from contracts.ids import digest
from contracts.indices import KPI_INDEX
from infrastructure.store import Store
from kpis.collecting import merging
from kpis.collecting.fetching import Fetcher
from kpis.collecting.files import Files
from kpis.collecting.formulas import Formulas
from kpis.collecting.interface import Collector, Due, UsageValues
from kpis.collecting.outside import HttpJson, Prometheus
from kpis.collecting.stored import Stored
from kpis.collecting.used import Used
from kpis.entering import entries
from kpis.pipeline import REFRESH_SEC
from kpis.tracking import Registry, Tracked, load
from kpis.tracking.model import WHOLE
from kpis.tracking.points import Value, operations, write

JOB = "kpi-collect"
SAMPLED = ("http", "prometheus")  # read by the shortest bucket, the longer ones merged from these
_LONGEST = {300: timedelta(days=40), 3600: timedelta(days=400), 86400: timedelta(days=3660)}
Progress = Callable[[int, int], None]


@dataclass(slots=True)
class CollectReport:
    """`written`: points by source; `failed`: why a KPI could not be collected, by id; `problems`: definitions that are none."""

    kpis: int = 0
    written: dict[str, int] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return asdict(self) | {"points": sum(self.written.values()), "seconds": round(self.seconds, 3)}


@dataclass(slots=True)
class _Kept:
    """What the job knows of a KPI: `mark` of its definition, begun `before`, done `until`, and since when it fails."""

    mark: str = ""
    before: str = ""
    until: str = ""
    failing: str = ""
    error: str = ""


def collect(
    store: Store,
    *,
    usage: UsageValues | None = None,
    only: Sequence[str] | None = None,
    until: datetime | None = None,
    now: datetime | None = None,
    fetcher: Fetcher | None = None,
    progress: Progress = lambda done, total: None,
) -> CollectReport:
    """Collects what is due of every active KPI (`only`: of these ids, and of nothing else). Safe to kill and to run again.

    `until`: buckets that end later wait. A source that fails is reported and asked again by the next run; others go on.
    """
    began, now = time.monotonic(), now or store.clock()
    registry = load(store)
    report = CollectReport(problems=list(registry.problems))
    run = _Run(store, registry, _collectors(store, registry, usage, fetcher), now, until or now, _read(store))
    store.refresh()
    order = _order(registry, only)
    for done, name in enumerate(order):
        progress(done, len(order))
        one = registry.known[name]
        if one.source == "formula":
            store.refresh(*(KPI_INDEX[seconds] for seconds in one.resolutions))
        if (written := run.one(one, report)) is not None:
            report.kpis += 1
            report.written[one.source] = report.written.get(one.source, 0) + written
    store.refresh(*KPI_INDEX.values())
    _keep(store, run, now)
    report.seconds = time.monotonic() - began
    return report


def _order(registry: Registry, only: Sequence[str] | None) -> list[str]:
    """What is read first, formulas after their inputs."""
    chosen = None if only is None else {registry.find(name).id for name in only}
    read = [one.id for one in registry.active() if one.source not in ("formula", "cdr", "written")]
    return [name for name in [*read, *registry.order()] if chosen is None or name in chosen]


def _collectors(
    store: Store, registry: Registry, usage: UsageValues | None, fetcher: Fetcher | None
) -> dict[str, Collector]:
    asking = fetcher or Fetcher(store.settings)
    found: dict[str, Collector] = {
        "store": Stored(),
        "formula": Formulas({name: one.version for name, one in registry.known.items()}),
        "http": HttpJson(asking),
        "prometheus": Prometheus(asking),
        "file": Files(store.settings),
    }
    return found if usage is None else found | {"usage": Used(usage)}


@dataclass(slots=True)
class _Run:
    store: Store
    registry: Registry
    collectors: Mapping[str, Collector]
    now: datetime
    until: datetime
    kept: dict[str, _Kept]

    def one(self, one: Tracked, report: CollectReport) -> int | None:
        """Points written of a KPI; None where its source is not connected, or failed."""
        kept = self.kept.get(one.id, _Kept())
        mark = digest(repr((one.version, one.details, one.dimensions, one.resolutions, one.merge, one.least_sample)))
        if kept.mark != mark:
            kept = _Kept(mark)
        try:
            written = self._collected(one, kept)
        except (StoreUnavailable, StoreRefused):
            raise
        except BusyhourError as error:
            report.failed[one.id] = error.sentence()
            self._failed(one, kept, error)
            return None
        if written is None:
            return None
        self.kept[one.id] = _Kept(mark, iso(self.now), iso(self.until))
        return written

    def _collected(self, one: Tracked, kept: _Kept) -> int | None:
        margin = timedelta(seconds=self.store.settings.number("kpi.allowance.sec") + REFRESH_SEC)
        before = parse_iso(kept.before) - margin if kept.before else None
        if one.source == "manual":
            return entries.derive(self.store, one, since=before)
        collector = self.collectors.get(one.source)
        if collector is None:
            return None
        written = 0
        touched = collector.touched(self.store, one, before)
        own = one.resolutions[:1] if one.source in SAMPLED else one.resolutions
        for resolution in own:
            due = self._due(one, kept, touched, resolution)
            if due is not None:
                written += write(self.store, one, collector.values(self.store, one, due), resolution, self.now)
                written += self._merged(one, due)
        return written

    def _merged(self, one: Tracked, due: Due) -> int:
        """Longer buckets of what is read by the shortest one."""
        if one.source not in SAMPLED:
            return 0
        written, finer = 0, due.resolution_sec
        for resolution in one.resolutions[1:]:
            self.store.refresh(KPI_INDEX[finer])
            start, end = floor_to(due.start, resolution), floor_to(self.until, resolution)
            if start < end:
                values = merging.merged(self.store, one, finer, Due(start, end, resolution))
                written += write(self.store, one, values, resolution, self.now)
            finer = resolution
        return written

    def _due(self, one: Tracked, kept: _Kept, touched: datetime | None, resolution: int) -> Due | None:
        """Whole buckets from the first that may have changed, or was not over at the last run."""
        end = floor_to(self.until, resolution)
        if one.source in SAMPLED:
            start = parse_iso(kept.until) if kept.until else end - timedelta(seconds=resolution)
        else:
            times = [each for each in (touched, parse_iso(kept.until) if kept.until else None) if each]
            if not times:
                return None
            start = min(times)
        start = max(floor_to(start, resolution), floor_to(end - _LONGEST[resolution], resolution))
        return Due(start, end, resolution) if start < end else None

    def _failed(self, one: Tracked, kept: _Kept, error: BusyhourError) -> None:
        """The newest bucket says that it has no data, unless it has; `until` stays, so that the next run goes on from there."""
        self.kept[one.id] = _Kept(kept.mark, kept.before, kept.until, kept.failing or iso(self.now), error.what[:300])
        resolution = one.resolutions[0]
        entity = one.details.get("entity", "" if "label" in one.details else WHOLE)
        if one.source in SAMPLED and entity:
            last = epoch_ms(floor_to(self.until, resolution)) - resolution * 1000
            nothing = Value(entity, last, None, None, None, 0, "no_data")
            for operation in operations(self.store, one, [nothing], resolution, self.now):
                operation.action = "create"
                self.store.write_all([operation])


def _read(store: Store) -> dict[str, _Kept]:
    job = store.get("job", JOB)
    detail = json.loads(job.source["job"].get("detail", "{}")) if job else {}
    return {name: _Kept(**row) for name, row in detail.items()}


def _keep(store: Store, run: _Run, now: datetime) -> None:
    """Rows of KPIs that are no more are dropped."""
    detail = json.dumps({name: asdict(row) for name, row in sorted(run.kept.items()) if name in run.registry.known})
    source = {
        "event": {"ingested": iso(now)},
        "job": {"name": JOB, "checkpoint": iso(now), "detail": detail},
    }
    store.modify("job", JOB, lambda _: source, create=lambda: source)
