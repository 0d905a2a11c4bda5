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
from alerting.alert import Candidate, Span
from alerting.book import AlertBook
from alerting.catalogue import load_watches
from alerting.context import context, with_payload
from alerting.delivery import Delivery, Tally
from alerting.durations import spoken
from alerting.evaluate import evaluate
from alerting.inhibition import read_rules
from alerting.muting import Muting, facts_of_candidate, turns
from alerting.ports import TicketOpener
from alerting.silences import Silence, list_silences
from alerting.state import Change, Decision, decide
from alerting.ticks import first_tick, ticks
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

    `muted`: fired, and told to nobody since they are silenced or inhibited. `left`: alerts beyond a watch's max_iterations,
    which the next evaluation takes up. `problems`: one line each.
    """

    since: datetime
    until: datetime
    evaluations: int = 0
    fired: int = 0
    resolved: int = 0
    throttled: int = 0
    muted: int = 0
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
    silences = list_silences(store, since=since)
    delivery = Delivery(store, book, chosen, acting, clock, idle_sec=idle)
    run = _Run(store, book, delivery, AlertReport(since, until), silences)
    run.tell(book.open(watch.name for watch in chosen))
    agenda = _Agenda(store, chosen, since, until, every)
    for moment in sorted({edge for silence in silences for edge in (silence.starts_at, silence.ends_at)}):
        agenda.all_at(moment)
    run.all(agenda, progress)
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
    """Evaluations ahead, in order of time. `again` adds one, so much later."""

    def __init__(
        self, store: Store, watches: Sequence[Watch], since: datetime, until: datetime, every: timedelta | None
    ) -> None:
        self._steps = [every or watch.interval for watch in watches]
        self._watches, self._since, self._until = watches, since, until
        self._heap = [
            (tick, number)
            for number, watch in enumerate(watches)
            for tick in ticks(store, watch, since, until, self._steps[number])
        ]
        heapq.heapify(self._heap)

    def all_at(self, moment: datetime) -> None:
        """Every watch at its first tick from a moment on that lies within the range: who is told may change there."""
        for number, step in enumerate(self._steps):
            entry = (first_tick(moment, step), number)
            if self._since <= entry[0] <= self._until and entry not in self._heap:
                heapq.heappush(self._heap, entry)

    def __len__(self) -> int:
        return len(self._heap)

    def next(self) -> tuple[datetime, Watch]:
        tick, number = heapq.heappop(self._heap)
        return tick, self._watches[number]

    def step(self, watch: Watch) -> timedelta:
        return self._steps[self._watches.index(watch)]

    def again(self, tick: datetime, watch: Watch, later: timedelta) -> None:
        number = self._watches.index(watch)
        entry = (first_tick(tick + later, self._steps[number]), number)
        if entry[0] <= self._until and entry not in self._heap:
            heapq.heappush(self._heap, entry)


class _Run:
    """One run over an agenda; the store's side of the steps.

    Changes of state are written at their tick, telling follows for many at once: a change that is not told of yet is
    marked in its alert, so that it is safe from then on, and a replay of days costs a third of the requests.
    """

    def __init__(
        self, store: Store, book: AlertBook, delivery: Delivery, report: AlertReport, silences: Sequence[Silence]
    ) -> None:
        self.store, self.book, self.delivery, self.report = store, book, delivery, report
        self.report.notifications = delivery.tally
        self._silences, self._rules = silences, read_rules()
        self._due: dict[str, None] = {}  # ids of alerts to tell of, in order of their first change

    def all(self, agenda: _Agenda, progress: Progress) -> None:
        while agenda:
            tick, watch = agenda.next()
            resolved = self.report.resolved
            if self.one(watch, tick):
                agenda.again(tick, watch, agenda.step(watch))
            if watch.repeat is not None and self.book.firing_at(tick):
                agenda.again(tick, watch, watch.repeat)
            if self.report.resolved > resolved and any(rule.may_come_from(watch.name) for rule in self._rules):
                agenda.all_at(tick)  # what it explained is explained no more
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
        muting = Muting(self._silences, self._rules, self.book.firing_at(at), at)
        for decision in decisions:
            if decision.change is Change.HOLD and decision.span is not None and decision.candidate is not None:
                self.book.hold(decision.span, decision.candidate, at)
                self._turn(decision.span, decision.candidate, watch, muting, at)
                self._repeat(decision.span, decision.candidate, watch, at)
        self._resolve([decision for decision in decisions if decision.change is Change.RESOLVE], watch, at)
        new = [decision for decision in decisions if decision.change in (Change.FIRE, Change.BRIEF)]
        self._fire(new[: watch.max_iterations], watch, muting, at)
        left = len(new[watch.max_iterations :])
        self.report.left = max(self.report.left, left)
        return left

    def _turn(self, span: Span, candidate: Candidate, watch: Watch, muting: Muting, at: datetime) -> None:
        """An alert that goes on is muted, or heard again, and then told to those who have not been told that it fires."""
        mute = muting.of(facts_of_candidate(watch.name, candidate))
        if not turns(span, mute, at):
            return
        told = throttle.Told([], {}) if mute else self._told(candidate, watch, at)
        for key, read in self.book.read([span.id]).items():
            if self.book.turn(read, at, mute, told):
                self._due[key] = None

    def _repeat(self, span: Span, candidate: Candidate, watch: Watch, at: datetime) -> None:
        """Tells again of what nobody took care of."""
        last = self.book.last_told(candidate.fingerprint, (action.name for action in watch.actions))
        told = throttle.on_repeat(watch, last, at)
        if not told.run or watch.repeat is None or not span.active(at):
            return
        why = f"still so, told once per {spoken(watch.repeat)}"
        for key, read in self.book.read([span.id]).items():
            if self.book.repeat(read, at, why, told):
                self._due[key] = None

    def _fire(self, decisions: Sequence[Decision], watch: Watch, muting: Muting, at: datetime) -> None:
        """New alerts; those that are over already are resolved at once."""
        rows = []
        for decision in decisions:
            if decision.candidate is not None:
                mute = muting.of(facts_of_candidate(watch.name, decision.candidate))
                told = self._told(decision.candidate, watch, at)
                if mute is not None:
                    told = throttle.Told([], {action.name: mute.why for action in watch.actions})
                    self.report.muted += 1
                self.report.throttled += any(reason.startswith("throttled") for reason in told.left.values())
                rows.append((decision.candidate, decision.reason, told, mute))
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
