"""A watch as values: what a checked file says, ready to evaluate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from alerting.matchers import Matcher
from alerting.schedules import Schedule

KINDS = ("logging", "index", "webhook", "ticket", "notify")
OUTSIDE = ("webhook", "notify")  # what goes to other systems, and so through the queue
MAX_ITERATIONS = 100  # Watcher's own default: alerts of one watch told of in one evaluation


@dataclass(frozen=True, slots=True)
class Grouping:
    """Alertmanager's: alerts that agree in `by` are told of together, `wait` after the first, then once an `interval`."""

    by: tuple[str, ...] = ("alertname",)
    wait: timedelta = timedelta()
    interval: timedelta = timedelta()


@dataclass(frozen=True, slots=True)
class Flapping:
    """An alert that changed `changes` times `within` is told to nobody until it has calmed down."""

    changes: int = 8
    within: timedelta = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class NoData:
    """Conditions: `when`, of the whole payload, nothing can be said at all; `each`, of one element, nothing of it."""

    when: Mapping[str, Any] | None = None
    each: Mapping[str, Any] | None = None
    severity: str = "warning"


@dataclass(frozen=True, slots=True)
class Action:
    """One thing to do when an alert fires or resolves. `throttle`: least time between two of the same fingerprint.

    `matchers`: only of alerts that all of them match; `repeat`: in place of the watch's own.
    """

    name: str
    kind: str
    config: Mapping[str, Any]
    throttle: timedelta | None = None
    condition: Mapping[str, Any] = field(default_factory=lambda: {"always": {}})
    send_resolved: bool = True
    matchers: tuple[Matcher, ...] = ()
    repeat: timedelta | None = None
    grouping: Grouping | None = None


@dataclass(frozen=True, slots=True)
class Watch:
    """`labels`, `severity`, `summary`, `reason`, `incident` and `ends_at` are templates over one element of `foreach`.

    `repeat`: who was told that it fires is told again after so long, until it resolves or somebody acknowledges it.
    `about`: names and paths of what an alert touches beside its labels, for silences and inhibition.
    `foreach` is a path such as `ctx.payload.values`; empty: the whole payload is one element. `content`: as it was written.
    """

    name: str
    path: str
    schedule: Schedule
    input: Mapping[str, Any]
    condition: Mapping[str, Any]
    transform: Mapping[str, Any] | None
    actions: tuple[Action, ...]
    metadata: Mapping[str, Any]
    foreach: str
    max_iterations: int
    labels: Mapping[str, str]
    severity: str
    summary: str
    reason: str
    incident: str = ""
    ends_at: str = ""
    about: Mapping[str, str] = field(default_factory=dict)
    repeat: timedelta | None = None
    no_data: NoData | None = None
    flapping: Flapping | None = None
    each: Mapping[str, Any] | None = None  # condition of one element: only those it holds for are alerts
    content: Mapping[str, Any] = field(default_factory=dict, compare=False)

    def action(self, name: str) -> Action | None:
        return next((action for action in self.actions if action.name == name), None)

    def repeats(self, action: Action) -> timedelta | None:
        return action.repeat or self.repeat

    @property
    def soonest_repeat(self) -> timedelta | None:
        """The shortest of its actions' repeat intervals; None: it is never told again."""
        return min((each for action in self.actions if (each := self.repeats(action))), default=None)

    @property
    def longest_throttle(self) -> timedelta:
        return max((action.throttle for action in self.actions if action.throttle), default=timedelta())
