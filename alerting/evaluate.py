"""Step 1: a watch at one moment → candidates, the things that its condition holds for."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from alerting.alert import Candidate
from alerting.condition import decide
from alerting.context import context, with_payload
from alerting.fingerprint import fingerprint
from alerting.inputs import load
from alerting.severity import severity_word
from alerting.template import MISSING, at_path, render, shown
from alerting.watch import Watch
from contracts.clock import iso, parse_iso
from contracts.errors import DefinitionError
from infrastructure.store import Store


class Evaluation(NamedTuple):
    """`reason`: why the condition held or did not. `complete`: False when a search had more hits than it returned."""

    candidates: list[Candidate]
    reason: str
    complete: bool = True


def evaluate(store: Store, watch: Watch, at: datetime) -> Evaluation:
    """What `watch` finds at the moment `at`; nothing when its condition does not hold. Two of one fingerprint are one."""
    base = context(watch.name, watch.metadata, at)
    base["ctx"]["payload"] = load(store, watch.input, base)
    decision = decide(watch.condition, base)
    if not decision.met:
        return Evaluation([], decision.reason)
    if watch.transform is not None:
        base["ctx"]["payload"] = load(store, watch.transform, base)
    found: dict[str, Candidate] = {}
    for element in elements(watch, base):
        candidate = _candidate(watch, with_payload(base, element), at)
        known = found.get(candidate.fingerprint)
        if known is None or (known.over and not candidate.over):
            found[candidate.fingerprint] = candidate
    return Evaluation(list(found.values()), decision.reason, _complete(watch, base["ctx"]["payload"]))


def _complete(watch: Watch, payload: Mapping[str, Any]) -> bool:
    hits = payload.get("hits", {})
    return watch.foreach != "ctx.payload.hits.hits" or hits.get("total", 0) <= len(hits.get("hits", ()))


def elements(watch: Watch, base: Mapping[str, Any]) -> list[Any]:
    """What `foreach` names; the whole payload where the watch has none. Nothing there, or no array: none."""
    if not watch.foreach:
        return [base["ctx"]["payload"]]
    found = at_path(base, watch.foreach)
    return found if found is not MISSING and isinstance(found, list) else []


def _candidate(watch: Watch, seen: Mapping[str, Any], at: datetime) -> Candidate:
    labels = {name: render(text, seen) for name, text in watch.labels.items()}
    return Candidate(
        fingerprint=fingerprint(watch.name, labels),
        labels=labels,
        severity=_severity(watch, seen),
        summary=" ".join(render(watch.summary, seen).split()),
        reason=render(watch.reason, seen).strip(),
        incident=render(watch.incident, seen),
        over=_over(watch, seen, at),
        payload=seen["ctx"]["payload"],
        about={name: _values(at_path(seen, path)) for name, path in watch.about.items()},
    )


def _values(found: Any) -> tuple[str, ...]:
    """What lies at a path, as texts: nothing, one, or those of a list."""
    if found is MISSING or found is None:
        return ()
    return tuple(shown(each) for each in (found if isinstance(found, list) else [found]))


def _severity(watch: Watch, seen: Mapping[str, Any]) -> str:
    text = render(watch.severity, seen)
    try:
        return severity_word(text)
    except ValueError as error:
        raise DefinitionError(str(error), where=f"{watch.path}: metadata.alert.severity") from None


def _over(watch: Watch, seen: Mapping[str, Any], at: datetime) -> bool:
    text = render(watch.ends_at, seen).strip() if watch.ends_at else ""
    if not text:
        return False
    try:
        return parse_iso(text) <= parse_iso(iso(at))
    except ValueError:
        raise DefinitionError(
            f"{text!r} is not a time such as 2026-11-21T07:05:00Z", where=f"{watch.path}: metadata.alert.ends_at"
        ) from None
