"""Mails into tickets: whose, which ticket, and once however often they come."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from servicedesk import TicketDesk
from servicedesk.channels.book import INDEX
from servicedesk.channels.mail.threads import message_id, with_ticket
from servicedesk.channels.message import CHAT, Inbound
from servicedesk.channels.pipeline import Channels
from tests.servicedesk.channels.conftest import ANA, Clock, mail

Read = Callable[..., Inbound]


@pytest.fixture
def desk(channels: Channels, clock: Clock) -> TicketDesk:
    return TicketDesk(channels.store, clock)


def test_mail_opens_a_ticket_of_its_customer_and_is_acknowledged_in_their_language(
    channels: Channels, desk: TicketDesk, read: Read
) -> None:
    receipt = channels.receive(read(mail("Seit heute Morgen kann ich niemanden mehr anrufen.")))
    ticket = desk.get(receipt.ticket)
    assert (receipt.status, receipt.new, ticket.title) == ("filed", True, "No calls")
    assert ticket.customer_ids == ("C1",)
    assert "niemanden" in ticket.body
    kept = channels.book.get(receipt.id)
    assert kept is not None
    assert (kept[INDEX]["language"], kept["customer"]["id"]) == ("de", "C1")
    (said,) = channels.book.list(direction="outbound")
    assert said[INDEX]["recipient"] == ANA
    assert receipt.ticket in said[INDEX]["text"]
    assert said[INDEX]["text"].startswith("Wir haben")
    assert said[INDEX]["automatic"] is True


@pytest.mark.parametrize(
    ("suppress", "answers"), [("All", 0), ("DR, OOF, AutoReply", 0), ("OOF", 1), ("DR, RN", 1), ("None", 1)]
)
def test_mail_that_asks_for_no_automatic_answer_opens_its_ticket_and_gets_none(
    channels: Channels, read: Read, suppress: str, answers: int
) -> None:
    receipt = channels.receive(read(mail(X_Auto_Response_Suppress=suppress)))
    assert receipt.status == "filed" and receipt.ticket
    assert len(channels.book.list(direction="outbound")) == answers
    channels.settle()
    assert len(channels.book.list(direction="outbound")) == answers


def test_mail_is_filed_and_acknowledged_once_when_it_is_delivered_again(channels: Channels, read: Read) -> None:
    receipts = [channels.receive(read(mail())) for _ in range(3)]
    assert {receipt.ticket for receipt in receipts} == {receipts[0].ticket}
    assert [receipt.new for receipt in receipts] == [True, False, False]
    assert len(channels.book.list()) == 2


def test_answer_to_a_mail_of_ours_lands_in_that_ticket_whatever_its_subject(
    channels: Channels, desk: TicketDesk, read: Read
) -> None:
    first = channels.receive(read(mail()))
    (said,) = channels.book.list(direction="outbound")
    answered = mail(
        "It works again!\n\n> ##- Please write",
        subject="AW: thanks",
        message_id="<2@x.example>",
        sender="other@x.example",
    )
    answered["In-Reply-To"] = said[INDEX]["external_id"]
    second = channels.receive(read(answered))
    assert second.ticket == first.ticket
    assert desk.get(first.ticket).history[-1]["comment"] == "It works again!"
    assert len(channels.book.list(direction="outbound")) == 1


def test_second_mail_of_a_thread_lands_in_the_ticket_of_the_first(channels: Channels, read: Read) -> None:
    first = channels.receive(read(mail()))
    second = channels.receive(
        read(mail("And now?", message_id="<2@x>", References="<0@y.example> <1@customer.example>"))
    )
    assert second.ticket == first.ticket


def test_ticket_in_the_subject_counts_for_its_customer_and_not_for_strangers(channels: Channels, read: Read) -> None:
    first = channels.receive(read(mail()))
    subject = with_ticket("Re: No calls", first.ticket)
    own = channels.receive(read(mail("Still broken", subject=subject, message_id="<2@x.example>")))
    strange = channels.receive(
        read(mail("Send me the bill", subject=subject, message_id="<3@x.example>", sender="eve@evil.example"))
    )
    assert own.ticket == first.ticket
    assert strange.ticket not in ("", first.ticket)


@pytest.mark.parametrize("state", ["resolved", "pending"])
def test_answer_opens_the_ticket_again_when_it_was_waiting_or_resolved(
    channels: Channels, desk: TicketDesk, read: Read, state: str
) -> None:
    first = channels.receive(read(mail()))
    desk.assign(first.ticket, "bob", by="bob")
    desk.transition(first.ticket, state, by="bob", comment="done")
    channels.receive(read(mail("No!", message_id="<2@x.example>", In_Reply_To="<1@customer.example>")))
    assert desk.get(first.ticket).state == "open"


def test_answer_to_a_closed_ticket_opens_a_new_one(channels: Channels, desk: TicketDesk, read: Read) -> None:
    first = channels.receive(read(mail()))
    desk.assign(first.ticket, "bob", by="bob")
    desk.resolve(first.ticket, by="bob", comment="done")
    desk.close(first.ticket, by="bob")
    again = channels.receive(read(mail("It is back", message_id="<2@x.example>", In_Reply_To="<1@customer.example>")))
    assert again.ticket not in ("", first.ticket)


def test_what_was_received_and_not_filed_is_finished_once_when_the_process_died_between(
    channels: Channels, desk: TicketDesk, read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = iter(range(100))

    def dies(*_: object, **__: object) -> None:
        raise KeyboardInterrupt(str(next(steps)))

    with monkeypatch.context() as patch:  # killed right after it was kept
        patch.setattr(channels._filing, "file", dies)
        with pytest.raises(KeyboardInterrupt):
            channels.receive(read(mail()))
    with monkeypatch.context() as patch:  # and again after it was filed, before it was marked
        patch.setattr(channels.book, "mark", dies)
        with pytest.raises(KeyboardInterrupt):
            channels.settle()
    assert channels.settle() == 1
    assert channels.settle() == 0
    receipt = channels.receive(read(mail()))
    assert (receipt.status, receipt.new) == ("filed", False)
    assert len(desk.list()) == 1
    assert len(channels.book.list(direction="outbound")) == 1


def test_files_of_a_mail_are_kept_with_its_ticket_also_when_it_was_settled_without_them(
    channels: Channels, desk: TicketDesk, read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = mail("See the bill")
    made.add_attachment(b"%PDF-1.4\n%%EOF\n", maintype="application", subtype="pdf", filename="bill.pdf")
    made.add_attachment(b"MZ\x90\x00" * 50, maintype="application", subtype="pdf", filename="../evil.pdf")

    def dies(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(channels, "_keep_files", dies)
        with pytest.raises(KeyboardInterrupt):
            channels.receive(read(made))
    assert channels.settle() == 1
    tickets = {channels.receive(read(made)).ticket for _ in range(2)}
    (ticket,) = tickets
    assert [file["name"] for file in desk.get(ticket).attachments] == ["bill.pdf"]
    (kept,) = channels.book.list(direction="inbound")
    assert "evil.pdf" in kept[INDEX]["attachments"]


def test_agents_reply_goes_out_once_by_mail_and_into_the_ticket(
    channels: Channels, desk: TicketDesk, read: Read
) -> None:
    receipt = channels.receive(read(mail()))
    keys = {channels.reply(receipt.ticket, "Please restart the phone.", by="bob") for _ in range(2)}
    (key,) = keys
    said = channels.book.get(key)
    assert said is not None
    assert said[INDEX]["external_id"] == message_id(key, "operator.example")
    assert said[INDEX]["references"] == ["<1@customer.example>"]
    assert receipt.ticket in said[INDEX]["subject"]
    assert "automatic" not in said[INDEX] or said[INDEX]["automatic"] is False
    comments = [
        entry for entry in desk.get(receipt.ticket).history if entry.get("comment") == "Please restart the phone."
    ]
    assert len(comments) == 1
    assert desk.get(receipt.ticket).state == "open"


def test_conversation_is_one_over_mail_and_chat_of_the_same_customer(channels: Channels, read: Read) -> None:
    mailed = channels.receive(read(mail()))
    chatted = channels.receive(Inbound(CHAT, "v:1", "customer-C1", "Hello, are you there?", channels.clock()), "C1")
    rows = [channels.book.get(receipt.id) for receipt in (mailed, chatted)]
    assert len({row[INDEX]["conversation"] for row in rows if row}) == 1
    assert chatted.ticket == mailed.ticket
