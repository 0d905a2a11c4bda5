"""Tickets in the store: opened once, changed by guarded writes only, found again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

from contracts.clock import Clock, iso, utc_now
from contracts.errors import ConflictError, InternalError, StoreRefused, UserError
from infrastructure.store import Operation, Store
from servicedesk import lifecycle
from servicedesk.lifecycle import Document
from servicedesk.priority import PRIORITIES
from servicedesk.ticket import Ticket, ids

Change = Callable[[Document], Document | None]  # None: leave it as it is
NAMED = 100  # customers named in a ticket; the count says how many there are


class TicketDesk:
    """`by` is who does it, `at` when (None: now). Everything raises UserError when there is no such ticket.

    A change is made on the ticket as it is at that moment, read again as often as somebody else is faster, so that no
    change is lost. With `seen`, the ticket as the caller read it, a ticket that was changed since is left alone:
    ConflictError says by whom.
    """

    def __init__(self, store: Store, clock: Clock = utc_now) -> None:
        self._store, self._clock = store, clock

    def create(
        self,
        *identity: object,
        title: str,
        body: str,
        priority: str,
        by: str,
        category: str = "customer",
        services: Sequence[str] = (),
        impacted: int = 0,
        customers: Sequence[str] = (),
        fingerprint: str = "",
        incident: str = "",
        comment: str = "",
        notification: str = "",
        at: datetime | None = None,
    ) -> Ticket:
        """Opens a ticket. `identity`: what makes it this one ticket; created twice, it is there once.

        Raises UserError on an unknown priority or an empty title.
        """
        at = at or self._clock()
        if priority not in PRIORITIES or not title.strip():
            raise UserError(f"a ticket needs a title and a priority of {', '.join(PRIORITIES)}, not {priority!r}")
        ticket: Document = {"title": title, "body": body, "priority": priority, "category": category}
        ticket |= {"impacted_customers": impacted, "updated": iso(at), "history": []}
        document: Document = {"@timestamp": iso(at), "event": {"ingested": iso(self._clock())}, "ticket": ticket}
        document |= {"service": {"name": list(services)}} if services else {}
        document |= {"customer": {"id": list(customers[:NAMED])}} if customers else {}
        document |= {"alert": {"fingerprint": fingerprint}} if fingerprint else {}
        document |= {"incident": {"id": incident}} if incident else {}
        for key in ids(at, *identity):
            named = {**document, "ticket": {"id": key, **ticket}}
            named = lifecycle.changed(named, at, by, "created", comment=comment, notification=notification, state="new")
            if (found := self._put(named)) is not None:
                return found
        raise InternalError("no free ticket id", where=title)

    def _put(self, document: Document) -> Ticket | None:
        """The ticket, written now or by an earlier try; None when another one has its id."""
        key = document["ticket"]["id"]
        (result,) = self._store.bulk([Operation("create", self._store.place("ticket"), key, document)])
        if result.refused:
            raise StoreRefused(f"ticket refused: {result.error}", where=f"ticket/{key}")
        if result.created:
            return Ticket.of(document)
        present = self._store.get("ticket", key)
        if present is None:
            raise InternalError("ticket is there and is not there", where=key)
        same = (
            present.source.get("alert") == document.get("alert")
            and present.source["@timestamp"] == document["@timestamp"]
        )
        return (
            Ticket.of(present.source)
            if same and present.source["ticket"]["title"] == document["ticket"]["title"]
            else None
        )

    def get(self, key: str) -> Ticket:
        found = self._store.get("ticket", key)
        if found is None:
            raise UserError(f"there is no ticket {key}", remedy="see `busyhour ticket list`")
        return Ticket.of(found.source)

    def opened_for(self, opened: datetime, fingerprint: str, *identity: object) -> Ticket | None:
        """The ticket that `create` would find for an alert, None when it was not opened."""
        for key in ids(opened, *identity):
            found = self._store.get("ticket", key)
            if found is None:
                return None
            if found.source.get("alert", {}).get("fingerprint") == fingerprint:
                return Ticket.of(found.source)
        return None

    def change(self, key: str, change: Change, seen: Ticket | None = None) -> Ticket:
        """Any change of a ticket's document by a function that may be called several times."""
        conflict: list[str] = []

        def guarded(source: Document) -> Document | None:
            conflict.clear()
            done = lifecycle.history(source)
            if seen is not None and len(done) != seen.revision:
                last = done[-1]
                conflict.append(f"{last['by']} changed it at {last['at']} ({last['what']})")
                return None
            after = change(source)
            return None if after is None else {**after, "event": {"ingested": iso(self._clock())}}

        source = self._store.modify("ticket", key, guarded)
        if conflict:
            raise ConflictError(
                conflict[0], where=key, remedy="read the ticket again and decide anew; nothing was changed"
            )
        return Ticket.of(source)

    def transition(
        self, key: str, to: str, *, by: str, comment: str = "", at: datetime | None = None, seen: Ticket | None = None
    ) -> Ticket:
        """Another state. Raises UserError on a step the life cycle does not have."""
        when = at or self._clock()
        return self.change(key, lambda source: lifecycle.moved(source, to, when, by, comment), seen)

    def resolve(
        self, key: str, *, by: str, comment: str, at: datetime | None = None, seen: Ticket | None = None
    ) -> Ticket:
        return self.transition(key, "resolved", by=by, comment=comment, at=at, seen=seen)

    def close(
        self, key: str, *, by: str, comment: str = "", at: datetime | None = None, seen: Ticket | None = None
    ) -> Ticket:
        return self.transition(key, "closed", by=by, comment=comment, at=at, seen=seen)

    def comment(
        self, key: str, text: str, *, by: str, at: datetime | None = None, seen: Ticket | None = None
    ) -> Ticket:
        when = at or self._clock()
        return self.change(key, lambda source: lifecycle.noted(source, when, by, text), seen)

    def assign(
        self, key: str, to: str, *, by: str, comment: str = "", at: datetime | None = None, seen: Ticket | None = None
    ) -> Ticket:
        """Gives it to somebody; a new ticket is open by that."""
        when = at or self._clock()
        return self.change(key, lambda source: lifecycle.assigned(source, to, when, by, comment), seen)

    def list(
        self,
        *,
        states: Iterable[str] = (),
        priority: str = "",
        assignee: str = "",
        fingerprint: str = "",
        incident: str = "",
        customer: str = "",
        text: str = "",
        limit: int = 100,
    ) -> list[Ticket]:
        """Tickets that match all that is given, newest first; with `text`, by how well title and body match it."""
        wanted = {"ticket.priority": priority, "ticket.assignee": assignee, "alert.fingerprint": fingerprint}
        wanted |= {"incident.id": incident, "customer.id": customer}
        filters: list[dict[str, Any]] = [{"term": {name: value}} for name, value in wanted.items() if value]
        if chosen := [lifecycle.check_state(state) for state in states]:
            filters.append({"terms": {"ticket.state": chosen}})
        query: dict[str, Any] = {"bool": {"filter": filters}}
        if text:
            match = {"query": text, "fields": ["ticket.title^2", "ticket.body"], "operator": "and"}
            query["bool"]["must"] = [{"multi_match": {**match, "type": "cross_fields"}}]
        newest = [{"@timestamp": "desc"}, {"ticket.id": "asc"}]
        self._store.refresh("ticket")
        answer = self._store.search("ticket", query=query, size=limit, sort=["_score", *newest] if text else newest)
        return [Ticket.of(hit["_source"]) for hit in answer["hits"]["hits"]]
