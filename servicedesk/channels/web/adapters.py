"""Messaging services: each says how its webhook is proven genuine, and what is in it. One small class a service."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, Protocol

import orjson

from alerting.notify.signing import HEADER, verify
from contracts.clock import parse_iso
from contracts.errors import UserError
from contracts.settings import Settings
from servicedesk.channels.message import Inbound
from servicedesk.channels.words import one_line, tidy

LEAST_SECRET = 16  # characters
META_HEADER = "X-Hub-Signature-256"
META_WINDOW = timedelta(days=8)  # Meta repeats what was not taken for up to seven days, signed as it was
_MOST_MESSAGES = 200
_KINDS = ("text", "button", "interactive", "image", "video", "audio", "document", "sticker", "location", "contacts")


class Spoofed(UserError):
    """It is not from whom it says, or it is an old one played again."""


class Report(NamedTuple):
    """What became of an answer of ours: `key` and `external_id` as we and the service call it; `failed`: why, "" when it went."""

    key: str
    external_id: str
    failed: str = ""


class Adapter(Protocol):
    """`name` is the channel of its messages and stands in the address `/messages/NAME`."""

    name: str

    def check(self, headers: Mapping[str, str], body: bytes, now: datetime) -> None:
        """Raises Spoofed unless the service itself sent this, lately."""

    def challenge(self, query: Mapping[str, str]) -> str:
        """Answer to the GET by which some services make sure that the address is ours. Raises Spoofed."""

    def messages(self, body: bytes, now: datetime) -> Iterator[Inbound]:
        """What it holds. Raises UserError when it is not what the service sends."""

    def reports(self, body: bytes) -> Iterator[Report]:
        """What it says of answers of ours. Raises UserError."""


class Generic:
    """Any system that can sign: JSON `{"messages": [{"id", "from", "text", "at", "name", "to"}]}`, `at` ISO 8601.

    Signed as our own webhooks are (docs/alerting.md): `Busyhour-Signature: t=SECONDS,v1=HEX` of `SECONDS.BODY`.
    """

    name = "messaging"

    def __init__(self, secret: str, window_sec: int) -> None:
        self._secret, self._window = secret, window_sec

    def check(self, headers: Mapping[str, str], body: bytes, now: datetime) -> None:
        check_signed(self._secret, headers, body, now, self._window)

    def challenge(self, query: Mapping[str, str]) -> str:
        raise Spoofed("this service asks nothing")

    def messages(self, body: bytes, now: datetime) -> Iterator[Inbound]:
        for row in rows(json_object(body), "messages"):
            yield Inbound(
                channel=self.name,
                external_id=wanted(row, "id"),
                sender=wanted(row, "from"),
                recipient=one_line(row.get("to", "")),
                name=one_line(row.get("name", "")),
                text=tidy(str(row.get("text", ""))),
                at=moment(row.get("at"), now),
            )

    def reports(self, body: bytes) -> Iterator[Report]:
        """`{"reports": [{"id", "failed"}]}`, `id` as it was sent, `failed` the reason or absent."""
        for row in rows(json_object(body), "reports"):
            yield Report(wanted(row, "id"), "", one_line(row.get("failed") or ""))


class WhatsApp:
    """WhatsApp Business Platform (Cloud API), object `whatsapp_business_account`, field `messages`.

    Signed by Meta: `X-Hub-Signature-256: sha256=HEX`, HMAC-SHA256 of the body by the app secret. There is no time in the
    signature; what is played again has the id of a message that is kept already, and old ones are refused.
    """

    name = "whatsapp"

    def __init__(self, secret: str, verify_token: str) -> None:
        self._secret, self._token = secret, verify_token

    def check(self, headers: Mapping[str, str], body: bytes, now: datetime) -> None:
        _long_enough(self._secret)
        expected = "sha256=" + hmac.new(self._secret.encode(), body, hashlib.sha256).hexdigest()
        given = headers.get(META_HEADER.lower(), "")
        if not hmac.compare_digest(expected.encode(), given.encode("utf-8", "replace")):
            raise Spoofed("the signature is wrong")

    def challenge(self, query: Mapping[str, str]) -> str:
        given = query.get("hub.verify_token", "")
        same = hmac.compare_digest(self._token.encode(), given.encode("utf-8", "replace"))
        if not self._token or not same or query.get("hub.mode") != "subscribe":
            raise Spoofed("the verify token is wrong")
        return query.get("hub.challenge", "")[:200]

    def messages(self, body: bytes, now: datetime) -> Iterator[Inbound]:
        for value in _values(body):
            yield from self._of(value, now)

    def reports(self, body: bytes) -> Iterator[Report]:
        """States `sent`, `delivered`, `read` and `failed` of our own messages."""
        for value in _values(body):
            for row in rows(value, "statuses"):
                key, state = one_line(row.get("biz_opaque_callback_data") or ""), row.get("status")
                if state in ("sent", "delivered", "read"):
                    yield Report(key, wanted(row, "id"))
                elif state == "failed":
                    why = [f"{error.get('code', '')} {error.get('title', '')}" for error in rows(row, "errors")]
                    yield Report(key, wanted(row, "id"), one_line("; ".join(why) or "failed", 300))

    def _of(self, value: dict[str, Any], now: datetime) -> Iterator[Inbound]:
        """Messages of one change; states of our own messages (`statuses`) are none."""
        names = {
            contact.get("wa_id"): (contact.get("profile") or {}).get("name", "") for contact in rows(value, "contacts")
        }
        to = (value.get("metadata") or {}).get("display_phone_number", "")
        for row in rows(value, "messages"):
            at = moment(row.get("timestamp"), now)
            if now - at > META_WINDOW:
                continue
            sender = wanted(row, "from")
            yield Inbound(
                channel=self.name,
                external_id=wanted(row, "id"),
                sender=f"+{sender}" if sender.isdigit() else sender,
                recipient=f"+{to}" if str(to).isdigit() else one_line(to),
                name=one_line(names.get(sender, "")),
                text=tidy(_text(row)),
                at=at,
                references=_context(row),
            )


def _values(body: bytes) -> Iterator[dict[str, Any]]:
    """Changes of field `messages`. Raises UserError when it is not what Meta sends."""
    content = json_object(body)
    if content.get("object") != "whatsapp_business_account":
        raise UserError("is no event of the WhatsApp Business Platform")
    for entry in rows(content, "entry"):
        for change in rows(entry, "changes"):
            value = change.get("value")
            if change.get("field") == "messages" and isinstance(value, dict):
                yield value


def adapters(settings: Settings) -> dict[str, Adapter]:
    """Those whose secret is set, by name."""
    found: dict[str, Adapter] = {}
    if secret := settings.text("channel.messaging.secret"):
        found[Generic.name] = Generic(secret, settings.number("channel.webhook.window.sec"))
    if secret := settings.text("channel.whatsapp.secret"):
        found[WhatsApp.name] = WhatsApp(secret, settings.text("channel.whatsapp.verify"))
    return found


def check_signed(secret: str, headers: Mapping[str, str], body: bytes, now: datetime, window_sec: int) -> None:
    """Raises Spoofed unless the body was signed with this secret within the window."""
    _long_enough(secret)
    if not verify(secret, headers.get(HEADER.lower(), ""), body, int(now.timestamp()), window_sec):
        raise Spoofed("the signature is wrong or too old")


def json_object(body: bytes) -> dict[str, Any]:
    """Raises UserError."""
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise UserError(f"is not JSON: {error}") from None
    if not isinstance(content, dict):
        raise UserError("is no JSON object")
    return content


def rows(content: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    found = content.get(name, [])
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found) or len(found) > _MOST_MESSAGES:
        raise UserError(f"{name} is no list of at most {_MOST_MESSAGES} objects")
    return found


def wanted(row: Mapping[str, Any], name: str) -> str:
    value = row.get(name)
    if not isinstance(value, str) or not value.strip() or len(value) > 500:
        raise UserError(f"{name} is missing, empty or too long")
    return one_line(value)


def moment(value: Any, now: datetime) -> datetime:
    """ISO 8601, or seconds since 1970 as WhatsApp has them; never after now. Raises UserError."""
    try:
        if value is None:
            return now
        at = datetime.fromtimestamp(int(value), UTC) if str(value).isdigit() else parse_iso(str(value))
    except (ValueError, OverflowError, OSError):
        raise UserError(f"{str(value)[:40]!r} is no time") from None
    return min(at, now)


def _text(row: Mapping[str, Any]) -> str:
    """What a person would read; of a picture its caption, or what it is."""
    kind = str(row.get("type", ""))
    inner = row.get(kind) if kind in _KINDS else None
    if not isinstance(inner, dict):
        return f"[{one_line(kind, 40) or 'empty'}]"
    reply = inner.get("button_reply") or inner.get("list_reply") or {}
    title = reply.get("title") if isinstance(reply, dict) else None
    return str(inner.get("body") or inner.get("text") or inner.get("caption") or title or f"[{kind}]")


def _context(row: Mapping[str, Any]) -> tuple[str, ...]:
    context = row.get("context")
    found = context.get("id") if isinstance(context, dict) else None
    return (one_line(found),) if isinstance(found, str) and found else ()


def _long_enough(secret: str) -> None:
    if len(secret) < LEAST_SECRET:
        raise Spoofed(f"no secret of at least {LEAST_SECRET} characters is set")
