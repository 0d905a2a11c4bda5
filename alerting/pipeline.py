"""The order of the steps: evaluate → fingerprint → state → throttle → record what is due → act → record → send."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from alerting import throttle
from alerting.actions import Performer, performers
from alerting.agenda import Agenda
from alerting.alert import Candidate, Span
from alerting.book import AlertBook
from alerting.catalogue import all_watches
from alerting.context import context, with_payload
from alerting.delivery import Delivery, Tally
from alerting.durations import spoken
from alerting.evaluating import Evaluated, Evaluator
from alerting.inhibition import read_rules
from alerting.muting import FLAPPING, Mute, Muting, facts_of_candidate, turns
from alerting.notify.dispatcher import Dispatcher
from alerting.notify.targets import Notifications, notifications_of
from alerting.ports import TicketOpener
from alerting.silences import Silence, list_silences
from alerting.standing import Lateness, Stand, Standing, state_of
from alerting.state import Change, Decision, decide
from alerting.watch import Watch
from contracts.clock import Clock, epoch_ms, from_epoch_ms, iso, parse_iso, utc_now
from contracts.errors import UserError
from detectors.calendars import Calendars, Planned
from infrastructure.store import Store

JOB = "alert"
TOLD_TOGETHER = 200  # alerts; few enough that a kill leaves little to the next run
Progress = Callable[[int, int], None]  # evaluations done, evaluations known to be ahead


def _unseen(done: int, ahead: int) -> None:
    """Progress nobody looks at."""


@dataclass(slots=True)
class AlertReport:
    """What a run did. Counts are of alerts, but `watches`, `evaluations` and `notifications`; `firing`: still so at the end.

    `muted`: fired, and told to nobody. `left`: alerts beyond a watch's max_iterations, which the next evaluation takes up.
    `late_p95_sec`, `late_max_sec`: from a tick to its evaluation, of watches that were due now. `problems`: one line each.
    """

    since: datetime
    until: datetime
    watches: int = 0
    evaluations: int = 0
    fired: int = 0
    resolved: int = 0
    throttled: int = 0
    muted: int = 0
    left: int = 0
    firing: int = 0
    no_data: int = 0
    failed: int = 0
    late_p95_sec: float = 0.0
    late_max_sec: float = 0.0
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
    notifications: Notifications | None = None,
    forced: bool = False,
) -> AlertReport:
    """Evaluates watches over [since, until] and does what they say.

    `since` None: where the last run ended, or now. `until` None: now. `every` replaces the schedules' intervals.
    `watches` None: the shipped ones and those of `alert.watches.folder`. `acting`: what performs the kinds of action, other than
    the usual. `notifications` None: those of `alert.notify.file`. `forced`: also watches that are switched off.
    The queries see what was known at their tick only, so that a past range gives the alerts it would have given then.
    A range may be run again: nothing is told twice. One runner at a time (two at once may open an alert a tick apart).
    A watch that cannot be evaluated is a problem of the report and stops no other.
    Raises UserError on a range that ends before it starts, StoreUnavailable and StoreRefused from the store.
    """
    live = since is None
    told = notifications_of(store.settings) if notifications is None else notifications
    standing = Standing(store, clock)
    given = all_watches(store.settings) if watches is None else watches
    chosen = tuple(told.added(watch) for watch in given if forced or standing.active(watch.name))
    until = until or clock()
    since = since or _checkpoint(store) or until
    if since > until:
        since = _ordered(since, until, clock)
    acting = acting or performers(store, opener, told.secrets())
    book = AlertBook(store, clock)
    silences = list_silences(store, since=since)
    windows = _windows(store, since, until)
    delivery = Delivery(store, book, chosen, acting, clock)
    find = _finder(store, chosen, told)
    dispatcher = Dispatcher(store, find, told, clock, webhook=acting["webhook"])
    agenda = Agenda(store, chosen, since, until, every)
    edges = {edge for silence in silences for edge in (silence.starts_at, silence.ends_at)}
    edges |= {from_epoch_ms(edge) for window in windows for edge in (window.start, window.end)}
    for moment in sorted(edges):
        agenda.all_at(moment)
    report = AlertReport(since, until, watches=len(chosen))
    run = _Run(store, book, delivery, report, (silences, windows), standing, clock, fresh_after=since if live else None)
    began, started = clock(), time.monotonic()
    run.tell(book.open(watch.name for watch in chosen))
    with Evaluator(store, store.settings.number("alert.threads")) as evaluator:
        run.all(agenda, evaluator, progress)
    run.finish(dispatcher)
    if live and watches is None:
        counts = {word: getattr(report, word) for word in ("watches", "evaluations", "failed", "fired", "resolved")}
        standing.ran(began, time.monotonic() - started, run.lateness, counts)
    _checkpointed(store, until, clock)
    return report


def _finder(store: Store, chosen: Sequence[Watch], told: Notifications) -> Callable[[str], Watch | None]:
    """A watch by name, also one that is not of this run: the queue may hold what it said before."""
    known = {watch.name: watch for watch in chosen}
    rest: dict[str, Watch] = {}

    def find(name: str) -> Watch | None:
        if name not in known and not rest:
            rest.update({watch.name: told.added(watch) for watch in all_watches(store.settings)})
        return known.get(name) or rest.get(name)

    return find


def _windows(store: Store, since: datetime, until: datetime) -> list[Planned]:
    begin, end = epoch_ms(since), epoch_ms(until) + 1
    planned = Calendars(store.settings).at(begin, end).during(begin, end)
    return [one for one in planned if one.kind == "maintenance"]


def _ordered(since: datetime, until: datetime, clock: Clock) -> datetime:
    """A checkpoint may lie ahead of a clock that was set back, or of a past range asked for: the range is one moment."""
    if until >= clock() - timedelta(days=1):
        return until
    raise UserError(
        f"the range ends ({iso(until)}) before it starts ({iso(since)})", remedy="give --since before --until"
    )


class _Run:
    """One run over an agenda; the store's side of the steps.

    Changes of state are written at their tick, telling follows for many at once: a change that is not told of yet is
    marked in its alert, so that it is safe from then on, and a replay of days costs a third of the requests.
    """

    def __init__(
        self,
        store: Store,
        book: AlertBook,
        delivery: Delivery,
        report: AlertReport,
        quiet: tuple[Sequence[Silence], Sequence[Planned]],
        standing: Standing,
        clock: Clock,
        *,
        fresh_after: datetime | None,
    ) -> None:
        self.store, self.book, self.delivery, self.report = store, book, delivery, report
        self.report.notifications = delivery.tally
        self.lateness = Lateness()
        self._silences, self._windows = quiet
        self._rules, self._standing, self._clock = read_rules(), standing, clock
        self._fresh_after = fresh_after  # ticks after it are due now, and late by the clock
        self._due: dict[str, None] = {}  # ids of alerts to tell of, in order of their first change

    def all(self, agenda: Agenda, evaluator: Evaluator, progress: Progress) -> None:
        while agenda:
            for evaluated in evaluator.all(agenda.next()):
                tick, watch = evaluated.tick, evaluated.watch
                resolved = self.report.resolved
                self._noted(evaluated)
                if self.one(evaluated, agenda):
                    agenda.again(tick, watch)
                if watch.soonest_repeat is not None and self.book.fires(watch.name):
                    agenda.again(tick, watch, watch.soonest_repeat)
                if self.report.resolved > resolved and any(rule.may_come_from(watch.name) for rule in self._rules):
                    agenda.all_at(tick)  # what it explained is explained no more
                self._stands(evaluated)
                if len(self._due) >= TOLD_TOGETHER:
                    self.tell()
                self.report.evaluations += 1
                progress(self.report.evaluations, len(agenda))
        self.tell()

    def _noted(self, evaluated: Evaluated) -> None:
        if evaluated.problem:
            self.report.failed += 1
            self.report.problems.append(f"{evaluated.watch.name}: {evaluated.problem}")

    def _stands(self, evaluated: Evaluated) -> None:
        watch, tick, found = evaluated.watch, evaluated.tick, evaluated.found
        late = None
        if self._fresh_after is not None and (tick > self._fresh_after or tick == self.report.until):
            late = max(0.0, (self._clock() - tick).total_seconds())
            self.lateness.seconds.append(late)
        state = state_of(blind=found.blind, fires=self.book.fires(watch.name), failed=bool(evaluated.problem))
        reason = evaluated.problem or found.reason
        self._standing.note(watch.name, Stand(state, reason, tick, evaluated.took_ms, late))

    def one(self, evaluated: Evaluated, agenda: Agenda) -> int:
        """What an evaluation changes; how many new alerts it left for the next."""
        watch, at, found = evaluated.watch, evaluated.tick, evaluated.found
        known = self.book.known(watch.name, [candidate.fingerprint for candidate in found.candidates])
        decisions = decide(known, found.candidates, at, complete=found.complete)
        muting = Muting(self._silences, self._rules, self.book.firing_at(at), at, self._windows)
        for decision in decisions:
            if decision.change is Change.HOLD and decision.span is not None and decision.candidate is not None:
                self.book.hold(decision.span, decision.candidate, at)
                self._turn(decision.span, decision.candidate, watch, muting, at, agenda)
                self._repeat(decision.span, decision.candidate, watch, at)
        self._resolve([decision for decision in decisions if decision.change is Change.RESOLVE], watch, at)
        new = [decision for decision in decisions if decision.change in (Change.FIRE, Change.BRIEF)]
        self._fire(new[: watch.max_iterations], watch, muting, at, agenda)
        left = len(new[watch.max_iterations :])
        self.report.left = max(self.report.left, left)
        return left

    def _mute(self, candidate: Candidate, watch: Watch, muting: Muting, at: datetime, agenda: Agenda) -> Mute | None:
        spans = self.book.life(watch.name, candidate.fingerprint)
        mute = muting.of(facts_of_candidate(watch.name, candidate), spans, watch.flapping)
        if mute is not None and mute.how == FLAPPING and watch.flapping is not None:
            agenda.again(at, watch, watch.flapping.within)  # it may be calm by then
        return mute

    def _turn(
        self, span: Span, candidate: Candidate, watch: Watch, muting: Muting, at: datetime, agenda: Agenda
    ) -> None:
        """An alert that goes on is muted, or heard again, and then told to those who have not been told that it fires."""
        mute = self._mute(candidate, watch, muting, at, agenda)
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
        if not told.run or watch.soonest_repeat is None or not span.active(at):
            return
        why = f"still so, told once per {spoken(watch.soonest_repeat)}"
        for key, read in self.book.read([span.id]).items():
            if self.book.repeat(read, at, why, told):
                self._due[key] = None

    def _fire(self, decisions: Sequence[Decision], watch: Watch, muting: Muting, at: datetime, agenda: Agenda) -> None:
        """New alerts; those that are over already are resolved at once."""
        rows = []
        for decision in decisions:
            if decision.candidate is not None:
                mute = self._mute(decision.candidate, watch, muting, at, agenda)
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
        facts = facts_of_candidate(watch.name, candidate)
        return throttle.on_firing(watch, seen, last, at, facts, candidate.status)

    def _resolve(self, decisions: Sequence[Decision], watch: Watch, at: datetime) -> None:
        reasons = {decision.span.id: decision.reason for decision in decisions if decision.span is not None}
        reads = self.book.read(reasons)
        told = {key: throttle.on_resolved(watch, self.book.fired_actions(read.source)) for key, read in reads.items()}
        for key in self.book.resolve_all(reads, at, reasons, told):
            self.report.resolved += 1
            self._due[key] = None

    def tell(self, alert_ids: Iterable[str] = ()) -> None:
        """Tells of what is due."""
        wanted = [*alert_ids, *self._due]
        self._due.clear()
        self.delivery.settle(self.book.read(wanted).values())

    def finish(self, dispatcher: Dispatcher) -> None:
        """Sends what goes to other systems, and writes what was kept in memory."""
        self.book.close()
        dispatcher.flush(self.report.notifications)
        self._standing.write()
        self.report.firing, self.report.no_data = self.book.firing()
        self.report.late_p95_sec, self.report.late_max_sec = self.lateness.p95, self.lateness.most
        self.store.refresh("alert", "notification", "watch", "watch-run")


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
