"""From what was found to probable causes. Pure. Their words and next steps are causes.yml."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from contracts.entities import Entity
from servicedesk.diagnosis.model import Account, Cause, Comparison, Session, Touching
from servicedesk.diagnosis.said import Part, Said

FILE = Path(__file__).with_name("causes.yml")
_SHOWN = 3  # pieces of evidence of one sort
_LEAST_OWN = 2  # bad sessions before the customer's own side is suspected


@dataclass(frozen=True, slots=True)
class Findings:
    """Everything that was found of one customer. `tickets`: their incident by id. `late`: services whose records are behind, with
    the newest one's time.

    `seen`: whether their sessions could be looked at; nothing follows from what nobody was allowed to see.
    """

    sessions: Sequence[Session]
    comparisons: Sequence[Comparison]
    incidents: Sequence[Touching]
    tickets: Mapping[str, str]
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
        evidence = [Said("not active: %(names)s", names=names), *_owed(found.account)]
        yield _cause("subscription_suspended", 85, evidence, suspended=names)


def _overdue(found: Findings) -> Iterator[Cause]:
    if found.account.overdue:
        yield _cause("overdue", 20, _owed(found.account))


def _owed(account: Account) -> list[Said]:
    overdue = [Said("overdue: %(invoices)s", invoices=account.overdue[:_SHOWN])] if account.overdue else []
    return overdue + ([Said("owed in all: %(owed)s", owed=account.owed)] if account.owed else [])


def _incident(found: Findings) -> Iterator[Cause]:
    """One cause an incident: surest where it names a place that a bad session went through."""
    for one in found.incidents[:_SHOWN]:
        about = [key for key, incident in found.tickets.items() if incident == one.id]
        tickets = ", ".join(about[:_SHOWN]) or Said("the incident's ticket, once it has one")
        felt = [each for each in found.bad if one.place in map(str, (*each.places, *each.said))]
        same = [each for each in found.bad if each.service == one.service]
        likelihood = 92 if one.place and felt else 70 if same else 45 if one.status == "open" else 0
        if not likelihood:
            continue
        why = {"reason": one.reason or one.title, "status": one.status, "id": one.id}
        evidence = [Said("%(reason)s (since %(start)s, %(status)s, %(id)s)", start=one.start, **why)]
        nothing = Said("no session of the customer went badly through it yet")
        evidence += [_went(felt or same)] if felt or same else [nothing]
        kind, place = ("incident", Entity.parse(one.place)) if one.place else ("incident_service", "")
        kind = kind if one.status == "open" else "incident_over"
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
        name = parts[0].entity.id if kind == "cell" else Entity.parse(place)
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
            [_went(failed), Said("reached meanwhile: %(countries)s", countries=", ".join(sorted(reached)[:5]))],
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
        evidence = [Said("the newest record of %(service)s is of %(at)s", service=service, at=until)]
        yield _cause("records_late", 50, evidence, service=service)
    elif newest is None:
        yield _cause("never", 30, [Said("no record of their numbers in the last weeks")])
    elif (found.now - newest).days >= 3:
        yield _cause("silent", 48, [_went(found.sessions[:1])], since=newest)


def _far_end(found: Findings) -> Iterator[Cause]:
    users = [one for one in found.sessions[:10] if one.verdict == "user"]
    if users and not found.bad:
        yield _cause("far_end", 30, [_went(users)])


def _went(sessions: Sequence[Session]) -> Said:
    """`3 sessions, the last 2026-11-21T07:05: call out, not answered: 34 no circuit`, the commonest words first."""
    if not sessions:
        return Said("no sessions")
    (words, times), *_ = Counter(one.what for one in sessions).most_common(1)
    newest = max(sessions, key=lambda one: one.at)
    told: dict[str, Any] = {"at": newest.at, "service": newest.service, "what": words}
    if len(sessions) == 1:
        return Said("1 session, %(at)s: %(service)s: %(what)s", **told)
    told["count"] = len(sessions)
    if times == len(sessions):
        return Said("%(count)s sessions, the last %(at)s; %(service)s: %(what)s", **told)
    return Said("%(count)s sessions, the last %(at)s; %(times)s of them %(service)s: %(what)s", times=times, **told)


@cache
def _texts() -> dict[str, dict[str, Any]]:
    loaded: dict[str, dict[str, Any]] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return loaded


def messages() -> list[str]:
    """Titles and next steps of all causes, for the catalogues."""
    return [text for each in _texts().values() for text in (each["title"], *each["next_steps"])]


def _cause(kind: str, likelihood: int, evidence: Sequence[str], **words: Part) -> Cause:
    texts = _texts()[kind]
    message = texts["title"]
    plain = Said(message, **words)
    title = Said.of(plain[:1].upper() + plain[1:], message, **words)
    return Cause(kind, likelihood, title, tuple(evidence), tuple(Said(step, **words) for step in texts["next_steps"]))
