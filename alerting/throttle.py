"""Step 4: which actions of a watch tell of a change. Pure; every no has its reason."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from alerting.condition import decide
from alerting.durations import spoken
from alerting.watch import Watch


class Told(NamedTuple):
    """Names of the actions that run, and reasons by name of those that do not."""

    run: list[str]
    left: dict[str, str]


def on_firing(watch: Watch, seen: Mapping[str, Any], last: Mapping[str, datetime], at: datetime) -> Told:
    """`last`: when each action last told of this fingerprint's firing. Tickets are never throttled: they are reopened."""
    told = Told([], {})
    for action in watch.actions:
        decision = decide(action.condition, seen)
        before = last.get(action.name)
        if not decision.met:
            told.left[action.name] = decision.reason
        elif action.kind != "ticket" and action.throttle and before is not None and at - before < action.throttle:
            told.left[action.name] = f"throttled: told {spoken(at - before)} before, once per {spoken(action.throttle)}"
        else:
            told.run.append(action.name)
    return told


def on_repeat(watch: Watch, last: Mapping[str, datetime], at: datetime) -> Told:
    """Who is told again that it still fires: whoever was told `watch.repeat` ago or longer. A ticket is there already."""
    told = Told([], {})
    for action in watch.actions:
        before = last.get(action.name)
        if watch.repeat is not None and action.kind != "ticket" and before is not None and at - before >= watch.repeat:
            told.run.append(action.name)
    return told


def on_resolved(watch: Watch, fired: list[str]) -> Told:
    """Only who was told that it fires is told that it resolved. `fired`: the actions that ran at firing."""
    told = Told([], {})
    for action in watch.actions:
        if action.name not in fired:
            told.left[action.name] = "did not tell of its firing"
        elif not action.send_resolved:
            told.left[action.name] = "send_resolved is off"
        else:
            told.run.append(action.name)
    return told
