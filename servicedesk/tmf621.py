"""A ticket in the words of the TM Forum's trouble ticket API (TMF621 5.0), and its status words read back."""

from __future__ import annotations

from typing import Any

from contracts.clock import iso
from servicedesk.states import States, shipped
from servicedesk.ticket import Ticket

_SEVERITY = {"critical": "Critical", "high": "Major", "medium": "Minor", "low": "Minor"}


def resource(ticket: Ticket, states: States | None = None) -> dict[str, Any]:
    """The ticket as a TroubleTicket resource; fields of ours that TMF621 has none for are left out."""
    status = (states or shipped()).find(ticket.status).tmf621
    found: dict[str, Any] = {
        "@type": "TroubleTicket",
        "id": ticket.id,
        "name": ticket.title,
        "description": ticket.body,
        "status": status,
        "priority": ticket.priority,
        "severity": _SEVERITY[ticket.priority],
        "ticketType": ticket.category,
        "creationDate": iso(ticket.opened),
        "lastUpdate": iso(ticket.updated),
        "note": [
            {"date": entry["at"], "author": entry["by"], "text": entry["comment"]}
            for entry in ticket.history
            if entry.get("comment")
        ],
        "relatedParty": [
            {"role": "customer", "partyOrPartyRole": {"@referredType": "Customer", "id": each}}
            for each in ticket.customer_ids
        ],
        "troubleTicketRelationship": [
            {"id": other, "relationshipType": relation}
            for relation, _, other in (link.partition(":") for link in ticket.links)
        ],
        "statusChangeHistory": _changes(ticket, states or shipped()),
    }
    if ticket.resolved is not None:
        found["resolutionDate"] = iso(ticket.resolved)
    return found


def _changes(ticket: Ticket, states: States) -> list[dict[str, Any]]:
    entries = [entry for entry in ticket.history if entry["what"] in ("created", "state", "status")]
    return [
        {"changeDate": entry["at"], "status": states.find(str(entry.get("status", entry["to"]))).tmf621}
        for entry in entries
    ]
