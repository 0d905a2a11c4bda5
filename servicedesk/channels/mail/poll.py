"""Mail fetched from a mailbox by IMAP (RFC 3501). The mailbox is only read: not even a flag is set.

How far it was read is kept in index `job`, as the mailbox's UIDVALIDITY and the last UID taken (UIDs only grow, §2.3.1.1).
A mail is filed before its UID is kept; killed between the two, the next poll fetches it again and finds it filed already.
"""

from __future__ import annotations

import logging
import math
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson
from imapclient import IMAPClient
from imapclient.exceptions import IMAPClientError

from contracts.clock import iso
from contracts.errors import OperatorError
from contracts.ids import joined
from servicedesk.channels.mail.parse import MOST_HEADERS, parse
from servicedesk.channels.mail.places import MailPlace
from servicedesk.channels.message import BOUNCED, FILED, IGNORED, REFUSED, Inbound
from servicedesk.channels.pipeline import Channels

MOST = 500  # mails a poll; the next one goes on
_CHUNK = 50  # sizes asked for at once
_TIMEOUT_SEC = 60
_log = logging.getLogger("busyhour.channels")


@dataclass(slots=True)
class PollReport:
    """What a poll did: mails `seen`, of which `filed`, `ignored` (machines), `bounced` (too many), `refused`, or `repeated`."""

    seen: int = 0
    filed: int = 0
    ignored: int = 0
    bounced: int = 0
    refused: int = 0
    repeated: int = 0
    tickets: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class _Mark:
    """How far a mailbox was read."""

    validity: int
    uid: int


def poll(channels: Channels, place: MailPlace, most: int = MOST, within_sec: float = math.inf) -> PollReport:
    """Files the mails that came since the last poll, oldest first. Safe to kill and to run twice at once.

    After `within_sec` no further one is begun; the next poll goes on.

    Raises OperatorError when the mailbox cannot be read, StoreUnavailable when Elasticsearch went away: nothing is lost.
    """
    report, end = PollReport(), time.monotonic() + within_sec
    with _mailbox(place) as (client, validity):
        mark = _read(channels, place, validity)
        for uid in _new(client, mark.uid)[:most]:
            if report.seen and time.monotonic() >= end:
                break
            _count(report, channels, _message(channels, client, uid))
            mark = _Mark(validity, uid)
            _keep(channels, place, mark)
    channels.settle()  # what other ways left behind
    return report


@contextmanager
def _mailbox(place: MailPlace) -> Iterator[tuple[IMAPClient, int]]:
    try:
        context = ssl.create_default_context() if place.secure else None
        client = IMAPClient(place.host, place.port, ssl=place.secure, ssl_context=context, timeout=_TIMEOUT_SEC)
    except (OSError, IMAPClientError) as error:
        raise _unreadable(place, error) from error
    try:
        if not place.secure and client.has_capability("STARTTLS"):
            client.starttls(ssl.create_default_context())
        elif not place.secure and not place.loopback:
            raise OperatorError("it offers no TLS: the password would pass in the clear", where=place.name)
        client.login(place.user, place.password)
        chosen = client.select_folder(place.folder, readonly=True)
        yield client, int(chosen.get(b"UIDVALIDITY", 0))
    except (OSError, IMAPClientError) as error:
        raise _unreadable(place, error) from error
    finally:
        _log_out(client)


def _log_out(client: IMAPClient) -> None:
    try:
        client.logout()
    except (OSError, IMAPClientError):
        client.shutdown()


def _unreadable(place: MailPlace, error: Exception) -> OperatorError:
    return OperatorError(
        f"mailbox {place.folder} cannot be read: {error}",
        where=place.name,
        remedy="check channel.mail.imap.url and its password; nothing was lost, the next poll goes on",
    )


def _new(client: IMAPClient, after: int) -> list[int]:
    """UIDs above `after`. `n:*` always gives the last one too, even if it is below n."""
    return sorted(uid for uid in client.search(["UID", f"{after + 1}:*"]) if uid > after)


def _message(channels: Channels, client: IMAPClient, uid: int) -> Inbound | None:
    """The mail; of one that is too long only the headers are fetched. None when it is gone."""
    most = channels.store.settings.number("channel.mail.bytes")
    facts = client.fetch([uid], ["RFC822.SIZE", "INTERNALDATE"]).get(uid)
    if facts is None:
        return None
    size, received = int(facts[b"RFC822.SIZE"]), _utc(facts.get(b"INTERNALDATE"), channels.clock())
    if size <= most:
        raw = client.fetch([uid], ["BODY.PEEK[]"]).get(uid, {}).get(b"BODY[]", b"")
        return parse(raw, received, own=channels.address, most_bytes=most)
    head = client.fetch([uid], [f"BODY.PEEK[HEADER]<0.{MOST_HEADERS}>"]).get(uid, {})
    raw = next((value for key, value in head.items() if key.startswith(b"BODY[HEADER]")), b"")
    return parse(raw, received, own=channels.address, most_bytes=most, size=size)


def _utc(moment: datetime | None, now: datetime) -> datetime:
    """IMAPClient gives local time without a zone."""
    return now if moment is None else min(moment.astimezone(UTC), now)


def _count(report: PollReport, channels: Channels, message: Inbound | None) -> None:
    if message is None:
        return
    receipt = channels.receive(message)
    report.seen += 1
    if not receipt.new:
        report.repeated += 1
        return
    names = {FILED: "filed", IGNORED: "ignored", BOUNCED: "bounced", REFUSED: "refused"}
    name = names[receipt.status]
    setattr(report, name, getattr(report, name) + 1)
    if receipt.ticket and receipt.ticket not in report.tickets:
        report.tickets.append(receipt.ticket)


def _job(place: MailPlace) -> str:
    return "channel-mail-" + joined((place.name, place.user, place.folder))[:16]


def _read(channels: Channels, place: MailPlace, validity: int) -> _Mark:
    found = channels.store.get("job", _job(place))
    kept = orjson.loads(found.source["job"]["detail"]) if found else {}
    if kept.get("validity") == validity:
        return _Mark(validity, int(kept["uid"]))
    if kept:
        _log.warning("%s: the mailbox was made anew (UIDVALIDITY): read from its beginning", place.name)
    return _Mark(validity, 0)


def _keep(channels: Channels, place: MailPlace, mark: _Mark) -> None:
    """Remembers how far it came, unless another poll is further."""
    now = iso(channels.clock())
    detail = {"mailbox": f"{place.name}/{place.folder}", "validity": mark.validity, "uid": mark.uid}
    job = {"name": "channel-mail", "checkpoint": now, "detail": orjson.dumps(detail).decode()}
    source = {"event": {"ingested": now}, "job": job}

    def further(old: dict[str, Any]) -> dict[str, Any] | None:
        had = orjson.loads(old["job"]["detail"])
        return None if had["validity"] == mark.validity and had["uid"] >= mark.uid else source

    channels.store.modify("job", _job(place), further, create=lambda: source)
