"""Mail that goes out: retried, never lost, and the same Message-ID whenever it has to go again."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from servicedesk.channels.book import INDEX
from servicedesk.channels.mail.send import Smtp
from servicedesk.channels.message import Inbound
from servicedesk.channels.outbox import MOST_TRIES, Away, NotNow
from servicedesk.channels.pipeline import Channels
from servicedesk.channels.words import MARKER
from tests.servicedesk.channels.conftest import ANA, DESK, Clock, Taken, free_port, mail

Read = Callable[..., Inbound]


@pytest.fixture
def ticket(channels: Channels, read: Read) -> str:
    """A ticket that Ana opened by mail; its acknowledgement waits in the outbox."""
    return channels.receive(read(mail())).ticket


def test_mail_goes_out_with_threading_reply_to_and_signs_of_an_automatic_answer(
    channels: Channels, ticket: str, smtp: Taken
) -> None:
    with Smtp(smtp.place, DESK) as send:
        tally = channels.outbox.run(send)
    assert (tally.sent, tally.failed, tally.pending) == (1, 0, 0)
    (made,) = smtp.mails
    assert (made["To"], made["Reply-To"], made["In-Reply-To"]) == (ANA, DESK, "<1@customer.example>")
    assert (made["Auto-Submitted"], made["X-Loop"]) == ("auto-replied", DESK)
    assert made["X-Auto-Response-Suppress"] == "OOF, AutoReply"
    assert made["Subject"] == f"[{ticket}] Re: No calls"
    assert made.get_content().startswith(MARKER)
    assert smtp.envelopes == [("<>", [ANA])]  # nobody answers a null return path
    with Smtp(smtp.place, DESK) as send:
        assert channels.outbox.run(send).sent == 0


def test_customer_who_answers_what_was_really_sent_lands_in_the_ticket(
    channels: Channels, ticket: str, smtp: Taken, read: Read
) -> None:
    channels.reply(ticket, "Please restart the phone.", by="bob")
    with Smtp(smtp.place, DESK) as send:
        channels.outbox.run(send)
    (made,) = [each for each in smtp.mails if "restart" in each.get_content()]
    assert smtp.envelopes[smtp.mails.index(made)][0] == DESK
    answered = mail("Did not help", subject="something else", message_id="<9@x.example>", sender="ana.home@x.example")
    answered["References"] = f"{made['References']} {made['Message-ID']}"
    assert channels.receive(read(answered)).ticket == ticket


def test_mail_goes_later_when_the_server_says_so_and_is_given_up_when_it_says_never(
    channels: Channels, ticket: str, smtp: Taken, clock: Clock
) -> None:
    smtp.answers = ["451 greylisted", "", "550 no such user"]
    with Smtp(smtp.place, DESK) as send:
        first = channels.outbox.run(send)
        assert (first.pending, first.problems) == (1, ["451 greylisted"])
        assert channels.outbox.run(send).pending == 0  # not before its time
        clock.forward(minutes=2)
        assert channels.outbox.run(send).sent == 1
        channels.reply(ticket, "Hello?", by="bob")
        assert channels.outbox.run(send).failed == 1
        clock.forward(days=1)
        assert channels.outbox.run(send).failed == 0
    assert len(smtp.mails) == 1
    (failed,) = channels.book.list(status="failed")
    assert failed[INDEX]["reason"] == "550 no such user"


def test_sender_killed_after_the_server_took_it_sends_it_again_under_the_same_message_id(
    channels: Channels, ticket: str, smtp: Taken, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with Smtp(smtp.place, DESK) as send:
        with monkeypatch.context() as patch:
            patch.setattr(channels.book, "mark", killed)
            with pytest.raises(KeyboardInterrupt):
                channels.outbox.run(send)
        assert channels.outbox.run(send).sent == 0  # its turn has not ended: it may still be under way
        clock.forward(minutes=20)
        assert channels.outbox.run(send).sent == 1
    assert len(smtp.mails) == 2
    assert len({made["Message-ID"] for made in smtp.mails}) == 1


def test_two_senders_at_once_send_a_mail_once(channels: Channels, ticket: str) -> None:
    sent: list[str] = []

    def other_first(document: dict[str, object]) -> None:
        sent.append("outer")
        channels.outbox.run(lambda _: sent.append("inner"))

    assert channels.outbox.run(other_first).sent == 1
    assert sent == ["outer"]


def test_run_stops_when_the_server_is_away_and_uses_up_no_tries(channels: Channels, ticket: str, clock: Clock) -> None:
    def away(_: object) -> None:
        raise Away("connection refused")

    for _ in range(MOST_TRIES + 2):
        assert channels.outbox.run(away).failed == 0
        clock.forward(hours=7)
    sent: list[object] = []
    assert channels.outbox.run(sent.append).sent == 1


def test_mail_is_given_up_after_so_many_tries_and_not_before(channels: Channels, ticket: str, clock: Clock) -> None:
    def later(_: object) -> None:
        raise NotNow("450 busy")

    began, tries, failed = clock.now, 0, 0
    while not failed and tries < 50:
        tally = channels.outbox.run(later)
        tries, failed = tries + 1, tally.failed
        clock.forward(hours=7)
    assert tries == MOST_TRIES
    assert (clock.now - began).days >= 2


def test_smtp_server_that_is_not_there_is_away(channels: Channels, ticket: str) -> None:
    place = Taken(port=free_port()).place
    with Smtp(place, DESK, timeout_sec=2) as send:
        tally = channels.outbox.run(send)
    assert (tally.sent, tally.failed, tally.pending) == (0, 0, 1)
    assert str(place.port) in tally.problems[0]


def test_run_begins_nothing_more_when_its_time_is_over(channels: Channels, ticket: str) -> None:
    channels.reply(ticket, "one", by="eve")
    channels.reply(ticket, "two", by="eve")
    sent: list[object] = []

    def slow(document: object) -> None:
        time.sleep(0.2)
        sent.append(document)

    before = channels.outbox.run(slow, within_sec=0.1).sent
    assert before == len(sent) == 1
    assert channels.outbox.run(slow).sent >= 1
