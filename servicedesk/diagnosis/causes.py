"""From what was found to probable causes. Pure. Their words and next steps are causes.yml."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from string import Template
from typing import Any

import yaml

from contracts.clock import iso
from contracts.entities import Entity
from detectors.wording import entity_words
from servicedesk.diagnosis.model import Account, Cause, Comparison, Session, Touching

FILE = Path(__file__).with_name("causes.yml")
_SHOWN = 3  # pieces of evidence of one sort
_LEAST_OWN = 2  # bad sessions before the customer's own side is suspected


@dataclass(frozen=True, slots=True)
class Findings:
    """Everything that was found of one customer. `late`: services whose records are behind, with the newest one's time.

    `seen`: whether their sessions could be looked at; nothing follows from what nobody was allowed to see.
    """

    sessions: Sequence[Session]
    comparisons: Sequence[Comparison]
    incidents: Sequence[Touching]
    tickets: Sequence[str]
    account: Account
    late: Mapping[str, datetime]
    now: datetime
    seen: bool = True

    @property
    def bad(self) -> list[Session]:
        """Sessions that went badly among the newest ten of each service."""
        found: list[Session] = []
        for service in dict.fromkeys(one.service for one in self.sessions):
            recent = [one for one in self.sessions if one.service == service][:10]
            found += [one for one in recent if one.went_badly]
        return found


def causes_of(found: Findings) -> tuple[Cause, ...]:
    """The likeliest first; never empty."""
    rules = (_account, _subscription, _incident, _place, _destination, _own, _silent, _far_end, _overdue)
    causes = [cause for rule in rules for cause in rule(found)]
    if not causes:
        causes = [_cause("none", 10, [_went(found.sessions[:_SHOWN])] if found.sessions else [])]
    return tuple(sorted(causes, key=lambda cause: -cause.likelihood))


def _account(found: Findings) -> Iterator[Cause]:
    if found.account.status != "active":
        yield _cause("account_suspended", 95, [*_owed(found.account)], status=found.account.status)


def _subscription(found: Findings) -> Iterator[Cause]:
    if found.account.suspended and found.account.status == "active":
        names = ", ".join(found.account.suspended[:_SHOWN])
        yield _cause("subscription_suspended", 85, [f"not active: {names}", *_owed(found.account)], suspended=names)


def _overdue(found: Findings) -> Iterator[Cause]:
    if found.account.overdue:
        yield _cause("overdue", 20, _owed(found.account))


def _owed(account: Account) -> list[str]:
    overdue = [f"overdue: {', '.join(account.overdue[:_SHOWN])}"] if account.overdue else []
    return overdue + ([f"owed in all: {account.owed}"] if account.owed else [])


def _incident(found: Findings) -> Iterator[Cause]:
    """One cause an incident: surest where it names a place that a bad session went through."""
    tickets = ", ".join(found.tickets[:_SHOWN]) or "the incident's ticket, once it has one"
    for one in found.incidents[:_SHOWN]:
        felt = [each for each in found.bad if one.place in map(str, (*each.places, *each.said))]
        same = [each for each in found.bad if each.service == one.service]
        likelihood = 92 if one.place and felt else 70 if same else 45 if one.status == "open" else 0
        if not likelihood:
            continue
        evidence = [f"{one.reason or one.title} (since {iso(one.start)[:16]}, {one.status}, {one.id})"]
        evidence += [_went(felt or same)] if felt or same else ["no session of the customer went badly through it yet"]
        kind, place = ("incident", _words(one.place)) if one.place else ("incident_service", "")
        yield _cause(kind, likelihood, evidence, place=place, incident=one.title, tickets=tickets)


def _place(found: Findings) -> Iterator[Cause]:
    """Places that deviate and that no incident names."""
    named = {one.place for one in found.incidents}
    by_place: dict[str, list[Comparison]] = {}
    for one in found.comparisons:
        if (
            one.normal is False
            and str(one.entity) not in named
            and not (found.incidents and one.entity.type == "service")
        ):
            by_place.setdefault(str(one.entity), []).append(one)
    for place, parts in by_place.items():
        through = [each for each in found.bad if place in (*map(str, each.places), f"cell:{each.cell}")]
        if not through:
            continue
        kind = "cell" if place.startswith("cell:") else "place"
        name = parts[0].entity.id if kind == "cell" else _words(place)
        base = 60 if place.startswith("service:") else 75
        yield _cause(kind, base, [*(one.text for one in parts[:_SHOWN]), _went(through)], place=name)


def _destination(found: Findings) -> Iterator[Cause]:
    """All that fails goes to one country, while others are reached."""
    failed = [one for one in found.bad if one.verdict == "bad" and one.destination]
    reached = {one.destination for one in found.sessions if one.verdict in ("good", "user")}
    countries = {one.destination for one in failed}
    if len(failed) >= _LEAST_OWN and len(countries) == 1 and countries.isdisjoint(reached) and reached:
        (country,) = countries
        yield _cause(
            "destination",
            65,
            [_went(failed), f"reached meanwhile: {', '.join(sorted(reached)[:5])}"],
            destination=country,
        )


def _own(found: Findings) -> Iterator[Cause]:
    """The places are as usual, and still the sessions go badly."""
    lost = [one for one in found.bad if one.verdict == "bad"]
    poor = [one for one in found.bad if one.verdict == "poor"]
    well = [one.text for one in found.comparisons if one.normal is True and one.entity.type != "service"]
    for kind, some in (("own_line", lost), ("quality", poor)):
        if len(some) >= _LEAST_OWN:
            evidence = [_went(some), *well[:_SHOWN]]
            yield _cause(kind, 55 if well else 40, evidence)


def _silent(found: Findings) -> Iterator[Cause]:
    if not found.seen:
        return
    newest = found.sessions[0].at if found.sessions else None
    if found.late and (newest is None or (found.now - newest).days >= 1):
        service, until = min(found.late.items(), key=lambda item: item[1])
        evidence = [f"the newest record of {service} is of {iso(until)[:16]}"]
        yield _cause("records_late", 50, evidence, service=service)
    elif newest is None:
        yield _cause("never", 30, ["no record of their numbers in the last weeks"])
    elif (found.now - newest).days >= 3:
        yield _cause("silent", 48, [_went(found.sessions[:1])], since=iso(newest)[:16])


def _far_end(found: Findings) -> Iterator[Cause]:
    users = [one for one in found.sessions[:10] if one.verdict == "user"]
    if users and not found.bad:
        yield _cause("far_end", 30, [_went(users)])


def _went(sessions: Sequence[Session]) -> str:
    """`3 sessions, the last 2026-11-21T07:05: call out, not answered: 34 no circuit`, the commonest words first."""
    if not sessions:
        return "no sessions"
    (words, times), *_ = Counter(one.what for one in sessions).most_common(1)
    newest = max(sessions, key=lambda one: one.at)
    last = f"the last {iso(newest.at)[:16]}"
    if len(sessions) == 1:
        return f"1 session, {iso(newest.at)[:16]}: {newest.service}: {newest.what}"
    common = f"{times} of them " if times < len(sessions) else ""
    return f"{len(sessions)} sessions, {last}; {common}{newest.service}: {words}"


def _words(place: str) -> str:
    return entity_words(Entity.parse(place))


@cache
def _texts() -> dict[str, dict[str, Any]]:
    loaded: dict[str, dict[str, Any]] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return loaded


def _cause(kind: str, likelihood: int, evidence: Sequence[str], **words: str) -> Cause:
    texts = _texts()[kind]
    title = Template(texts["title"]).substitute(words)
    steps = tuple(Template(step).substitute(words) for step in texts["next_steps"])
    return Cause(kind, likelihood, title[:1].upper() + title[1:], tuple(evidence), steps)
