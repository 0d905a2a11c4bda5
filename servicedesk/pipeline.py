"""The desk's own job, in order: children of resolved parents → escalation → who gets what is new."""

from __future__ import annotations

from dataclasses import dataclass

from infrastructure.store import Store
from servicedesk.assignment import assign_new
from servicedesk.desk import Tell, TicketDesk
from servicedesk.escalation import escalate
from servicedesk.relations import settle_children


@dataclass(frozen=True, slots=True)
class DeskReport:
    """Children told of their parent, tickets newly at risk and newly late, new tickets given to somebody."""

    told: int
    at_risk: int
    breached: int
    assigned: int


def run_desk(store: Store, tell: Tell | None = None) -> DeskReport:
    """One round. Run again, it does nothing twice. `tell`: how a customer is told something of their ticket."""
    desk = TicketDesk(store, store.clock, tell)
    told, escalated = settle_children(desk), escalate(store)
    return DeskReport(told, escalated.at_risk, escalated.breached, assign_new(desk))
