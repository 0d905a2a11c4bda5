"""Correlation: what came since the last run → keys touched → their records → calls and sessions → written. The order is here."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

from contracts.clock import from_epoch_ms, iso, parse_iso
from contracts.errors import ConflictError
from infrastructure.guarded import remove
from infrastructure.store import Store
from mediation.correlate import finding
from mediation.correlate.changing import Change, Changes
from mediation.correlate.families import FAMILIES, Family
from mediation.correlate.records import CdrRecord, Key, Window

JOB = "correlate"
REFRESH_SEC = 30  # longest time for a written record to show up in a search, with room: the refresh interval is 10 s
_HOUR_MS = 3_600_000
_TRIES = 10  # lost races for one batch
_SLOW = 3  # times that a batch is stamped anew because it took too long
_NAMED = 10  # problems that are told in words
Progress = Callable[[str, int, int], None]  # what, done, of how many


@dataclass(slots=True)
class FamilyReport:
    """Counts of one run.

    `keys`: ids looked at, since records of them came; `records`: read; `made`, `remade`, `withdrawn`: documents; `marked`:
    records told that they were taken in; `late`: records that came too late, and in the store `late_total`; `oversized`: ids
    with too many records; `refused`: writes that Elasticsearch did not take.
    """

    keys: int = 0
    records: int = 0
    made: int = 0
    remade: int = 0
    withdrawn: int = 0
    marked: int = 0
    late: int = 0
    late_total: int = 0
    oversized: int = 0
    refused: int = 0


@dataclass(slots=True)
class CorrelateReport:
    """What a run did, by family. `since`: what was ingested from then on; `oversized` names up to ten ids."""

    since: str = ""
    voip: FamilyReport = field(default_factory=FamilyReport)
    epc: FamilyReport = field(default_factory=FamilyReport)
    oversized: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def written(self) -> int:
        """Calls and sessions made or made again."""
        return sum(one.made + one.remade for one in (self.voip, self.epc))

    @property
    def late_total(self) -> int:
        return self.voip.late_total + self.epc.late_total

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        totals = {"written": self.written, "late_total": self.late_total, "seconds": round(self.seconds, 3)}
        return asdict(self) | totals


def _quiet(_what: str, _done: int, _total: int) -> None:
    """Nobody watches."""


def correlate(
    store: Store,
    *,
    since: datetime | None = None,
    now: datetime | None = None,
    progress: Progress = _quiet,
) -> CorrelateReport:
    """Makes calls and sessions of what was ingested since the last run (or `since`). Safe to kill, and to run twice at once.

    Raises what the store raises; ConflictError when another run is always faster.
    """
    began, now = time.monotonic(), now or store.clock()
    store.check_set_up()
    first = since or _before(store) or from_epoch_ms(0)
    report = CorrelateReport(since=iso(first))
    for family in FAMILIES:
        _Run(store, family, first, report, progress).go()
    if since is None:
        _keep(store, now, report)
    report.seconds = time.monotonic() - began
    return report


def _before(store: Store) -> datetime | None:
    """From when on records may be new: a writer stamps them first, and may then wait for Elasticsearch."""
    job = store.get("job", JOB)
    if job is None:
        return None
    margin = REFRESH_SEC + store.settings.number("kpi.allowance.sec") + store.settings.number("es.wait.sec")
    return parse_iso(job.source["job"]["checkpoint"]) - timedelta(seconds=margin)


def _keep(store: Store, now: datetime, report: CorrelateReport) -> None:
    """Remembers how far this run came, unless a later one has been faster."""
    detail = {name: asdict(one) for name, one in (("voip", report.voip), ("epc", report.epc))}
    job = {
        "name": JOB,
        "checkpoint": iso(now),
        "detail": json.dumps({"late_total": report.late_total, "oversized": report.oversized, **detail}),
    }
    source = {"event": {"ingested": iso(now)}, "job": job}
    store.modify(
        "job", JOB, lambda old: source if old["job"]["checkpoint"] <= job["checkpoint"] else None, create=lambda: source
    )


class _Run:
    """One family's part of a run."""

    def __init__(
        self, store: Store, family: Family, since: datetime, report: CorrelateReport, progress: Progress
    ) -> None:
        self.store, self.family, self.since, self.progress = store, family, since, progress
        self.report, self.own = report, getattr(report, family.name)
        number = store.settings.number
        self.window = Window(
            number("correlate.window.start.hours") * _HOUR_MS, number("correlate.window.late.hours") * _HOUR_MS
        )
        self.allowance = timedelta(seconds=max(number("kpi.allowance.sec"), 1))

    def go(self) -> None:
        """Everything that came for this family."""
        self.store.refresh(self.family.source, self.family.target)
        for found in finding.worth_reading(self.store, self.family, self.since):
            self.own.keys += len(found)
            for batch in finding.batches(self._readable(found)):
                self._settle(batch)
                self.progress(self.family.name, self.own.records, self.own.records)
        self.store.refresh(self.family.source, self.family.target)
        self.own.late_total = self.store.count(self.family.source, {"term": {"cdr.surplus": "late"}})

    def _readable(self, keys: Sequence[finding.Found]) -> Iterator[finding.Found]:
        for found in keys:
            if found.records > finding.MOST_RECORDS:
                self.own.oversized += 1
                if len(self.report.oversized) < _NAMED:
                    self.report.oversized.append(f"{self.family.name} {' '.join(map(str, found.key))}: {found.records}")
            else:
                yield found

    def _settle(self, keys: Sequence[Key]) -> None:
        """Reads the keys' records and writes what they make, again and again until nobody else wrote meanwhile."""
        slow = 0
        for attempt in range(_TRIES):
            began = self.store.clock()
            changes = self._changes(keys, iso(began), again=slow > 0)
            if self._written(changes):
                took = self.store.clock() - began
                if not changes.texts or took < self.allowance:
                    return
                # What was stamped long before it was written is seen by no roll-up: Elasticsearch was away meanwhile.
                slow += 1
                if slow == _SLOW:
                    self._tell(
                        f"{self.family.target}: written {took} after its stamp; `busyhour rollup --since` sees it"
                    )
                    return
            else:
                time.sleep(random.uniform(0, 0.05 * (attempt + 1)))
            self.store.refresh(self.family.source, self.family.target)
        raise ConflictError(
            f"{self.family.target} changes too often: {_TRIES} tries", remedy="run again when fewer runs are under way"
        )

    def _tell(self, problem: str) -> None:
        if len(self.report.problems) < _NAMED:
            self.report.problems.append(problem)

    def _changes(self, keys: Sequence[Key], stamp: str, again: bool) -> Changes:
        # What was made before is read before the records: whoever changes it later knows at least the records read here.
        old = finding.stored(self.store, self.family.target, self.family, keys)
        records = finding.stored(self.store, self.family.source, self.family, keys)
        changes = Changes()
        change = Change(stamp, lambda moment: self.store.place(self.family.target, moment), again)
        for key in keys:
            of_key = [CdrRecord.of(one) for one in records[key]]
            self.own.records += len(of_key)
            change.add(changes, of_key, self.family.make(key, of_key, self.window) if of_key else [], old[key])
        return changes

    def _written(self, changes: Changes) -> bool:
        """Writes; False when a document was changed since it was read."""
        results = self.store.bulk_texts(changes.texts) if changes.texts else []
        for kind, result in zip(changes.kinds, results, strict=True):
            if result.created:
                setattr(self.own, kind, getattr(self.own, kind) + 1)
            elif result.refused:
                self.own.refused += 1
                self._tell(f"refused: {result.error}")
        if any(result.exists for result in results):
            return False
        for document in changes.stale:
            try:
                remove(self.store, document)
            except ConflictError:
                return False
            self.own.withdrawn += 1
        return True
