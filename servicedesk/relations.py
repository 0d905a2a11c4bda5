"""Tickets that belong together: linked, merged, split, and children of one incident's ticket.

Two tickets cannot be written at once. Each of these writes the side that loses nothing by waiting first, every write is
harmless when it is made again, and what was killed half-way is whole after the same command.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from contracts.errors import UserError
from contracts.sentences import sentence
from datagen.definitions import nearest
from servicedesk import lifecycle
from servicedesk.desk import MOST_CHILDREN, NAMED, TicketDesk
from servicedesk.lifecycle import Document
from servicedesk.newticket import NewTicket
from servicedesk.states import MERGED
from servicedesk.ticket import Ticket

# What a relation is called from the other side.
RELATIONS: Mapping[str, str] = {
    "related": "related",
    "blocks": "blocked_by",
    "blocked_by": "blocks",
    "duplicates": "duplicated_by",
    "duplicated_by": "duplicates",
}
_SPLIT, _SPLIT_FROM = "split_into", "split_from"
_DEEP = 20  # merges one after the other that are followed


def link(desk: TicketDesk, key: str, relation: str, other: str, *, by: str) -> Ticket:
    """Notes a relation on both tickets. Raises UserError on an unknown relation, or a ticket and itself."""
    if relation not in RELATIONS:
        hint = nearest(relation, RELATIONS)
        raise UserError(f"{relation[:40]!r} is no relation{hint}", remedy=f"one of {', '.join(RELATIONS)}")
    _two(desk, key, other)
    _linked(desk, other, RELATIONS[relation], key, by)
    return _linked(desk, key, relation, other, by)


def _linked(desk: TicketDesk, key: str, relation: str, other: str, by: str) -> Ticket:
    def change(source: Document) -> Document | None:
        links, wanted = source["ticket"].get("links", []), f"{relation}:{other}"
        if wanted in links:
            return None
        after = lifecycle.changed(source, desk.clock(), by, "link", comment=f"{relation} {other}")
        return {**after, "ticket": {**after["ticket"], "links": [*links, wanted]}}

    return desk.change(key, change)


def living(desk: TicketDesk, key: str) -> Ticket:
    """The ticket, or the one that goes on in its place where it was merged into another."""
    ticket = desk.get(key)
    for _ in range(_DEEP):
        if not ticket.merged_into:
            return ticket
        ticket = desk.get(ticket.merged_into)
    raise UserError("it was merged too often to be followed", where=key)


def merge(desk: TicketDesk, key: str, into: str, *, by: str) -> Ticket:
    """Ends a ticket in favour of another one, which takes over its customers, its text and the answers to it.

    Returns the one that goes on. Raises UserError when either is closed, or they are the same.
    """
    gone = desk.get(key)
    goes_on = living(desk, into)
    again = bool(gone.merged_into) and living(desk, key).id == goes_on.id
    _two(desk, key, into if again else goes_on.id)
    if gone.state == "closed" and not again:
        raise UserError("it is closed, which is final", where=key, remedy=f"link it to {goes_on.id} instead")
    mark = f"merge:{key}"
    said = [str(entry["comment"]) for entry in gone.history if entry["what"] == "comment"]
    text = "\n\n".join(
        [sentence("%(ticket)s was merged into this ticket: %(title)s", ticket=key, title=gone.title), gone.body, *said]
    )[: lifecycle.MOST_COMMENT]

    def taken_over(source: Document) -> Document | None:
        if lifecycle.told_by(source, mark):
            return None
        customers = list(dict.fromkeys((*_customers(source), *gone.customer_ids)))[:NAMED]
        after = lifecycle.noted(source, desk.clock(), by, text, mark)
        impacted = max(source["ticket"].get("impacted_customers", 0), len(customers))
        after = {**after, "ticket": {**after["ticket"], "impacted_customers": impacted}}
        return {**after, "customer": {"id": customers}} if customers else after

    def ended(source: Document) -> Document | None:
        if source["ticket"].get("merged_into"):
            return None
        after = lifecycle.moved(
            source, MERGED, desk.clock(), by, sentence("merged into %(ticket)s", ticket=goes_on.id), states=desk.states
        )
        return {**after, "ticket": {**after["ticket"], "merged_into": goes_on.id}}

    if not again:
        desk.change(goes_on.id, taken_over)
        desk.change(key, ended)
    _moved_children(desk, key, goes_on, by)
    return desk.get(goes_on.id)


def _moved_children(desk: TicketDesk, gone: str, goes_on: Ticket, by: str) -> None:
    """Those of a merged ticket are consequences of the one that goes on, or of what that is a consequence of."""
    for child in desk.list(parent=gone, states=("new", "open", "pending", "resolved"), limit=MOST_CHILDREN):
        set_parent(desk, child.id, goes_on.parent or goes_on.id, by=by)


def split(desk: TicketDesk, key: str, *, title: str, body: str, by: str, at: datetime | None = None) -> Ticket:
    """A new ticket about a part of this one, for the same customers; the same title again is the same ticket."""
    origin = desk.get(key)
    more = NewTicket(
        language=origin.language, channel=origin.channel, skills=origin.skills, sla=origin.sla.get("policy", "")
    )
    part = desk.create(
        _SPLIT,
        key,
        title,
        title=title,
        body=body,
        priority=origin.priority,
        by=by,
        category=origin.category,
        services=origin.services,
        impacted=len(origin.customer_ids),
        customers=origin.customer_ids,
        comment=sentence("split from %(ticket)s", ticket=key),
        at=origin.opened if at is None else at,
        more=more,
    )
    _linked(desk, part.id, _SPLIT_FROM, key, by)
    _linked(desk, key, _SPLIT, part.id, by)
    return desk.get(part.id)


def set_parent(desk: TicketDesk, key: str, parent: str, *, by: str) -> Ticket:
    """Makes a ticket a consequence of another one; "" takes it away. One level: a parent has no parent, a child no children.

    Resolving the parent resolves its children. Raises UserError where that would be two levels, or a circle.
    """
    if parent:
        _two(desk, key, parent)
        above = desk.get(parent)
        if above.parent or desk.list(parent=key, limit=1):
            raise UserError(
                "a parent has no parent, and a child no children", where=key, remedy=f"use {above.parent or key}"
            )

    def change(source: Document) -> Document | None:
        if source["ticket"].get("parent", "") == parent:
            return None
        lifecycle.not_closed(source)
        return lifecycle.changed(source, desk.clock(), by, "parent", parent=parent)

    ticket = desk.change(key, change)
    if parent and above.state in ("resolved", "closed"):
        desk.tell_children(above)
        return desk.get(key)
    return ticket


def settle_children(desk: TicketDesk) -> int:
    """Tells children whose parent was resolved and who were not told, as when that was killed half-way. How many.

    Children of a ticket that was merged go to the one that goes on.
    """
    desk.store.refresh("ticket")
    filters = [{"terms": {"ticket.state": ["new", "open", "pending"]}}, {"exists": {"field": "ticket.parent"}}]
    groups = {"parents": {"terms": {"field": "ticket.parent", "size": 1000}}}
    answer = desk.store.search("ticket", query={"bool": {"filter": filters}}, size=0, aggs=groups)
    keys = [row["key"] for row in answer.get("aggregations", {}).get("parents", {}).get("buckets", []) if row["key"]]
    parents = [Ticket.of(found.source) for found in desk.store.get_many("ticket", keys).values()]
    for one in parents:
        if one.merged_into:
            _moved_children(desk, one.id, living(desk, one.id), lifecycle.BY)
    return sum(desk.tell_children(one) for one in parents if one.state in ("resolved", "closed"))


def tell_untold(desk: TicketDesk) -> int:
    """Tells customers what they have still to be told, whoever made the change. How many tickets."""
    desk.store.refresh("ticket")
    waiting = [hit["_id"] for hit in desk.store.scan("ticket", {"exists": {"field": "ticket.untold"}}, ["ticket.id"])]
    for key in waiting:
        desk.tell_customers(key)
    return len(waiting)


def _customers(source: Document) -> list[str]:
    found = source.get("customer", {}).get("id", [])
    return [found] if isinstance(found, str) else list(found)


def _two(desk: TicketDesk, key: str, other: str) -> None:
    """Raises UserError unless these are two tickets that exist."""
    if key == other:
        raise UserError("a ticket cannot belong to itself", where=key)
    desk.get(key)
    desk.get(other)
