"""Unknown senders who turn out to be customers."""

from __future__ import annotations

import pytest

from contracts.errors import UserError
from servicedesk import TicketDesk
from servicedesk.channels.book import INDEX
from servicedesk.channels.linking import link
from servicedesk.channels.message import CHAT, EMAIL, VOICE, Inbound, conversation_id
from servicedesk.channels.pipeline import Channels
from servicedesk.profiles import find_customer
from tests.servicedesk.channels.conftest import ANA, NOW


def wrote(channels: Channels, key: str, channel: str = EMAIL, sender: str = "home@else.example") -> Inbound:
    message = Inbound(channel, key, sender, "My telephone is dead", NOW, name="Ana at home", subject="No calls")
    channels.receive(message)
    return message


def test_linked_sender_is_the_customers_with_all_that_was_said_and_known_the_next_time(channels: Channels) -> None:
    first, second = wrote(channels, "<1@else.example>"), wrote(channels, "<2@else.example>")
    assert [link(channels, first.id, "C1", by="eve") for _ in range(2)] == [2, 0]
    for message in (first, second):
        kept = channels.book.get(message.id)
        assert kept is not None
        assert (kept["customer"]["id"], kept[INDEX]["conversation"]) == ("C1", conversation_id("C1", ""))
        ticket = TicketDesk(channels.store).get(kept[INDEX]["ticket"])
        assert (ticket.customer_ids, ticket.impacted_customers) == (("C1",), 1)
        assert [entry["by"] for entry in ticket.history if entry["what"] == "customer"] == ["eve"]
    ana, _ = find_customer(channels.store, "C1")
    assert ana.contacts == ({"name": "Ana at home", "email": "home@else.example"},)
    assert [entry["what"] for entry in ana.history] == ["contact"]
    third = channels.book.get(wrote(channels, "<3@else.example>", sender="HOME@else.example").id)
    assert third is not None
    assert third["customer"]["id"] == "C1"


def test_linked_caller_is_known_by_the_number(channels: Channels) -> None:
    call = wrote(channels, "call-1", VOICE, "+493012345678")
    link(channels, call.id, "C2", by="eve")
    again = channels.book.get(wrote(channels, "call-2", VOICE, "0049 30 12345678").id)
    assert again is not None
    assert again["customer"]["id"] == "C2"
    visitor = wrote(channels, "v:1", CHAT, "visitor-1")
    assert link(channels, visitor.id, "C2", by="eve") == 1
    assert len(find_customer(channels.store, "C2")[0].contacts) == 1  # nobody is known by a visitor's name again


def test_link_is_refused_for_who_is_somebody_else_or_nobody(channels: Channels) -> None:
    known = wrote(channels, "<1@customer.example>", sender=ANA)
    stranger = wrote(channels, "<2@else.example>")
    for key, customer in ((known.id, "C2"), (stranger.id, "C9"), ("none", "C1")):
        with pytest.raises(UserError):
            link(channels, key, customer, by="eve")
    assert find_customer(channels.store, "C2")[0].contacts == ()
