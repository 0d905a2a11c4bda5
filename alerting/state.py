"""Step 3: what changes. Pure: known alerts and candidates of one watch at one moment → decisions, each with its reason.

States are Alertmanager's: `firing` until `ends_at`, then `resolved`. Everything is judged *as of* the moment: an alert
is active when it had started and had not ended by then. Judging a moment a second time therefore changes nothing, which
is what makes a crashed run, a repeated replay and a second runner harmless.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from alerting.alert import Candidate, Span
from contracts.sentences import sentence


class Change(StrEnum):
    FIRE = "firing"
    RESOLVE = "resolved"
    BRIEF = "firing and resolved"  # was over before anybody looked
    HOLD = "hold"
    SKIP = "skip"


class Decision(NamedTuple):
    """`span`: the alert it is about, None for a new one. `candidate`: what was found, None when nothing was."""

    change: Change
    reason: str
    candidate: Candidate | None = None
    span: Span | None = None


def decide(
    known: Mapping[str, Sequence[Span]], candidates: Iterable[Candidate], at: datetime, *, complete: bool = True
) -> list[Decision]:
    """One decision for every candidate and for every active alert that is no candidate any more.

    `complete` False: there may be more candidates than were seen, so that none is missed for sure and none resolves. Nor does
    an alert of which a candidate says that there is no data.
    """
    found = {candidate.fingerprint: candidate for candidate in candidates}
    decisions = [_of_candidate(candidate, known.get(mark, ()), at) for mark, candidate in found.items()]
    unknown = {candidate.shadows for candidate in found.values() if candidate.shadows}
    for mark, spans in known.items():
        if complete and mark not in found and mark not in unknown:
            decisions += [
                Decision(Change.RESOLVE, sentence("the condition no longer holds"), span=span)
                for span in spans
                if span.starts_at <= at and span.ends_at is None
            ]
    return decisions


def _of_candidate(candidate: Candidate, spans: Sequence[Span], at: datetime) -> Decision:
    active = next((span for span in spans if span.active(at)), None)
    if active is not None:
        if not candidate.over:
            return Decision(Change.HOLD, sentence("still so"), candidate, active)
        if active.ends_at is None:
            return Decision(Change.RESOLVE, sentence("it is over"), candidate, active)
        return Decision(Change.SKIP, sentence("resolved later already"), candidate, active)
    later = next((span for span in spans if span.starts_at > at), None)
    if later is not None:
        return Decision(Change.SKIP, sentence("told of at a later time already"), candidate, later)
    if not candidate.over:
        return Decision(Change.FIRE, sentence("again") if spans else sentence("new"), candidate)
    if spans:
        return Decision(Change.SKIP, sentence("over, and told of"), candidate, spans[-1])
    return Decision(Change.BRIEF, sentence("was over when it was first seen"), candidate)
