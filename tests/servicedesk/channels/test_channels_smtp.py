"""Mail taken by SMTP from a real client."""

from __future__ import annotations

import smtplib
import socket
from collections.abc import Iterator

import pytest

from contracts.errors import StoreUnavailable
from servicedesk.channels.mail.receive import MOST_CONNECTIONS, MailServer
from servicedesk.channels.pipeline import Channels
from tests.servicedesk.channels.conftest import ANA, DESK, free_port, mail


@pytest.fixture
def server(channels: Channels) -> Iterator[MailServer]:
    running = MailServer(channels, "127.0.0.1", free_port())
    running.begin()
    yield running
    running.end()


@pytest.fixture
def client(server: MailServer) -> Iterator[smtplib.SMTP]:
    with smtplib.SMTP("127.0.0.1", server.port, timeout=60) as connected:
        yield connected


def test_mail_is_taken_and_filed_before_the_server_says_so(channels: Channels, client: smtplib.SMTP) -> None:
    client.send_message(mail())
    assert [row["interaction"]["status"] for row in channels.book.list(direction="inbound")] == ["filed"]
    client.send_message(mail())
    assert len(channels.book.list(direction="inbound")) == 1


def test_mail_for_another_address_is_refused(channels: Channels, client: smtplib.SMTP) -> None:
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        client.sendmail(ANA, ["somebody@else.example"], bytes(mail()))
    assert channels.book.list() == []


def test_mail_without_envelope_sender_is_kept_and_not_answered(channels: Channels, client: smtplib.SMTP) -> None:
    client.sendmail("", [DESK], bytes(mail()))
    (kept,) = channels.book.list()
    assert (kept["interaction"]["status"], kept["interaction"]["reason"]) == ("ignored", "null return path")


def test_sender_is_told_when_a_mail_is_too_long_or_one_too_many(channels: Channels, client: smtplib.SMTP) -> None:
    big = mail(message_id="<big@x.example>")
    big.add_attachment(b"\0" * 1_000_000, maintype="application", subtype="zip", filename="a.zip")
    with pytest.raises(smtplib.SMTPResponseException) as refused:
        client.send_message(big)
    assert refused.value.smtp_code == 552
    for number in range(5):
        client.send_message(mail(message_id=f"<{number}@x.example>"))
    with pytest.raises(smtplib.SMTPDataError, match="550"):
        client.send_message(mail(message_id="<6@x.example>"))
    client.send_message(mail(message_id="<7@x.example>", sender="ben@customer.example"))


def test_sender_is_asked_to_try_again_when_elasticsearch_is_away(
    channels: Channels, client: smtplib.SMTP, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> bool:
        raise StoreUnavailable("away")

    with monkeypatch.context() as patch:
        patch.setattr(channels.book, "keep", away)
        with pytest.raises(smtplib.SMTPDataError, match="451"):
            client.send_message(mail())
    client.send_message(mail())
    assert len(channels.book.list(status="filed")) == 1


def test_connections_beyond_the_bound_are_told_so(server: MailServer) -> None:
    opened = [socket.create_connection(("127.0.0.1", server.port), timeout=10) for _ in range(MOST_CONNECTIONS + 1)]
    greetings = [each.recv(100) for each in opened]
    for each in opened:
        each.close()
    assert sum(greeting.startswith(b"220") for greeting in greetings) == MOST_CONNECTIONS
    assert sum(greeting.startswith(b"421") for greeting in greetings) == 1
