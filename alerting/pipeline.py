"""The order of the steps: evaluate → fingerprint → state → throttle → record what is due → act → record what came of it."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from alerting import throttle
from alerting.actions import Performer, performers
from alerting.actions.webhook import longest_sec
from alerting.alert import Candidate
from alerting.book import AlertBook
from alerting.catalogue import load_watches
from alerting.context import context, with_payload
from alerting.delivery import Delivery, Tally
from alerting.evaluate import evaluate
from alerting.ports import TicketOpener
from alerting.state import Change, Decision, decide
from alerting.ticks import ticks
from alerting.watch import Watch
from contracts.clock import Clock, iso, parse_iso, utc_now
from contracts.errors import UserError
from infrastructure.store import Store

JOB = "alert"
TOLD_TOGETHER = 200  # alerts; few enough that a kill leaves little to the next run
Progress = Callable[[int, int], None]  # evaluations done, evaluations known to be ahead


def _unseen(done: int, ahead: int) -> None:
    """Progress nobody looks at."""


@dataclass(slots=True)
class AlertReport:
    """What a run did. Counts are of alerts, but `evaluations` and `notifications`; `firing`: still so at the end.

    `left`: alerts beyond a watch's max_iterations, which the next evaluation takes up. `problems`: one line each.
    """

    since: datetime
    until: datetime
    evaluations: int = 0
    fired: int = 0
    resolved: int = 0
    throttled: int = 0
    left: int = 0
    firing: int = 0
    notifications: Tally = field(default_factory=Tally)

    @property
    def problems(self) -> list[str]:
        return self.notifications.problems


def run_watches(
    store: Store,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    every: timedelta | None = None,
    opener: TicketOpener | None = None,
    clock: Clock = utc_now,
    watches: Sequence[Watch] | None = None,
    progress: Progress = _unseen,
    acting: Mapping[str, Performer] | None = None,
) -> AlertReport:
    """Evaluates watches over [since, until] and does what they say.

    `since` None: where the last run ended, or now. `until` None: now. `every` replaces the schedules' intervals.
    `watches` None: the shipped ones. `acting`: what performs the kinds of action, other than the usual.
    The queries see what was known at their tick only, so that a past range gives the alerts it would have given then.
    A range may be run again: nothing is told twice. One runner at a time (two at once may open an alert a tick apart).
    Raises UserError on a range that ends before it starts, DefinitionError on a watch that the data does not fit,
    StoreUnavailable and StoreRefused from the store.
    """
    chosen = tuple(load_watches() if watches is None else watches)
    until = until or clock()
    since = since or _checkpoint(store) or until
    if since > until:
        since = _ordered(since, until, clock)
    acting = acting or performers(store, opener)
    book = AlertBook(store, clock)
    idle = longest_sec(store.settings.number("alert.webhook.timeout.sec"))
    run = _Run(store, book, Delivery(store, book, chosen, acting, clock, idle_sec=idle), AlertReport(since, until))
    run.tell(book.open(watch.name for watch in chosen))
    run.all(_Agenda(store, chosen, since, until, every), progress)
    run.finish()
    _checkpointed(store, until, clock)
    return run.report


def _ordered(since: datetime, until: datetime, clock: Clock) -> datetime:
    """A checkpoint may lie ahead of a clock that was set back, or of a past range asked for: the range is one moment."""
    if until >= clock() - timedelta(days=1):
        return until
    raise UserError(
        f"the range ends ({iso(until)}) before it starts ({iso(since)})", remedy="give --since before --until"
    )


class _Agenda:
    """Evaluations ahead, in order of time. `again` adds one, a step later."""

    def __init__(
        self, store: Store, watches: Sequence[Watch], since: datetime, until: datetime, every: timedelta | None
    ) -> None:
        self._steps = [every or watch.interval for watch in watches]
        self._watches, self._until = watches, until
        self._heap = [
            (tick, number)
            for number, watch in enumerate(watches)
            for tick in ticks(store, watch, since, until, self._steps[number])
        ]
        heapq.heapify(self._heap)

    def __len__(self) -> int:
        return len(self._heap)

    def next(self) -> tuple[datetime, Watch]:
        tick, number = heapq.heappop(self._heap)
        return tick, self._watches[number]

    def again(self, tick: datetime, watch: Watch) -> None:
        number = self._watches.index(watch)
        entry = (tick + self._steps[number], number)
        if entry[0] <= self._until and entry not in self._heap:
            heapq.heappush(self._heap, entry)


class _Run:
    """One run over an agenda; the store's side of the steps.

    Changes of state are written at their tick, telling follows for many at once: a change that is not told of yet is
    marked in its alert, so that it is safe from then on, and a replay of days costs a third of the requests.
    """

    def __init__(self, store: Store, book: AlertBook, delivery: Delivery, report: AlertReport) -> None:
        self.store, self.book, self.delivery, self.report = store, book, delivery, report
        self.report.notifications = delivery.tally
        self._due: dict[str, None] = {}  # ids of alerts to tell of, in order of their first change

    def all(self, agenda: _Agenda, progress: Progress) -> None:
        while agenda:
            tick, watch = agenda.next()
            if self.one(watch, tick):
                agenda.again(tick, watch)
            if len(self._due) >= TOLD_TOGETHER:
                self.tell()
            self.report.evaluations += 1
            progress(self.report.evaluations, len(agenda))
        self.tell()

    def one(self, watch: Watch, at: datetime) -> int:
        """One evaluation; how many new alerts it left for the next."""
        found = evaluate(self.store, watch, at)
        known = self.book.known(watch.name, [candidate.fingerprint for candidate in found.candidates])
        decisions = decide(known, found.candidates, at, complete=found.complete)
        for decision in decisions:
            if decision.change is Change.HOLD and decision.span is not None and decision.candidate is not None:
                self.book.hold(decision.span, decision.candidate, at)
        self._resolve([decision for decision in decisions if decision.change is Change.RESOLVE], watch, at)
        new = [decision for decision in decisions if decision.change in (Change.FIRE, Change.BRIEF)]
        self._fire(new[: watch.max_iterations], watch, at)
        left = len(new[watch.max_iterations :])
        self.report.left = max(self.report.left, left)
        return left

    def _fire(self, decisions: Sequence[Decision], watch: Watch, at: datetime) -> None:
        """New alerts; those that are over already are resolved at once."""
        rows = []
        for decision in decisions:
            if decision.candidate is not None:
                told = self._told(decision.candidate, watch, at)
                self.report.throttled += any(reason.startswith("throttled") for reason in told.left.values())
                rows.append((decision.candidate, decision.reason, told))
        brief = []
        for decision, (span, created) in zip(decisions, self.book.fire(watch.name, at, rows), strict=True):
            if created:
                self.report.fired += 1
                self._due[span.id] = None
                brief += [decision._replace(span=span)] if decision.change is Change.BRIEF else []
        self._resolve(brief, watch, at)

    def _told(self, candidate: Candidate, watch: Watch, at: datetime) -> throttle.Told:
        seen = with_payload(context(watch.name, watch.metadata, at), candidate.payload)
        last = self.book.last_told(candidate.fingerprint, (action.name for action in watch.actions))
        return throttle.on_firing(watch, seen, last, at)

    def _resolve(self, decisions: Sequence[Decision], watch: Watch, at: datetime) -> None:
        reasons = {decision.span.id: decision.reason for decision in decisions if decision.span is not None}
        for key, read in self.book.read(reasons).items():
            told = throttle.on_resolved(watch, self.book.fired_actions(read.source))
            if self.book.resolve(read, at, reasons[key], told):
                self.report.resolved += 1
                self._due[key] = None

    def tell(self, alert_ids: Iterable[str] = ()) -> None:
        """Tells of what is due, and records what came back from other systems since."""
        wanted = [*alert_ids, *self._due]
        self._due.clear()
        self.delivery.settle(self.book.read(wanted).values())
        self.delivery.collect()

    def finish(self) -> None:
        self.delivery.collect(wait=True)
        self.book.close()
        self.report.firing = self.book.firing()
        self.store.refresh("alert", "notification")


def _checkpoint(store: Store) -> datetime | None:
    found = store.get("job", JOB)
    return parse_iso(found.source["job"]["checkpoint"]) if found else None


def _checkpointed(store: Store, until: datetime, clock: Clock) -> None:
    """Only ever moves on: running a past range again does not make the next run repeat what came after it."""

    def document() -> dict[str, Any]:
        return {"event": {"ingested": iso(clock())}, "job": {"name": JOB, "checkpoint": iso(until)}}

    def change(source: dict[str, Any]) -> dict[str, Any] | None:
        return document() if source["job"]["checkpoint"] < iso(until) else None

    store.modify("job", JOB, change, create=document)
