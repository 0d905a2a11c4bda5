"""Steps 5 and 6: act and record. Every telling is first written down as pending, then done, then marked.

Killed in between, the next run finds the alert by its mark `alert.unsettled`, makes the same notices with the same ids,
and goes on with those that are not final. Log lines, documents and tickets are made once, since they are kept under
that id. What goes to other systems is only written down here: `alerting.notify` sends it.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from alerting.actions import Performer
from alerting.alert import Line, Notice, Outcome, Status
from alerting.book import AlertBook, untold_changes
from alerting.notices import group_key, group_labels, notice_of
from alerting.watch import OUTSIDE, Watch
from contracts.clock import Clock, iso
from contracts.errors import BusyhourError, ConflictError, StoreRefused, StoreUnavailable
from infrastructure.store import Operation, Store, Versioned

MOST_TRIES = 5  # runs that may try an action inside the store that loses its races, before it has failed
_log = logging.getLogger("busyhour.alerts")
_FINAL = (Status.SENT, Status.FAILED)


@dataclass(slots=True)
class Tally:
    """How notifications ended in this run; `pending`: left for the next one."""

    sent: int = 0
    failed: int = 0
    pending: int = 0
    problems: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Job:
    """Notices of one alert that are under way. `open`: ids not finished; `alert`: as it was when they were made."""

    alert: Versioned
    open: set[str] = field(default_factory=set)
    unfinished: bool = False
    tickets: list[str] = field(default_factory=list)
    last: datetime | None = None


class Delivery:
    def __init__(
        self, store: Store, book: AlertBook, watches: Iterable[Watch], performers: Mapping[str, Performer], clock: Clock
    ) -> None:
        self._store, self._book, self._clock = store, book, clock
        self._watches = {watch.name: watch for watch in watches}
        self._performers = performers
        self._jobs: dict[str, _Job] = {}
        self._outcomes: list[Operation] = []
        self._lines: list[tuple[Operation, Line]] = []
        self.tally = Tally()

    def settle(self, read: Iterable[Versioned]) -> None:
        """Runs what alerts, as they were read, still ask for; what goes to other systems is put into the queue."""
        alerts = {row.id: row for row in read if row.source["alert"]["unsettled"]}
        notices = {key: self._notices(key, row.source) for key, row in alerts.items()}
        attempts, final = self._begin([(one, alerts[key]) for key, some in notices.items() for one in some])
        for key, row in alerts.items():
            job = self._jobs.setdefault(key, _Job(row))
            job.alert = row
            job.unfinished = False  # whatever is not final is tried now
            for notice in notices[key]:
                job.last = max(notice.at, job.last or notice.at)
                if notice.id not in final and notice.kind not in OUTSIDE:
                    job.open.add(notice.id)
                    self._record(notice, self._perform(notice), attempts.get(notice.id, 0))
        self._write()

    def _notices(self, alert_id: str, source: Mapping[str, Any]) -> list[Notice]:
        alert = source["alert"]
        watch = self._watches[alert["name"]]
        notices = []
        for entry in untold_changes(source):
            for name in entry["run"]:
                action = watch.action(name)
                if action is None:  # the watch was edited since
                    self.tally.failed += 1
                    self.tally.problems.append(f"{watch.name} has no action {name} any more, alert {alert_id} wants it")
                else:
                    notices.append(notice_of(alert_id, source, watch, entry, action))
        return notices

    def _begin(self, notices: list[tuple[Notice, Versioned]]) -> tuple[dict[str, int], set[str]]:
        """Writes the notices down as pending unless they are; tries so far by id, and the ids of those that are final."""
        place = self._store.place("notification")
        operations = [Operation("create", place, one.id, self._pending(one, alert)) for one, alert in notices]
        old = []
        for (notice, _), result in zip(notices, self._store.bulk(operations) if operations else [], strict=True):
            if result.refused:
                raise StoreRefused(f"notification refused: {result.error}", where=f"{place}/{notice.id}")
            old += [notice.id] if result.exists else []
        found = self._store.get_many("notification", old)
        attempts = {key: row.source["notification"]["attempts"] for key, row in found.items()}
        final = {key for key, row in found.items() if row.source["notification"]["status"] in _FINAL}
        return attempts, final

    def _pending(self, notice: Notice, alert: Versioned) -> dict[str, Any]:
        document = self._document(notice, Outcome(Status.PENDING, ""), 0)
        if notice.kind not in OUTSIDE:
            return document
        action = self._watches[notice.watch].action(notice.action)
        wait, group = timedelta(), notice.id
        if action is not None and action.grouping is not None:
            grouping = action.grouping
            wait, group = grouping.wait, group_key(action, group_labels(grouping, alert.source))
            document["notification"]["interval"] = {"sec": grouping.interval.total_seconds()}
        more = {"due": iso(notice.at + wait), "group": group, "to": str(notice.config.get("to", ""))}
        return {**document, "notification": {**document["notification"], **more}}

    def _perform(self, notice: Notice) -> Outcome:
        try:
            return self._performers[notice.kind].perform(notice)
        except StoreUnavailable:
            raise  # waited for long enough: the run ends, and the next one goes on
        except ConflictError as error:
            return Outcome(Status.PENDING, error.sentence())
        except (BusyhourError, ValueError) as error:
            return Outcome(Status.FAILED, str(error))

    def _record(self, notice: Notice, outcome: Outcome, before: int) -> None:
        attempts = before + outcome.attempts
        if outcome.status is Status.PENDING and attempts >= MOST_TRIES:
            outcome = outcome._replace(status=Status.FAILED)
        document = self._document(notice, outcome, attempts)
        self._outcomes.append(Operation("index", self._store.place("notification"), notice.id, document))
        if outcome.line is not None:
            place = self._store.place("audit", notice.at)
            self._lines.append((Operation("create", place, notice.id, outcome.line.document), outcome.line))
        job = self._jobs[notice.alert_id]
        job.open.discard(notice.id)
        job.unfinished |= outcome.status is Status.PENDING
        job.tickets += [outcome.ticket] if outcome.ticket else []
        count(self.tally, outcome.status, f"{notice.watch}, action {notice.action}, {notice.event}: {outcome.detail}")

    def _write(self) -> None:
        """What came of them, in few requests; alerts that have nothing open are marked as settled after that."""
        self._log()
        if self._outcomes:
            self._store.write_all(self._outcomes)
            self._outcomes.clear()
        finished = {key: job for key, job in self._jobs.items() if not job.open and not job.unfinished}
        self._book.settled([(job.alert, job.last, job.tickets) for job in finished.values()])
        for key in finished:
            del self._jobs[key]

    def _log(self) -> None:
        """Keeps the lines of the log, and says those that were not kept before."""
        results = self._store.bulk([operation for operation, _ in self._lines]) if self._lines else []
        for (operation, line), result in zip(self._lines, results, strict=True):
            if result.refused:
                raise StoreRefused(f"log line refused: {result.error}", where=f"{operation.index}/{operation.id}")
            if result.created:
                _log.log(line.level, "%s", line.text)
        self._lines.clear()

    def _document(self, notice: Notice, outcome: Outcome, attempts: int) -> dict[str, Any]:
        told: dict[str, Any] = {
            "action": notice.action,
            "kind": notice.kind,
            "status": outcome.status.value,
            "attempts": attempts,
            "detail": outcome.detail,
            "body": outcome.said,
        }
        if outcome.status is Status.SENT:
            told["sent"] = iso(self._clock())
        return {
            "@timestamp": iso(notice.at),
            "event": {"ingested": iso(self._clock())},
            "alert": {
                "id": notice.alert_id,
                "fingerprint": notice.fingerprint,
                "name": notice.watch,
                "status": notice.event,
                "severity": notice.severity,
            },
            "notification": told,
        }


def count(tally: Tally, status: Status, problem: str, how_many: int = 1) -> None:
    """Adds what became of a telling, or of a message of several, and one line where it did not go out."""
    if status is Status.SENT:
        tally.sent += how_many
        return
    tally.problems.append(problem)
    if status is Status.FAILED:
        tally.failed += how_many
    else:
        tally.pending += how_many
