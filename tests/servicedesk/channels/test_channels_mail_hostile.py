"""Mail as nobody should send it: read without an exception, kept within bounds, never answered in a circle."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.message import EmailMessage

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from servicedesk import TicketDesk
from servicedesk.channels.book import INDEX
from servicedesk.channels.mail.compose import compose
from servicedesk.channels.mail.parse import MOST_HEADERS, parse
from servicedesk.channels.message import Inbound
from servicedesk.channels.pipeline import Channels
from servicedesk.channels.words import MARKER, answer, from_html, one_line, tidy
from tests.servicedesk.channels.conftest import ANA, DESK, Clock, Mailbox, mail

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
Read = Callable[..., Inbound]


def _parsed(raw: bytes) -> Inbound:
    return parse(raw, NOON, own=DESK, most_bytes=1_000_000)


@pytest.mark.parametrize(
    ("name", "raw"),
    [
        ("empty", b""),
        ("no headers", b"\r\n\r\nhello"),
        ("only a colon", b":\r\n\r\n:"),
        ("nested comments", b"From: " + b"(" * 5_000 + b"\r\n\r\nx"),
        ("charset that is none", b"From: a@b.example\r\nContent-Type: text/plain; charset=klingon\r\n\r\nM\xfcller"),
        ("encoded word that is none", b"From: =?utf-8?q?=ff=fe?= <a@b.example>\r\nSubject: =?x?y?z?=\r\n\r\nx"),
        ("boundary that is none", b"From: a@b.example\r\nContent-Type: multipart/mixed; boundary=\r\n\r\nx"),
        (
            "boundary that never ends",
            b'From: a@b.example\r\nContent-Type: multipart/mixed; boundary="x"\r\n\r\n--x\r\n\r\ny',
        ),
        ("base64 that is none", b"From: a@b.example\r\nContent-Transfer-Encoding: base64\r\n\r\n\xff\xfe==="),
        ("nul bytes", b"From: a\x00b@c.example\r\nSubject: \x00\r\n\r\n\x00\x00"),
        ("two senders", b"From: a@b.example\r\nFrom: c@d.example\r\n\r\nx"),
        ("bad date and id", b"From: a@b.example\r\nDate: yesterday\r\nMessage-ID: <<>>\r\n\r\nx"),
        ("endless type", b"From: a@b.example\r\nContent-Type: " + b"a/" * 9_000 + b"\r\n\r\nx"),
        ("long parameters", b"From: a@b.example\r\nContent-Type: text/plain; " + b"a*0=b;" * 5_000 + b"\r\n\r\nx"),
    ],
)
def test_malformed_mail_is_read_or_refused_in_words_and_never_raises(name: str, raw: bytes) -> None:
    started = time.process_time()
    message = _parsed(raw)
    assert message.external_id
    assert message.text or message.refused or name.startswith(("boundary", "nul", "empty", "base64"))
    assert time.process_time() - started < 2


def test_multipart_nested_a_thousand_deep_is_refused_before_it_is_parsed() -> None:
    raw = b"From: a@b.example\r\n"
    for level in range(1_000):
        raw += b'Content-Type: multipart/mixed; boundary="b%d"\r\n\r\n--b%d\r\n' % (level, level)
    message = _parsed(raw + b"\r\nhello")
    assert message.sender == "a@b.example"
    assert "hold others" in message.refused


@given(st.binary(max_size=400), st.binary(max_size=200))
@settings(max_examples=60)
def test_any_bytes_make_a_message_of_one_line_headers(head: bytes, body: bytes) -> None:
    message = _parsed(b"From: a@b.example\r\n" + head + b"\r\n\r\n" + body)
    for value in (message.sender, message.subject, message.name, message.external_id, *message.references):
        assert "\n" not in value
        assert "\r" not in value
    message.text.encode()


def test_headers_too_long_are_refused_before_they_are_parsed() -> None:
    raw = b"From: a@b.example\r\n" + b"X-A: " + b"x" * MOST_HEADERS + b"\r\n\r\nhello"
    message = _parsed(raw)
    assert message.refused == "headers too long"
    assert message.sender == "a@b.example"


def test_text_in_the_wrong_charset_is_read_as_what_it_is() -> None:
    raw = b"From: a@b.example\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nM\xfcller kann nicht anrufen"
    assert _parsed(raw).text == "Müller kann nicht anrufen"


def test_html_becomes_text_without_what_scripts_styles_and_attributes_hold() -> None:
    source = (
        '<html><head><title>t</title><style>p{color:red}</style><script>steal()</script></head><body onload="steal()">'
        '<p>No <b>calls</b></p><img src=x onerror="steal()"><a href="javascript:steal()">since</a> 8&nbsp;am'
        "<svg><script>steal()</script></svg><!-- steal() --><textarea><script>steal()</textarea>"
        "&lt;script&gt;not run&lt;/script&gt;</body>"
    )
    text = from_html(source)
    assert "steal" not in text
    assert "No calls" in text
    assert "since 8" in text
    assert "<script>not run</script>" in text  # what was text stays text


@given(st.text(max_size=300))
@settings(max_examples=60)
def test_html_to_text_leaves_no_element(source: str) -> None:
    text = from_html(f"<script>{source}</script><p>end</p>")
    assert "<p>" not in text
    assert text.endswith("end") or "<" in source


def test_html_bomb_of_open_tags_is_read_in_time() -> None:
    started = time.process_time()
    assert from_html("<div>" * 50_000 + "end").endswith("end")
    assert time.process_time() - started < 2


def test_answer_is_what_stands_above_our_marker_and_quotation() -> None:
    assert answer(f"Thanks!\n\nOn Mon, Nov 16, 2026 at 9:00 Support wrote:\n> {MARKER}\n> hello") == "Thanks!"
    assert answer("> all of it quoted") == "> all of it quoted"


def test_words_lose_control_and_direction_characters() -> None:
    assert tidy("a\x00b\u202ec\ud800d\x1b[31m") == "abc?d[31m"
    assert one_line("a\r\nBcc: x@y\n") == "a Bcc: x@y"


@pytest.mark.parametrize(
    "headers",
    [
        {"Auto_Submitted": "auto-replied"},
        {"Auto_Submitted": "auto-generated; owner-email=x"},
        {"Precedence": "bulk"},
        {"List_Id": "<news.example>"},
        {"X_Autoreply": "yes"},
        {"Return_Path": "<>"},
        {"X_Loop": DESK},
    ],
    ids=lambda each: " ".join(each),
)
def test_mail_of_a_machine_is_kept_and_neither_filed_nor_answered(
    channels: Channels, read: Read, headers: dict[str, str]
) -> None:
    receipt = channels.receive(read(mail(**headers)))
    assert (receipt.status, receipt.ticket) == ("ignored", "")
    assert channels.book.list(direction="outbound") == []
    assert len(channels.book.list(status="ignored")) == 1


def test_mail_from_our_own_address_or_a_daemon_is_of_a_machine(read: Read) -> None:
    assert read(mail(sender=DESK)).automatic
    assert read(mail(sender="MAILER-DAEMON@x.example")).automatic
    assert not read(mail(Auto_Submitted="no")).automatic


def test_mail_bomb_is_bounced_counted_and_told_once(channels: Channels, read: Read, clock: Clock) -> None:
    for number in range(20):
        channels.receive(read(mail(f"bomb {number}", message_id=f"<{number}@x.example>")))
    counted = {(row["direction"], row["status"]): row["count"] for row in channels.book.counts(clock.now)}
    assert counted["inbound", "filed"] == 5
    assert counted["inbound", "bounced"] == 15
    assert len(TicketDesk(channels.store, clock).list()) == 5
    told = [row for row in channels.book.list(direction="outbound") if "ticket" not in row[INDEX]]
    assert len(told) == 1
    assert "5" in told[0][INDEX]["text"]
    bounced = channels.book.list(status="bounced", limit=1)[0]
    assert "text" not in bounced[INDEX]
    again = channels.receive(read(mail("bomb 15", message_id="<15@x.example>")))
    assert (again.status, again.new) == ("bounced", False)
    clock.forward(hours=2)
    assert channels.receive(read(mail("calm again", message_id="<calm@x.example>"))).status == "filed"


def test_two_auto_responders_stop_after_a_few_mails(channels: Channels, read: Read, clock: Clock) -> None:
    """The other side answers everything, at once, with a new subject and no header that says so."""
    channels.receive(read(mail()))
    answered: set[str] = set()
    for round_ in range(20):
        said = [row for row in channels.book.list(direction="outbound") if row["id"] not in answered]
        if not said:
            break
        for row in said:
            answered.add(row["id"])
            channels.receive(
                read(mail("I am away", subject=f"Away {round_}", message_id=f"<{row['id']}@away.example>"))
            )
    assert len(answered) <= 6  # five acknowledgements within the hour, and one word about the bounced rest
    assert len(TicketDesk(channels.store, clock).list()) == 5


def test_30_mb_attachment_is_refused_with_words_without_being_fetched_whole(
    channels: Channels, mailbox: Mailbox
) -> None:
    from servicedesk.channels.mail.poll import poll

    big = mail("See the file", message_id="<big@x.example>")
    big.add_attachment(b"\0" * 30_000_000, maintype="application", subtype="zip", filename="all.zip")
    mailbox.put(big, mail("And a small one", message_id="<small@x.example>"))
    report = poll(channels, mailbox.place)
    assert (report.refused, report.filed) == (1, 1)
    (refused,) = channels.book.list(status="refused")
    assert "more than 1,000,000" in refused[INDEX]["reason"]
    told = [row[INDEX] for row in channels.book.list(direction="outbound") if "ticket" not in row[INDEX]]
    assert [row["recipient"] for row in told] == [ANA]
    assert "more than 1,000,000" in told[0]["text"]


def test_outbound_mail_has_no_header_that_its_values_bring_along() -> None:
    document = {
        "@timestamp": "2026-11-21T12:00:00.000Z",
        INDEX: {
            "recipient": "a@b.example\r\nBcc: everybody@x.example",
            "subject": "hi\r\nX-Evil: 1\n\nbody",
            "external_id": "<1@operator.example>",
            "references": ["<2@x.example>\r\nX-Evil: 2"],
            "text": "fine\r\n.\r\nMAIL FROM:<evil>",
            "automatic": True,
        },
    }
    made = compose(document, DESK)
    raw = bytes(made)
    head = raw.partition(b"\r\n\r\n")[0].decode().splitlines()
    assert not [line for line in head if line.lower().startswith(("bcc", "x-evil"))]
    assert made["Auto-Submitted"] == "auto-replied"
    assert isinstance(made, EmailMessage)
