"""The nouns of alerting: what a watch found, an alert's life, one telling of a change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any, NamedTuple

FIRING = "firing"
RESOLVED = "resolved"
NO_DATA = "no_data"  # it cannot be said whether it is so: neither firing nor well
OPEN = (FIRING, NO_DATA)


class Candidate(NamedTuple):
    """One element of a watch's payload. `over`: what it tells of had ended by then. Severity is a word."""

    fingerprint: str
    labels: Mapping[str, str]
    severity: str
    summary: str
    reason: str
    incident: str
    over: bool
    payload: Mapping[str, Any]
    about: Mapping[str, tuple[str, ...]] = MappingProxyType(
        {}
    )  # what it touches beside its labels, for silences and inhibition
    status: str = FIRING  # or no_data
    shadows: str = ""  # of no_data: the fingerprint of which nothing can be said, so that it does not resolve


@dataclass(frozen=True, slots=True)
class Span:
    """One alert's life as far as it is known; `ends_at` None: firing.

    `facts`: what matchers look at. `muted`: told to nobody now; `owed`: nor was its firing; `turned`: when that last changed.
    """

    id: str
    fingerprint: str
    starts_at: datetime
    ends_at: datetime | None = None
    facts: Mapping[str, tuple[str, ...]] = field(default_factory=dict, compare=False)
    muted: bool = False
    owed: bool = False
    turned: datetime | None = None

    def active(self, at: datetime) -> bool:
        return self.starts_at <= at and (self.ends_at is None or self.ends_at > at)


class Status(StrEnum):
    """Of a notification. `pending` is tried again by the next run; the other two are final."""

    PENDING = "pending"
    SENT = "sent"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Notice:
    """One telling: the change `event` (firing or resolved) of an alert at `at`, by one action of its watch.

    `id` is the same however often it is tried. `context` is what the action's templates read; `why` the reason of the
    change; `again`: there were earlier alerts of this fingerprint.
    """

    id: str
    alert_id: str
    fingerprint: str
    watch: str
    event: str
    at: datetime
    why: str
    again: bool
    severity: str
    starts_at: datetime
    incident: str
    action: str
    kind: str
    config: Mapping[str, Any]
    context: Mapping[str, Any]


class Line(NamedTuple):
    """A line of the log: a level of the standard library, the text, and the document of `audit` that it is kept in."""

    level: int
    text: str
    document: dict[str, Any]


class Outcome(NamedTuple):
    """What became of one telling. `said`: the text, `detail`: the answer or the error, `ticket`: the ticket it is kept in.

    `line`: what the log says; it is written together with the outcome, under the notice's id.
    """

    status: Status
    detail: str
    said: str = ""
    ticket: str = ""
    attempts: int = 1
    line: Line | None = None
