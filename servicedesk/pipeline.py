"""The desk's own job, in order: children of resolved parents → customers → escalation → who gets what is new."""

from __future__ import annotations

from dataclasses import dataclass

from contracts.errors import SettingError
from infrastructure.store import Store
from servicedesk.assignment import assign_new
from servicedesk.desk import Tell, TicketDesk
from servicedesk.escalation import escalate
from servicedesk.relations import settle_children, tell_untold


@dataclass(frozen=True, slots=True)
class DeskReport:
    """Children told of their parent, tickets newly at risk and newly late, new tickets given to somebody.

    `problems`: why customers could not be told; the next round tries again.
    """

    told: int
    at_risk: int
    breached: int
    assigned: int
    problems: tuple[str, ...] = ()


def run_desk(store: Store, tell: Tell | None = None) -> DeskReport:
    """One round. Run again, it does nothing twice. `tell`: how the customers of a ticket are told something."""
    desk, problems = TicketDesk(store, store.clock), list[str]()
    told = settle_children(desk)
    if tell is not None:
        try:
            tell_untold(TicketDesk(store, store.clock, tell))
        except SettingError as error:
            problems.append(error.sentence())
    escalated = escalate(store)
    return DeskReport(told, escalated.at_risk, escalated.breached, assign_new(desk), tuple(problems))
