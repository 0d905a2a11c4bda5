"""Tickets in the store: opened once, changed by guarded writes only, found again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

from contracts.clock import Clock, iso, utc_now
from contracts.errors import ConflictError, InternalError, StoreRefused, UserError
from contracts.ids import joined
from contracts.sentences import sentence
from infrastructure.store import Operation, Store
from servicedesk import lifecycle
from servicedesk.lifecycle import Document
from servicedesk.newticket import NewTicket, tag_of
from servicedesk.priority import PRIORITIES
from servicedesk.sla import Agreements, agreements_of, with_sla
from servicedesk.states import States, states_of
from servicedesk.ticket import Ticket, ids

MOST_TITLE = 500
MOST_CHILDREN = 10_000
Tell = Callable[[str, str], object]  # ticket, and what makes it this telling, the same however often it is made
Change = Callable[[Document], Document | None]  # None: leave it as it is
_FORBIDDEN = 403
NAMED = 100  # customers named in a ticket; the count says how many there are


def _origin(by: str, fingerprint: str, customers: Sequence[str]) -> str:
    if fingerprint:
        return "alert"
    return "customer" if by in customers or "@" in by or by.startswith("+") else "agent"


def _promised(store: Store, customers: Sequence[str]) -> str:
    """The promise in the contract of the one customer that a ticket is about; "" to who may not read customers."""
    if len(customers) != 1:
        return ""
    try:
        found = store.get("customer", customers[0])
    except StoreRefused as error:
        if error.status != _FORBIDDEN:
            raise
        return ""
    return "" if found is None else str(found.source["customer"].get("sla", ""))


def _ended(before: Document, after: Document) -> list[str]:
    """Whether this change ended the work on it."""
    over = ("resolved", "closed")
    return [] if lifecycle.state_of(before) in over else [each for each in over if each == lifecycle.state_of(after)]


def _followed(source: Document, at: datetime, text: str, mark: str, told: list[str]) -> Document | None:
    """A child as its parent is resolved; None where it was told already."""
    key, state = source["ticket"]["id"], lifecycle.state_of(source)
    if state in ("resolved", "closed") or lifecycle.told_by(source, mark):
        return None
    if key not in told:
        told.append(key)
    untold = [*source["ticket"].get("untold", []), mark]  # in the same write: whoever dies now is made up for
    source = {**source, "ticket": {**source["ticket"], "untold": untold}}
    if state == "pending":
        return lifecycle.noted(source, at, lifecycle.BY, text, mark)
    if state == "new":
        source = lifecycle.moved(source, "open", at, lifecycle.BY, sentence("nobody had taken it up"))
    return lifecycle.moved(source, "resolved", at, lifecycle.BY, text, mark)


class TicketDesk:
    """Tickets, changed by guarded writes only. `tell`: how the customers of a ticket are told that its cause is over;
    None: the next round of the desk's job tells them.

    `by` is who does it, `at` when (None: now). Everything raises UserError when there is no such ticket.

    A change is made on the ticket as it is at that moment, read again as often as somebody else is faster, so that no
    change is lost. With `seen`, the ticket as the caller read it, a ticket that was changed since is left alone:
    ConflictError says by whom.
    """

    def __init__(self, store: Store, clock: Clock = utc_now, tell: Tell | None = None) -> None:
        self.store, self.clock, self._tell = store, clock, tell

    @property
    def states(self) -> States:
        return states_of(self.store.settings)

    @property
    def agreements(self) -> Agreements:
        return agreements_of(self.store.settings)

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
        more: NewTicket | None = None,
    ) -> Ticket:
        """Opens a ticket. `identity`: what makes it this one ticket; created twice, it is there once.

        `priority` may be left empty where `more` has impact and urgency. Raises UserError on an unknown priority, an empty
        title, or a body that is too long.
        """
        at, more = at or self.clock(), more or NewTicket()
        priority = priority or more.priority
        if not title.strip():
            raise UserError("a ticket needs a title")
        if priority not in PRIORITIES:
            what = (
                f"{priority[:40]!r} is no priority" if priority else "a ticket needs a priority, or impact and urgency"
            )
            raise UserError(what, remedy=f"one of {', '.join(PRIORITIES)}")
        if len(title) > MOST_TITLE or len(body) > lifecycle.MOST_COMMENT:
            raise UserError(f"a title has at most {MOST_TITLE} characters, a body {lifecycle.MOST_COMMENT:,}")
        ticket: Document = {"title": title, "body": body, "priority": priority, "category": category}
        ticket |= {"impacted_customers": impacted, "updated": iso(at), "history": []}
        promised = "" if fingerprint else _promised(self.store, customers)
        ticket |= more.fields(self.agreements, category, promised)
        ticket.setdefault("origin", _origin(by, fingerprint, customers))
        document: Document = {"@timestamp": iso(at), "event": {"ingested": iso(self.clock())}, "ticket": ticket}
        document |= {"service": {"name": list(services)}} if services else {}
        document |= {"customer": {"id": list(customers[:NAMED])}} if customers else {}
        document |= {"alert": {"fingerprint": fingerprint}} if fingerprint else {}
        document |= {"incident": {"id": incident}} if incident else {}
        for key in ids(at, *identity):
            named = {**document, "ticket": {"id": key, **ticket}}
            named = lifecycle.changed(named, at, by, "created", comment=comment, notification=notification, state="new")
            named["ticket"]["status"] = "new"
            named = with_sla(named, self.agreements, at)
            if (found := self._put(named)) is not None:
                return found
        raise InternalError("no free ticket id", where=title)

    def _put(self, document: Document) -> Ticket | None:
        """The ticket, written now or by an earlier try; None when another one has its id."""
        key = document["ticket"]["id"]
        (result,) = self.store.bulk([Operation("create", self.store.place("ticket"), key, document)])
        if result.refused:
            raise StoreRefused(f"ticket refused: {result.error}", where=f"ticket/{key}")
        if result.created:
            return Ticket.of(document)
        present = self.store.get("ticket", key)
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
        found = self.store.get("ticket", key)
        if found is None:
            raise UserError(f"there is no ticket {key}", remedy="see `busyhour ticket list`")
        return Ticket.of(found.source)

    def opened_for(self, opened: datetime, fingerprint: str, *identity: object) -> Ticket | None:
        """The ticket that `create` would find for an alert, None when it was not opened."""
        for key in ids(opened, *identity):
            found = self.store.get("ticket", key)
            if found is None:
                return None
            if found.source.get("alert", {}).get("fingerprint") == fingerprint:
                return Ticket.of(found.source)
        return None

    def change(self, key: str, change: Change, seen: Ticket | None = None) -> Ticket:
        """Any change of a ticket's document by a function that may be called several times."""
        conflict: list[str] = []
        ended: list[str] = []

        def guarded(source: Document) -> Document | None:
            conflict.clear()
            ended.clear()
            done = lifecycle.history(source)
            if seen is not None and len(done) != seen.revision:
                last = done[-1]
                conflict.append(
                    sentence("%(by)s changed it at %(at)s (%(what)s)", by=last["by"], at=last["at"], what=last["what"])
                )
                return None
            after = change(source)
            if after is None:
                return None
            ended.extend(_ended(source, after))
            return {**with_sla(after, self.agreements, self.clock()), "event": {"ingested": iso(self.clock())}}

        source = self.store.modify("ticket", key, guarded)
        if conflict:
            raise ConflictError(
                conflict[0], where=key, remedy="read the ticket again and decide anew; nothing was changed"
            )
        if ended:
            self.tell_children(Ticket.of(source))
        return Ticket.of(source)

    def tell_children(self, parent: Ticket) -> int:
        """Resolves the child tickets of a parent that is resolved or closed, each once for each time that it was.

        A child that waits for somebody (pending) is told, and left for a person. How many were told; run again, none is.
        """
        if parent.resolved is None or parent.merged_into:
            return 0  # one that was merged goes on elsewhere, and its children with it
        at, mark = self.clock(), joined(("parent", parent.id, iso(parent.resolved)))
        text = f"{parent.id} ({parent.title}), which this is a consequence of, is {parent.state}."
        told: list[str] = []
        for child in self.list(parent=parent.id, states=("new", "open", "pending"), limit=MOST_CHILDREN):
            self.change(child.id, lambda source: _followed(source, at, text, mark, told))
        for key in told:
            self.tell_customers(key)
        return len(told)

    def tell_customers(self, key: str) -> None:
        """Tells the customers of a ticket what they have still to be told, and notes it. Killed in between, again."""
        found = self.store.get("ticket", key)
        if self._tell is None or found is None or not found.source["ticket"].get("untold"):
            return
        marks = list(found.source["ticket"]["untold"])
        for mark in marks:
            self._tell(key, mark)

        def noted(source: Document) -> Document | None:
            left = [mark for mark in source["ticket"].get("untold", []) if mark not in marks]
            rest = {name: value for name, value in source["ticket"].items() if name != "untold"}
            return {**source, "ticket": {**rest, **({"untold": left} if left else {})}}

        self.change(key, noted)

    def transition(
        self, key: str, to: str, *, by: str, comment: str = "", at: datetime | None = None, seen: Ticket | None = None
    ) -> Ticket:
        """Another state, by its key or name (states.yml). Raises UserError on a step the life cycle does not have."""
        when = at or self.clock()
        return self.change(key, lambda source: lifecycle.moved(source, to, when, by, comment, states=self.states), seen)

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
        when = at or self.clock()
        return self.change(key, lambda source: lifecycle.noted(source, when, by, text), seen)

    def assign(
        self, key: str, to: str, *, by: str, comment: str = "", at: datetime | None = None, seen: Ticket | None = None
    ) -> Ticket:
        """Gives it to somebody; a new ticket is open by that."""
        when = at or self.clock()
        return self.change(key, lambda source: lifecycle.assigned(source, to, when, by, comment), seen)

    def prioritise(
        self, key: str, impact: str, urgency: str, *, by: str, comment: str = "", seen: Ticket | None = None
    ) -> Ticket:
        """Another impact and urgency, and the priority that follows. Raises UserError on an unknown word."""
        wanted = NewTicket(impact=impact, urgency=urgency).priority

        def changed(source: Document) -> Document:
            lifecycle.not_closed(source)
            source = {**source, "ticket": {**source["ticket"], "impact": impact, "urgency": urgency}}
            return lifecycle.changed(source, self.clock(), by, "priority", comment=comment, priority=wanted)

        return self.change(key, changed, seen)

    def tag(self, key: str, add: Iterable[str] = (), remove: Iterable[str] = (), *, by: str) -> Ticket:
        """Tags added and taken away; nothing is written where it has them already."""
        add, remove = [tag_of(each) for each in add], set(remove)

        def changed(source: Document) -> Document | None:
            tags = list(source["ticket"].get("tags", []))
            wanted = [each for each in dict.fromkeys((*tags, *add)) if each not in remove]
            return None if wanted == tags else lifecycle.changed(source, self.clock(), by, "tags", tags=wanted)

        return self.change(key, changed)

    def list(
        self,
        *,
        states: Iterable[str] = (),
        status: str = "",
        team: str = "",
        tag: str = "",
        category: str = "",
        parent: str = "",
        sla: str = "",
        priority: str = "",
        assignee: str = "",
        fingerprint: str = "",
        incident: str = "",
        customer: str = "",
        text: str = "",
        limit: int = 100,
    ) -> list[Ticket]:
        """Tickets that match all that is given, newest first; with `text`, by how well title, body and comments match it."""
        wanted = {"ticket.priority": priority, "ticket.assignee": assignee, "alert.fingerprint": fingerprint}
        wanted |= {"incident.id": incident, "customer.id": customer, "ticket.status": status, "ticket.team": team}
        wanted |= {"ticket.tags": tag, "ticket.category": category, "ticket.parent": parent, "ticket.sla.state": sla}
        filters: list[dict[str, Any]] = [{"term": {name: value}} for name, value in wanted.items() if value]
        if chosen := [lifecycle.check_state(state) for state in states]:
            filters.append({"terms": {"ticket.state": chosen}})
        query: dict[str, Any] = {"bool": {"filter": filters}}
        if text:
            match = {"query": text, "fields": ["ticket.title^2", "ticket.body", "ticket.words"], "operator": "and"}
            query["bool"]["must"] = [{"multi_match": {**match, "type": "cross_fields"}}]
        newest = [{"@timestamp": "desc"}, {"ticket.id": "asc"}]
        self.store.refresh("ticket")
        answer = self.store.search("ticket", query=query, size=limit, sort=["_score", *newest] if text else newest)
        return [Ticket.of(hit["_source"]) for hit in answer["hits"]["hits"]]
