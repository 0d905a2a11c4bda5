"""Tickets for alerts: the service desk's side of alerting's port.

One alert, one ticket, whose id is made of the alert's fingerprint and first firing. The same thing happening again while
its ticket is not closed speaks to that ticket instead of opening another: resolved is reopened, anything else gets a
comment. When the alert resolves the ticket is resolved with a comment, but for these: `pending` (somebody waits for a
customer or supplier; only a person knows whether that is over) gets a comment and stays, resolved gets a comment, and
closed stays as it is; of one that was merged the ticket that goes on gets the comment. A resolution that turns out wrong
is one step back: resolved → open.
"""

from __future__ import annotations

from typing import Any

from alerting import TicketRequest
from contracts.clock import Clock, utc_now
from contracts.sentences import sentence
from infrastructure.store import Store
from servicedesk import lifecycle
from servicedesk.desk import NAMED, TicketDesk
from servicedesk.impact import Impact, impacted
from servicedesk.lifecycle import BY, Document
from servicedesk.newticket import NewTicket
from servicedesk.priority import higher, impact_of, priority, urgency_of
from servicedesk.relations import living
from servicedesk.ticket import Ticket

_LIVE = ("new", "open", "pending", "resolved")


class AlertTickets:
    """An `alerting.TicketOpener`. Every request may come again (after a crash): its notification id is in the history."""

    def __init__(self, store: Store, clock: Clock = utc_now) -> None:
        self._store, self._desk = store, TicketDesk(store, clock)

    def open_for_alert(self, request: TicketRequest) -> str:
        """Id of the ticket, opened now, by an earlier try, or by an earlier alert of the same fingerprint."""
        ticket = self._ticket_of(request, search=request.again)
        if ticket is None:
            return self._opened(request).id
        if any(entry.get("notification") == request.notification for entry in ticket.history):
            return ticket.id
        text = sentence(
            "%(watch)s fires again (%(why)s): %(title)s", watch=request.watch, why=request.why, title=request.title
        )

        def again(source: Document) -> Document | None:
            if lifecycle.told_by(source, request.notification):
                return None
            if lifecycle.state_of(source) == "resolved":
                return lifecycle.moved(source, "open", request.at, BY, text, request.notification)
            return lifecycle.noted(source, request.at, BY, text, request.notification)

        return self._desk.change(ticket.id, again).id

    def resolve_for_alert(self, request: TicketRequest) -> str:
        """Id of the ticket that was told, "" when there is none."""
        ticket = self._ticket_of(request, search=True)
        if ticket is None:
            return ""
        impact = self._impact(request, self._incident(request))
        told = {"watch": request.watch, "why": request.why, "count": impact.count, "how": impact.how}
        text = sentence("%(watch)s resolved: %(why)s. Impacted customers: %(count)s (%(how)s).", **told)
        if ticket.merged_into:
            return self._told(
                living(self._desk, ticket.id),
                sentence("%(told)s Its ticket was %(ticket)s.", told=text, ticket=ticket.id),
                request,
            )

        def resolved(source: Document) -> Document | None:
            state = lifecycle.state_of(source)
            if state == "closed" or lifecycle.told_by(source, request.notification):
                return None
            source = _revised(source, request, impact)
            if state in ("pending", "resolved"):
                return lifecycle.noted(source, request.at, BY, text, request.notification)
            if state == "new":
                source = lifecycle.moved(source, "open", request.at, BY, sentence("nobody had taken it up"))
            return lifecycle.moved(source, "resolved", request.at, BY, text, request.notification)

        return self._desk.change(ticket.id, resolved).id

    def _told(self, ticket: Ticket, text: str, request: TicketRequest) -> str:
        """A comment on the ticket that another one was merged into: it may have causes of its own, so it is not resolved."""

        def noted(source: Document) -> Document | None:
            if lifecycle.state_of(source) == "closed" or lifecycle.told_by(source, request.notification):
                return None
            return lifecycle.noted(source, request.at, BY, text, request.notification)

        return self._desk.change(ticket.id, noted).id

    def _ticket_of(self, request: TicketRequest, *, search: bool) -> Ticket | None:
        own = self._desk.opened_for(request.starts_at, request.fingerprint, request.fingerprint, request.starts_at)
        if own is not None or not search:
            return own
        live = self._desk.list(states=_LIVE, fingerprint=request.fingerprint, limit=1)
        return live[0] if live else None

    def _opened(self, request: TicketRequest) -> Ticket:
        incident = self._incident(request)
        impact = self._impact(request, incident)
        services = incident["incident"].get("services", []) if incident else []
        felt = sentence("Impacted customers: %(count)s (%(how)s).", count=impact.count, how=impact.how)
        body = f"{request.body.rstrip()}\n\n{felt}"
        return self._desk.create(
            request.fingerprint,
            request.starts_at,
            title=request.title,
            body=body,
            priority=priority(request.severity, impact.count),
            by=BY,
            category=request.category,
            services=services if isinstance(services, list) else [services],
            impacted=impact.count,
            customers=impact.customer_ids,
            fingerprint=request.fingerprint,
            incident=request.incident,
            comment=sentence("opened by %(by)s", by=request.watch),
            notification=request.notification,
            at=request.starts_at,
            more=NewTicket(
                impact=impact_of(impact.count), urgency=urgency_of(request.severity), origin="alert", channel="alert"
            ),
        )

    def _impact(self, request: TicketRequest, incident: dict[str, Any] | None) -> Impact:
        if incident is None:
            return Impact(0, (), sentence("it is about no incident"))
        return impacted(self._store, incident, at=request.at)

    def _incident(self, request: TicketRequest) -> dict[str, Any] | None:
        found = self._store.get("incident", request.incident) if request.incident else None
        return None if found is None else found.source


def _revised(source: Document, request: TicketRequest, impact: Impact) -> Document:
    """The impact over the whole incident; the priority only ever rises by it."""
    before = source["ticket"].get("impacted_customers", 0)
    if impact.count > before:
        source = lifecycle.changed(source, request.at, BY, "impact", impacted_customers=impact.count)
        source = {**source, "customer": {"id": list(impact.customer_ids[:NAMED])}}
        source = {**source, "ticket": {**source["ticket"], "impact": impact_of(impact.count)}}
    wanted = higher(source["ticket"]["priority"], priority(request.severity, max(before, impact.count)))
    if wanted != source["ticket"]["priority"]:
        source = lifecycle.changed(source, request.at, BY, "priority", priority=wanted)
    return source
