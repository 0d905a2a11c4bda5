"""A watch as values: what a checked file says, ready to evaluate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

KINDS = ("logging", "index", "webhook", "ticket")
MAX_ITERATIONS = 100  # Watcher's own default: alerts of one watch told of in one evaluation


@dataclass(frozen=True, slots=True)
class Action:
    """One thing to do when an alert fires or resolves. `throttle`: least time between two of the same fingerprint."""

    name: str
    kind: str
    config: Mapping[str, Any]
    throttle: timedelta | None = None
    condition: Mapping[str, Any] = field(default_factory=lambda: {"always": {}})
    send_resolved: bool = True


@dataclass(frozen=True, slots=True)
class Watch:
    """`labels`, `severity`, `summary`, `reason`, `incident` and `ends_at` are templates over one element of `foreach`.

    `repeat`: who was told that it fires is told again after so long, until it resolves or somebody acknowledges it.
    `about`: names and paths of what an alert touches beside its labels, for silences and inhibition.
    `foreach` is a path such as `ctx.payload.values`; empty: the whole payload is one element.
    """

    name: str
    path: str
    interval: timedelta
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

    def action(self, name: str) -> Action | None:
        return next((action for action in self.actions if action.name == name), None)

    @property
    def longest_throttle(self) -> timedelta:
        return max((action.throttle for action in self.actions if action.throttle), default=timedelta())
