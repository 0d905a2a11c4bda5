"""Somebody unknown who wrote or called turns out to be a customer: a person says so, and everything of theirs follows.

Tickets first, then what was said, then the contact, by which the next message is known. Each step is harmless when it is
made again: what was killed half-way is whole after the same command.
"""

from __future__ import annotations

from contracts.errors import UserError
from servicedesk import lifecycle
from servicedesk.channels.book import INDEX, Document
from servicedesk.channels.message import INBOUND, SURVEY, conversation_id
from servicedesk.channels.people import customer_of
from servicedesk.channels.pipeline import Channels
from servicedesk.contacts import contact, keep_contact
from servicedesk.desk import TicketDesk

MOST = 1000  # messages of one sender that are taken along, the newest ones


def link(channels: Channels, key: str, customer: str, *, by: str) -> int:
    """Makes what the sender of a message said the customer's; how many messages were nobody's before.

    Their address or number becomes a contact of the customer. Raises UserError on no such message or customer, or a sender
    who is another customer.
    """
    kept, sender = channels.book.get(key), ""
    if kept is not None and kept[INDEX]["direction"] == INBOUND and kept[INDEX]["channel"] != SURVEY:
        sender = kept[INDEX].get("sender", "")
    if kept is None or not sender:
        raise UserError("there is no message of a customer of this id", where=key[:64], remedy="see `channel list`")
    if channels.store.get("customer", customer) is None:
        raise UserError(f"there is no customer {customer[:40]}", remedy="see `busyhour customer search`")
    owner = kept.get("customer", {}).get("id", "") or customer_of(channels.store, sender)
    if owner not in ("", customer):
        raise UserError(f"{sender} is {owner}'s", where=key, remedy=f"change the account of {owner} first")
    rows = [row for row in channels.book.list(sender=sender, direction=INBOUND, limit=MOST) if _nobodys(row)]
    desk = TicketDesk(channels.store, channels.clock)
    for ticket in dict.fromkeys(row[INDEX]["ticket"] for row in rows if row[INDEX].get("ticket")):
        _named(desk, ticket, customer, by)
    for row in rows:
        channels.book.mark(row["id"], customer=customer, conversation=conversation_id(customer, sender))
    reach = {"email": sender} if "@" in sender else {"phone": sender}
    try:
        person = contact({**reach, "name": kept[INDEX].get("name", "")})
    except ValueError:
        return len(rows)  # a visitor of the chat: nothing to know them by
    keep_contact(channels.store, customer, person, by=by, clock=channels.clock)
    return len(rows)


def _nobodys(row: Document) -> bool:
    return not row.get("customer", {}).get("id")


def _named(desk: TicketDesk, ticket: str, customer: str, by: str) -> None:
    """The customer in a ticket that named nobody."""

    def named(source: Document) -> Document | None:
        if source.get("customer", {}).get("id"):
            return None
        more = {"impacted_customers": max(1, source["ticket"].get("impacted_customers", 0))}
        after = lifecycle.changed(source, desk.clock(), by, "customer", comment=f"is {customer}")
        return {**after, "ticket": {**after["ticket"], **more}, "customer": {"id": [customer]}}

    desk.change(ticket, named)
