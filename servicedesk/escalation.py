"""Escalation: tickets whose next deadline is at risk, or was missed, are marked and told of in their history, each once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from contracts.clock import iso
from contracts.sentences import sentence
from infrastructure.store import Store
from servicedesk import lifecycle
from servicedesk.desk import TicketDesk
from servicedesk.lifecycle import Document
from servicedesk.sla import Agreements, agreements_of

AT_RISK, BREACHED = 1, 2  # ticket.sla.escalated
_WORDS = {
    "first_response": sentence("the first response"),
    "update": sentence("the next update"),
    "solution": sentence("the solution"),
}
_MOST = 10_000  # tickets in one run; the rest comes with the next


@dataclass(slots=True)
class EscalationReport:
    """Tickets that are newly `at_risk`, and newly `breached`."""

    at_risk: int = 0
    breached: int = 0


def escalate(store: Store, *, now: datetime | None = None) -> EscalationReport:
    """Marks what is at risk and what was missed by `now` (None: the store's clock). Run again, it does nothing twice."""
    moment, report = now or store.clock(), EscalationReport()
    desk, agreements = TicketDesk(store, lambda: moment), agreements_of(store.settings)
    store.refresh("ticket")
    for key in _due(store, moment):
        made: list[int] = []
        desk.change(key, partial(_told, agreements, moment, made))
        report.at_risk += AT_RISK in made
        report.breached += BREACHED in made
    return report


def _told(agreements: Agreements, now: datetime, made: list[int], source: Document) -> Document | None:
    """The ticket with its escalation; `made` is then the level."""
    made.clear()
    sla = source["ticket"].get("sla", {})
    level = _level(sla, now)
    if level <= sla.get("escalated", 0):
        return None
    made.append(level)
    after = lifecycle.changed(source, now, lifecycle.BY, "escalation", comment=_text(sla, level))
    team = agreements.find(sla["policy"], source["ticket"]["category"]).team
    extra: dict[str, Any] = {"team": team} if team else {}
    return {**after, "ticket": {**after["ticket"], **extra, "sla": {**sla, "escalated": level}}}


def _due(store: Store, now: datetime) -> Iterator[str]:
    """Tickets at risk that were not told of, and late ones that were not told of as such."""
    at_risk = {"filter": [_before("warn", now), _below(AT_RISK)]}
    late = {"filter": [_before("due", now), _below(BREACHED)]}
    query = {"bool": {"should": [{"bool": at_risk}, {"bool": late}], "minimum_should_match": 1}}
    for number, hit in enumerate(store.scan("ticket", query, ["ticket.id"])):
        if number == _MOST:
            return
        yield hit["_id"]


def _before(name: str, now: datetime) -> dict[str, Any]:
    return {"range": {f"ticket.sla.next.{name}": {"lte": iso(now)}}}


def _below(level: int) -> dict[str, Any]:
    return {"range": {"ticket.sla.escalated": {"lt": level}}}


def _level(sla: dict[str, Any], now: datetime) -> int:
    following = sla.get("next")
    if following is None:
        return 0
    if following["due"] <= iso(now):
        return BREACHED
    return AT_RISK if following["warn"] <= iso(now) else 0


def _text(sla: dict[str, Any], level: int) -> str:
    following = sla["next"]
    what = _WORDS[following["kind"]]
    if level == BREACHED:
        return sentence("%(promise)s was due at %(due)s and has not come", promise=what, due=following["due"])
    return sentence(
        "%(promise)s is due at %(due)s, and most of the time for it has passed", promise=what, due=following["due"]
    )
