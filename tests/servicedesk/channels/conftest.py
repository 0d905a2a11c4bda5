"""A desk with customers, real mail servers around it, and a clock that the test sets."""

from __future__ import annotations

import email
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path

import orjson
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from imapclient import IMAPClient

from contracts.clock import iso
from contracts.ids import keyed_hash
from infrastructure.secrets import pii_key
from infrastructure.setup import empty, set_up
from infrastructure.store import Operation, Store
from servicedesk.channels.mail.parse import parse
from servicedesk.channels.mail.places import MailPlace
from servicedesk.channels.message import Inbound
from servicedesk.channels.pipeline import Channels

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
DESK = "support@operator.example"
ANA = "ana@customer.example"
SECRET = "a-secret-of-32-characters-or-so!"


class Clock:
    """Time stands still until a test moves it."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **units: float) -> None:
        self.now += timedelta(**units)


@pytest.fixture
def clock() -> Clock:
    return Clock()


USED = ("interaction", "ticket", "customer", "subscriber", "job", "attachment", "agent", "kpi-1d", "kpi-1h")


@pytest.fixture(scope="module")
def prepared(connected_store: Store) -> Store:
    set_up(connected_store)
    empty(connected_store)
    return connected_store


def clear(store: Store) -> None:
    """Deletes the documents of the indices used here: many times quicker than making the indices anew for each test."""
    store.refresh(*USED)
    hits = [hit for name in USED for hit in store.scan(name, fields=[])]
    lines = [orjson.dumps({"delete": {"_index": hit["_index"], "_id": hit["_id"]}}) + b"\n" for hit in hits]
    if lines:
        store.send(b"".join(lines))
    store.refresh(*USED)


@pytest.fixture
def channel_store(prepared: Store) -> Store:
    """The store with the channels' settings, customer C1 (Ana, +4915112345678) and customer C2 (Ben)."""
    clear(prepared)
    view = prepared.with_headers({})
    view.settings = prepared.settings.with_values(
        channel_url="https://help.operator.example",
        channel_mail_address=DESK,
        channel_mail_hourly=5,
        channel_mail_bytes=1_000_000,
        channel_key=SECRET,
        channel_voice_secret=SECRET,
        channel_messaging_secret=SECRET,
        channel_whatsapp_secret=SECRET,
        channel_whatsapp_verify="verify-me",
    )
    now = iso(NOW)
    rows = {"C1": (ANA, "Ana", "de"), "C2": ("ben@customer.example", "Ben", "en")}
    for key, (address, name, language) in rows.items():
        customer = {"id": key, "name": name, "email": address, "language": language, "kind": "consumer"}
        view.write_all(
            [Operation("index", view.place("customer"), key, {"event": {"ingested": now}, "customer": customer})]
        )
    hashed = keyed_hash(pii_key(view.settings), "+4915112345678")
    subscriber = {"key": hashed, "number": "+4915112345678"}
    row = {"event": {"ingested": now}, "subscriber": subscriber, "customer": {"id": "C1"}}
    view.write_all([Operation("index", view.place("subscriber"), hashed, row)])
    view.refresh("customer", "subscriber")
    return view


@pytest.fixture
def channels(channel_store: Store, clock: Clock) -> Channels:
    return Channels(channel_store, clock)


def mail(
    text: str = "Since this morning I cannot call anybody at all.",
    *,
    sender: str = ANA,
    subject: str = "No calls",
    message_id: str = "<1@customer.example>",
    **headers: str,
) -> EmailMessage:
    """A mail to the desk; further headers by name, with _ for -."""
    made = EmailMessage()
    made["From"], made["To"], made["Subject"], made["Message-ID"] = sender, DESK, subject, message_id
    for name, value in headers.items():
        made[name.replace("_", "-")] = value
    made.set_content(text)
    return made


@pytest.fixture
def read(channels: Channels) -> Callable[[EmailMessage | bytes], Inbound]:
    """A mail as the parser reads it."""

    def parsed(made: EmailMessage | bytes) -> Inbound:
        return parse(bytes(made), channels.clock(), own=DESK, most_bytes=1_000_000)

    return parsed


@dataclass
class Taken:
    """What a real SMTP server was given. `answers`: said to the next DATA commands, "" for the usual one."""

    host: str = "127.0.0.1"
    port: int = 0
    mails: list[EmailMessage] = field(default_factory=list)
    envelopes: list[tuple[str, list[str]]] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        answer = self.answers.pop(0) if self.answers else ""
        if answer:
            return answer
        made = email.message_from_bytes(bytes(envelope.content or b""), policy=email.policy.default)
        self.mails.append(made)  # type: ignore[arg-type]
        self.envelopes.append((envelope.mail_from or "", envelope.rcpt_tos))
        return "250 OK"

    @property
    def place(self) -> MailPlace:
        return MailPlace(self.host, self.port, secure=False, user="", password="")


@pytest.fixture
def smtp() -> Iterator[Taken]:
    """A real SMTP server that keeps what it is given."""
    taken = Taken(port=free_port())
    server = Controller(taken, hostname=taken.host, port=taken.port)
    server.start()
    yield taken
    server.stop()


@dataclass
class Mailbox:
    """A real IMAP server's mailbox (pymap, in memory)."""

    place: MailPlace

    def put(self, *mails: EmailMessage | bytes) -> None:
        with IMAPClient(self.place.host, self.place.port, ssl=False, timeout=20) as client:
            client.login(self.place.user, self.place.password)
            for each in mails:
                client.append("INBOX", bytes(each), msg_time=NOW.replace(tzinfo=None))

    def flags(self) -> list[tuple[bytes, ...]]:
        with IMAPClient(self.place.host, self.place.port, ssl=False, timeout=20) as client:
            client.login(self.place.user, self.place.password)
            client.select_folder("INBOX", readonly=True)
            return [row[b"FLAGS"] for row in client.fetch(client.search(), ["FLAGS"]).values()]


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    port = free_port()
    program = Path(sys.executable).parent / "pymap"
    server = [str(program), "--host", "127.0.0.1", "--port", str(port), "--no-tls", "--no-service", "admin"]
    account = ["dict", "--demo-user", "support", "--demo-password", "imap-password"]
    with subprocess.Popen([*server, "--no-service", "managesieve", *account], stderr=subprocess.DEVNULL) as running:
        try:
            _wait(port)
            yield Mailbox(MailPlace("127.0.0.1", port, secure=False, user="support", password="imap-password"))
        finally:
            running.terminate()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def _wait(port: int) -> None:
    for _ in range(300):
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.1)
    raise AssertionError("the IMAP server did not start")
