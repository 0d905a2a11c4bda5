"""Step 1: a watch at one moment → candidates, the things that its condition holds for."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from alerting.alert import NO_DATA, Candidate
from alerting.condition import decide
from alerting.context import context, with_payload
from alerting.fingerprint import fingerprint
from alerting.inputs import load
from alerting.severity import severity_word
from alerting.template import MISSING, at_path, render, shown
from alerting.watch import Watch
from contracts.clock import iso, parse_iso
from contracts.errors import DefinitionError
from contracts.sentences import sentence
from infrastructure.store import Store


class Evaluation(NamedTuple):
    """`reason`: why the condition held or did not. `complete`: False when there may be more than was seen: a search had more
    hits than it returned, or there is no data. `met`: the condition held. `blind`: nothing can be said, for want of data."""

    candidates: list[Candidate]
    reason: str
    complete: bool = True
    met: bool = True
    blind: bool = False


def evaluate(store: Store, watch: Watch, at: datetime) -> Evaluation:
    """What `watch` finds at the moment `at`; nothing when its condition does not hold. Two of one fingerprint are one."""
    base = context(watch.name, watch.metadata, at)
    base["ctx"]["payload"] = load(store, watch.input, base)
    if watch.no_data is not None and watch.no_data.when is not None:
        empty = decide(watch.no_data.when, base)
        if empty.met:
            return Evaluation([_blind(watch, base, empty.reason)], f"no data: {empty.reason}", False, False, True)
    decision = decide(watch.condition, base)
    if not decision.met:
        return Evaluation([], decision.reason, met=False)
    if watch.transform is not None:
        base["ctx"]["payload"] = load(store, watch.transform, base)
    found: dict[str, Candidate] = {}
    for element in elements(watch, base):
        seen = with_payload(base, element)
        if watch.each is not None and not decide(watch.each, seen).met:
            continue
        candidate = _one(watch, seen, at)
        known = found.get(candidate.fingerprint)
        if known is None or (known.over and not candidate.over):
            found[candidate.fingerprint] = candidate
    return Evaluation(list(found.values()), decision.reason, _complete(watch, base))


def _complete(watch: Watch, base: Mapping[str, Any]) -> bool:
    if not watch.foreach.endswith(".hits.hits"):
        return True
    hits = at_path(base, watch.foreach.removesuffix(".hits"))
    return not isinstance(hits, Mapping) or hits.get("total", 0) <= len(hits.get("hits", ()))


def _one(watch: Watch, seen: Mapping[str, Any], at: datetime) -> Candidate:
    if watch.no_data is not None and watch.no_data.each is not None:
        missing = decide(watch.no_data.each, seen)
        if missing.met:
            return _blind(watch, seen, missing.reason, of=_candidate(watch, seen, at))
    return _candidate(watch, seen, at)


def _blind(watch: Watch, seen: Mapping[str, Any], why: str, of: Candidate | None = None) -> Candidate:
    """The alert that nothing can be said: one of its own, beside the one that may fire from before."""
    labels = {**(of.labels if of else {}), "state": NO_DATA}
    what = ", ".join(of.labels.values()) if of else watch.metadata.get("purpose", watch.name)
    return Candidate(
        fingerprint=fingerprint(watch.name, labels),
        labels=labels,
        severity=watch.no_data.severity if watch.no_data else "warning",
        summary=sentence("No data: %(what)s", what=what),
        reason=sentence("nothing can be said: %(why)s", why=why),
        incident="",
        over=False,
        payload=seen["ctx"]["payload"],
        about=of.about if of else {},
        status=NO_DATA,
        shadows=of.fingerprint if of else "",
    )


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
