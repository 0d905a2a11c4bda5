"""Deadlines of a ticket, worked out from its history: the same history gives the same deadlines, whoever works them out. Pure.

Time counts in the policy's working hours and stands still while a ticket is pending or resolved. A deadline that stands
still has no `due`. The solution is owed from the opening, the next update from the desk's last one, and changing the
priority changes what is owed from the opening on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any, NamedTuple

from contracts.clock import iso, parse_iso
from servicedesk.lifecycle import Document, history, is_agent, state_of
from servicedesk.sla.calendar import Calendar
from servicedesk.sla.policy import KINDS, Agreements

_FROZEN = ("pending", "resolved", "closed")
_UPDATES = ("comment", "state", "status", "created")
Spans = Sequence[tuple[datetime, datetime | None]]


class _Owed(NamedTuple):
    """When it is due (None: time stands still, or it came), from when on that is at risk, when it came, whether too late."""

    due: datetime | None
    warn: datetime | None
    done: datetime | None
    breached: bool


def with_sla(source: Document, agreements: Agreements, now: datetime) -> Document:
    """The ticket with `ticket.sla` as of `now`. `escalated` begins anew when something else is due next."""
    ticket = source["ticket"]
    before = ticket.get("sla", {})
    policy = agreements.find(before.get("policy", ""), ticket["category"])
    targets = policy.targets[ticket["priority"]]
    owed = {kind: _owed(source, kind, targets[kind], policy.calendar, policy.warn, now) for kind in KINDS}
    sla: dict[str, Any] = {"policy": policy.name}
    for kind, one in owed.items():
        times = {name: iso(at) for name, at in (("due", one.due), ("done", one.done)) if at is not None}
        sla[kind] = times | {"breached": one.breached}
    open_ones = [
        (one.due, one.warn, kind) for kind, one in owed.items() if one.due is not None and one.warn is not None
    ]
    if open_ones:
        due, warn, kind = min(open_ones)
        sla["next"] = {"due": iso(due), "warn": iso(warn), "kind": kind}
    same = sla.get("next") == before.get("next")
    sla["escalated"] = before.get("escalated", 0) if same else 0
    sla["state"] = _state(source, owed, now)
    return {**source, "ticket": {**ticket, "sla": sla}}


def _state(source: Document, owed: Mapping[str, _Owed], now: datetime) -> str:
    state, late = state_of(source), any(one.breached for one in owed.values())
    if state in ("resolved", "closed"):
        return "breached" if late else "met"
    if late:
        return "breached"
    if state == "pending":
        return "frozen"
    return "at_risk" if any(one.warn is not None and one.warn <= now for one in owed.values()) else "ok"


def _owed(source: Document, kind: str, target: float, calendar: Calendar, warn: float, now: datetime) -> _Owed:
    opened = parse_iso(source["@timestamp"])
    running = _running(source, opened)
    if kind == "update":
        return _update(source, running, target, calendar, warn, now)
    name = "responded" if kind == "first_response" else "resolved"
    done = parse_iso(source["ticket"][name]) if name in source["ticket"] else None
    due = _after(running, opened, target, calendar)
    if done is not None:
        return _Owed(None, None, done, due is not None and due < done)
    if state_of(source) in ("resolved", "closed"):
        return _Owed(None, None, None, due is not None and due < parse_iso(source["ticket"]["resolved"]))
    return _Owed(due, _after(running, opened, warn * target, calendar), None, due is not None and due < now)


def _running(source: Document, opened: datetime) -> list[tuple[datetime, datetime | None]]:
    """Spans in which time counts, oldest first; the last one is open while it does."""
    spans: list[tuple[datetime, datetime | None]] = [(opened, None)]
    for entry in history(source):
        if entry["what"] != "state":
            continue
        at, frozen = parse_iso(entry["at"]), entry["to"] in _FROZEN
        start, end = spans[-1]
        if frozen and end is None:
            spans[-1] = (start, max(start, at))
        elif not frozen and end is not None:
            spans.append((max(end, at), None))
    return spans


def _after(running: Spans, since: datetime, seconds: float, calendar: Calendar) -> datetime | None:
    """When so much working time has run since `since`; None where time stood still before that, and still does."""
    rest = seconds
    for start, end in running:
        start = max(start, since)
        if end is None:
            return calendar.add(start, rest)
        if end <= start:
            continue
        worked = calendar.between(start, end)
        if rest <= worked:
            return calendar.add(start, rest)
        rest -= worked
    return None


def _update(source: Document, running: Spans, target: float, calendar: Calendar, warn: float, now: datetime) -> _Owed:
    """The next update is owed from the last one of the desk; one that came too late stays a breach."""
    times = [parse_iso(source["@timestamp"])]
    for entry in history(source):
        if entry["what"] in _UPDATES and is_agent(source, entry["by"]):
            times.append(max(times[-1], parse_iso(entry["at"])))
    late = False
    for before, after in pairwise(times):
        due = _after(running, before, target, calendar)
        late = late or (due is not None and due < after)
    ended = "resolved" in source["ticket"] or state_of(source) == "closed"
    due = None if ended else _after(running, times[-1], target, calendar)
    at_risk = None if due is None else _after(running, times[-1], warn * target, calendar)
    return _Owed(due, at_risk, times[-1] if len(times) > 1 else None, late or (due is not None and due < now))
