"""What a watch would have told, without telling: the same steps on memory instead of the book, and no actions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from alerting import throttle
from alerting.alert import Candidate, Span
from alerting.context import context, with_payload
from alerting.evaluate import evaluate
from alerting.fingerprint import alert_id
from alerting.inputs import asks_now
from alerting.muting import facts_of_candidate
from alerting.schedules import Every
from alerting.state import Change, decide
from alerting.ticks import ticks
from alerting.watch import Watch
from contracts.errors import UserError
from infrastructure.store import Store


@dataclass(slots=True)
class WouldFire:
    """One alert that would have been. `ends_at` None: it would still fire. `actions` run, `left` do not, with reasons."""

    fingerprint: str
    labels: Mapping[str, str]
    severity: str
    summary: str
    reason: str
    starts_at: datetime
    ends_at: datetime | None
    actions: list[str]
    left: Mapping[str, str]


def dry_run(
    store: Store, watch: Watch, since: datetime, until: datetime, *, every: timedelta | None = None
) -> list[WouldFire]:
    """Alerts of a watch over [since, until] as if none had been before, in order of first firing. Writes nothing.

    Raises UserError on a watch that asks another system.
    """
    spans: dict[str, list[Span]] = {}
    told: dict[tuple[str, str], datetime] = {}
    alerts: dict[str, WouldFire] = {}
    if asks_now(watch.input):
        raise UserError(
            "asks another system, which does not know the past", where=watch.name, remedy="see `busyhour watch run`"
        )
    regular = watch.schedule.regular is not None
    for at in ticks(store, watch, since, until, Every(every) if every and regular else watch.schedule):
        found = evaluate(store, watch, at)
        for change, _, candidate, span in decide(spans, found.candidates, at, complete=found.complete):
            if change is Change.RESOLVE and span is not None:
                _end(spans, alerts, span, at)
            elif change in (Change.FIRE, Change.BRIEF) and candidate is not None:
                new = Span(alert_id(candidate.fingerprint, at), candidate.fingerprint, at)
                spans.setdefault(candidate.fingerprint, []).append(new)
                alerts[new.id] = _would_fire(watch, candidate, told, at)
                if change is Change.BRIEF:
                    _end(spans, alerts, new, at)
    return list(alerts.values())


def _would_fire(watch: Watch, candidate: Candidate, told: dict[tuple[str, str], datetime], at: datetime) -> WouldFire:
    seen = with_payload(context(watch.name, watch.metadata, at), candidate.payload)
    mark = candidate.fingerprint
    last = {action.name: told[mark, action.name] for action in watch.actions if (mark, action.name) in told}
    facts = facts_of_candidate(watch.name, candidate)
    run, left = throttle.on_firing(watch, seen, last, at, facts, candidate.status)
    told.update({(mark, name): at for name in run})
    words = (candidate.labels, candidate.severity, candidate.summary, candidate.reason)
    return WouldFire(mark, *words, at, None, run, left)


def _end(spans: dict[str, list[Span]], alerts: Mapping[str, WouldFire], span: Span, at: datetime) -> None:
    mine = spans[span.fingerprint]
    mine[mine.index(span)] = Span(span.id, span.fingerprint, span.starts_at, at)
    alerts[span.id].ends_at = at
