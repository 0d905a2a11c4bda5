"""Steps 5 and 6: act and record. Every telling is first written down as pending, then done, then marked.

Killed in between, the next run finds the alert by its mark `alert.unsettled`, makes the same notices with the same ids,
and goes on with those that are not final. Log lines, documents and tickets are made once, since they are kept under
that id; a webhook may be sent a second time, with the same Idempotency-Key.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson

from alerting.actions import Performer
from alerting.alert import RESOLVED, Line, Notice, Outcome, Status
from alerting.book import AlertBook, untold_changes
from alerting.context import context
from alerting.fingerprint import notification_id
from alerting.queues import Queues
from alerting.watch import Action, Watch
from contracts.clock import Clock, iso, parse_iso
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
        self,
        store: Store,
        book: AlertBook,
        watches: Iterable[Watch],
        performers: Mapping[str, Performer],
        clock: Clock,
        *,
        idle_sec: float,
    ) -> None:
        self._store, self._book, self._clock = store, book, clock
        self._watches = {watch.name: watch for watch in watches}
        self._performers = performers
        self._queues = Queues(self._perform, idle_sec=idle_sec)
        self._jobs: dict[str, _Job] = {}
        self._outcomes: list[Operation] = []
        self._lines: list[tuple[Operation, Line]] = []
        self.tally = Tally()

    def settle(self, read: Iterable[Versioned]) -> None:
        """Runs what alerts, as they were read, still ask for. What goes to other systems is only begun: see `collect`."""
        alerts = {row.id: row for row in read if row.source["alert"]["unsettled"]}
        notices = {key: self._notices(key, row.source) for key, row in alerts.items()}
        attempts, final = self._begin([notice for some in notices.values() for notice in some])
        for key, row in alerts.items():
            job = self._jobs.setdefault(key, _Job(row))
            job.alert = row
            job.unfinished = False  # whatever is not final is tried now, or is in a queue
            for notice in notices[key]:
                if notice.id not in final and not self._queues.waits(notice.id):
                    job.open.add(notice.id)
                    self._act(notice, attempts.get(notice.id, 0))
        self._write()

    def _act(self, notice: Notice, before: int) -> None:
        destination = self._destination(self._performers[notice.kind], notice)
        if destination:
            self._queues.submit(destination, notice)
        else:
            self._record(notice, self._perform(notice), before)

    def collect(self, *, wait: bool = False) -> None:
        """Records what came back from other systems; `wait`: until the rest has, too."""
        for notice, outcome in self._queues.finish() if wait else self._queues.done():
            self._record(notice, outcome, 0)
            if wait:
                self._write()
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
                    notices.append(_notice(alert_id, source, watch, entry, action))
        return notices

    def _begin(self, notices: list[Notice]) -> tuple[dict[str, int], set[str]]:
        """Writes the notices down as pending unless they are; tries so far by id, and the ids of those that are final."""
        place = self._store.place("notification")
        operations = [
            Operation("create", place, n.id, self._document(n, Outcome(Status.PENDING, ""), 0)) for n in notices
        ]
        old = []
        for notice, result in zip(notices, self._store.bulk(operations) if operations else [], strict=True):
            if result.refused:
                raise StoreRefused(f"notification refused: {result.error}", where=f"{place}/{notice.id}")
            old += [notice.id] if result.exists else []
        found = self._store.get_many("notification", old)
        attempts = {key: row.source["notification"]["attempts"] for key, row in found.items()}
        final = {key for key, row in found.items() if row.source["notification"]["status"] in _FINAL}
        return attempts, final

    def _destination(self, performer: Performer, notice: Notice) -> str:
        try:
            return performer.destination(notice)
        except ValueError:
            return "an address that is none"  # performing it says what is wrong with it

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
        job.last = max(notice.at, job.last or notice.at)
        self._count(notice, outcome)

    def _write(self) -> None:
        """What came of them, in few requests; alerts that have nothing open are marked as settled after that."""
        self._log()
        if self._outcomes:
            self._store.write_all(self._outcomes)
            self._outcomes.clear()
        for key, job in list(self._jobs.items()):
            if not job.open and not job.unfinished:
                self._book.settled(job.alert, job.last, job.tickets)
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

    def _count(self, notice: Notice, outcome: Outcome) -> None:
        if outcome.status is Status.SENT:
            self.tally.sent += 1
            return
        self.tally.problems.append(f"{notice.watch}, action {notice.action}, {notice.event}: {outcome.detail}")
        if outcome.status is Status.FAILED:
            self.tally.failed += 1
        else:
            self.tally.pending += 1

    def _document(self, notice: Notice, outcome: Outcome, attempts: int) -> dict[str, Any]:
        return {
            "@timestamp": iso(notice.at),
            "event": {"ingested": iso(self._clock())},
            "alert": {"fingerprint": notice.fingerprint, "name": notice.watch, "status": notice.event},
            "notification": {
                "action": notice.action,
                "kind": notice.kind,
                "status": outcome.status.value,
                "attempts": attempts,
                "detail": outcome.detail,
                "body": outcome.said,
            },
        }


def _notice(alert_id: str, source: Mapping[str, Any], watch: Watch, entry: Mapping[str, Any], action: Action) -> Notice:
    """What one action tells of one change, from what the alert's document holds and nothing else."""
    alert = source["alert"]
    at, incident = parse_iso(entry["at"]), source.get("incident", {}).get("id", "")
    ends_at = entry["at"] if entry["event"] == RESOLVED else ""
    told = {key: alert[key] for key in ("fingerprint", "name", "severity", "summary", "reason", "labels", "starts_at")}
    told |= {"id": alert_id, "status": entry["event"], "ends_at": ends_at, "incident": incident}
    return Notice(
        id=notification_id(alert_id, entry["event"], at, action.name),
        alert_id=alert_id,
        fingerprint=alert["fingerprint"],
        watch=watch.name,
        event=entry["event"],
        at=at,
        why=entry["why"],
        again=entry.get("again", False),
        severity=alert["severity"],
        starts_at=parse_iso(alert["starts_at"]),
        incident=incident,
        action=action.name,
        kind=action.kind,
        config=action.config,
        context=context(watch.name, watch.metadata, at, orjson.loads(alert["payload"]), alert=told),
    )
