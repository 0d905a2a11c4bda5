"""Step 4: which actions of a watch tell of a change. Pure; every no has its reason."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from alerting.alert import FIRING, NO_DATA
from alerting.condition import decide
from alerting.durations import spoken
from alerting.matchers import Facts
from alerting.watch import Watch


class Told(NamedTuple):
    """Names of the actions that run, and reasons by name of those that do not."""

    run: list[str]
    left: dict[str, str]


def on_firing(
    watch: Watch,
    seen: Mapping[str, Any],
    last: Mapping[str, datetime],
    at: datetime,
    facts: Facts,
    status: str = FIRING,
) -> Told:
    """`last`: when each action last told of this fingerprint's firing; `facts`: what the routes' matchers look at.

    Tickets are never throttled: they are reopened. Want of data opens none.
    """
    told, targets = Told([], {}), set()
    for action in watch.actions:
        decision = decide(action.condition, seen)
        before, target = last.get(action.name), action.config.get("to", "")
        wrong = next((each for each in action.matchers if not each.matches(facts)), None)
        if not decision.met:
            told.left[action.name] = decision.reason
        elif wrong is not None:
            told.left[action.name] = f"is not of this route: {wrong}"
        elif target and target in targets:
            told.left[action.name] = f"{target} is told already"
        elif status == NO_DATA and action.kind == "ticket":
            told.left[action.name] = "want of data opens no ticket"
        elif action.kind != "ticket" and action.throttle and before is not None and at - before < action.throttle:
            told.left[action.name] = f"throttled: told {spoken(at - before)} before, once per {spoken(action.throttle)}"
        else:
            told.run.append(action.name)
            targets.add(target)
    return told


def on_repeat(watch: Watch, last: Mapping[str, datetime], at: datetime) -> Told:
    """Who is told again that it still fires: whoever was told a repeat interval ago or longer. A ticket is there already."""
    told = Told([], {})
    for action in watch.actions:
        before, every = last.get(action.name), watch.repeats(action)
        if every is not None and action.kind != "ticket" and before is not None and at - before >= every:
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
