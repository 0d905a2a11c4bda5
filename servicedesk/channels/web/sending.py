"""Answers to messaging services, one small class a service: called with an outbound interaction, it sends it.

It returns the service's own id of the message, and raises what `outbox.Send` may. Kept apart from `adapters`, which reads
what a service sends to us.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Protocol
from urllib.parse import urlsplit

import orjson
import requests

from alerting.notify.signing import HEADER, sign
from contracts.errors import SettingError
from contracts.settings import Settings
from servicedesk.channels.book import INDEX, Document
from servicedesk.channels.outbox import Away, Never, NotNow
from servicedesk.channels.web.adapters import LEAST_SECRET, Generic, WhatsApp
from servicedesk.channels.words import one_line

TIMEOUT_SEC = 10
_MOST_ANSWER = 100_000  # bytes of an answer that are read
_AGAIN = (408, 425, 429)
# Codes of Meta's error catalogue that pass: rate limits (4, 80007, 130429, 131048, 131056), and the service in trouble
# (1, 2, 131000, 131016, 131057). 190, 10 and 200 are of our own token and its rights: nothing goes until somebody mends it.
_META_AGAIN = (1, 2, 4, 80007, 130429, 131000, 131016, 131048, 131056, 131057)
_META_OURS = (0, 3, 10, 190, 200)


class Sender(Protocol):
    """`name`: the channel whose messages it sends; `longest`: characters of one text."""

    name: str
    longest: int

    def __call__(self, document: Document) -> str:
        """Sends it; the service's id of it. Raises Away, NotNow, Never."""


class WhatsAppSender:
    """WhatsApp Business Platform (Cloud API): POST to `URL/messages` with a bearer token.

    Free texts go within 24 hours of the customer's last message only; later ones Meta refuses (131047), at once or by the
    webhook. The Cloud API takes no key of ours by which it would tell a repeated request, but brings
    `biz_opaque_callback_data` back with the state of the message: `Channels.reported` marks it as sent by that.
    """

    name, longest = WhatsApp.name, 4096

    def __init__(self, url: str, token: str, timeout_sec: float = TIMEOUT_SEC) -> None:
        self._url, self._token, self._timeout = f"{url.rstrip('/')}/messages", token, timeout_sec

    def __call__(self, document: Document) -> str:
        said = document[INDEX]
        body: dict[str, Any] = {
            "messaging_product": "whatsapp",
            "recipient_type": "individual",
            "to": said["recipient"].lstrip("+"),
            "type": "text",
            "text": {"preview_url": False, "body": said["text"]},
            "biz_opaque_callback_data": document["id"],
        }
        body |= {"context": {"message_id": said["references"][0]}} if said.get("references") else {}
        status, answer = _posted(
            self._url, orjson.dumps(body), {"Authorization": f"Bearer {self._token}"}, self._timeout
        )
        if 200 <= status < 300:
            found = answer.get("messages")
            return one_line(_object(found[0]).get("id", "")) if isinstance(found, list) and found else ""
        error = _object(answer.get("error"))
        code, detail = error.get("code"), _object(error.get("error_data"))
        what = one_line(f"{status} {code or ''} {detail.get('details') or error.get('message') or ''}", 300)
        if code in _META_OURS or status == 401:
            raise Away(f"{self.name}: {what}")
        if code in _META_AGAIN or (code is None and (status >= 500 or status in _AGAIN)):
            raise NotNow(what)
        raise Never(what)


class GenericSender:
    """Any system that takes a signed POST: `{"id", "to", "text", "at", "ticket"}`, as docs/channels.md describes it.

    The same `id` (and `Idempotency-Key`) at every try. Taken by any 2xx answer, which may hold an `id` of its own.
    """

    name, longest = Generic.name, 100_000

    def __init__(self, url: str, secret: str, timeout_sec: float = TIMEOUT_SEC) -> None:
        self._url, self._secret, self._timeout = url, secret, timeout_sec

    def __call__(self, document: Document) -> str:
        said, key = document[INDEX], document["id"]
        row = {"id": key, "to": said["recipient"], "text": said["text"], "at": document["@timestamp"]}
        body = orjson.dumps(row | ({"ticket": said["ticket"]} if said.get("ticket") else {}))
        headers = {HEADER: sign(self._secret, body, int(time.time())), "Idempotency-Key": key}
        status, answer = _posted(self._url, body, headers, self._timeout)
        if 200 <= status < 300:
            return one_line(answer.get("id") or "")
        if status >= 500 or status in _AGAIN:
            raise NotNow(f"{status}")
        raise Never(f"{status} {one_line(answer.get('error', ''), 200)}".strip())


def senders(settings: Settings) -> dict[str, Sender]:
    """Those that are set up, by name. Raises SettingError on an address that is none, or that a token would pass in the clear."""
    found: dict[str, Sender] = {}
    if url := _url(settings, "channel.whatsapp.url"):
        token = settings.text("channel.whatsapp.token")
        if not token:
            raise SettingError("is not set", where="channel.whatsapp.token", remedy="set the app's access token")
        found[WhatsAppSender.name] = WhatsAppSender(url, token)
    if url := _url(settings, "channel.messaging.url"):
        secret = settings.text("channel.messaging.secret")
        if len(secret) < LEAST_SECRET:
            raise SettingError(f"has not {LEAST_SECRET} characters", where="channel.messaging.secret")
        found[GenericSender.name] = GenericSender(url, secret)
    return found


def _url(settings: Settings, name: str) -> str:
    text = settings.text(name)
    try:
        parts = urlsplit(text)
        host = parts.hostname or ""
    except ValueError:
        parts, host = urlsplit(""), ""
    local = parts.scheme == "http" and host in ("127.0.0.1", "localhost", "::1")
    if text and not (host and (parts.scheme == "https" or local)):
        raise SettingError("is no https address", where=name, remedy="http is taken on loopback only")
    return text


def _posted(url: str, body: bytes, headers: Mapping[str, str], timeout: float) -> tuple[int, dict[str, Any]]:
    """Status and JSON object of the answer, {} where it holds none. Raises Away without an answer."""
    headers = {"User-Agent": "busyhour", "Content-Type": "application/json", **headers}
    try:
        with requests.post(
            url, body, headers=headers, timeout=(timeout, timeout), allow_redirects=False, stream=True
        ) as answer:
            text = next(answer.iter_content(_MOST_ANSWER), b"")
            status = answer.status_code
    except (requests.RequestException, OSError) as error:
        raise Away(f"{urlsplit(url).netloc}: {type(error).__name__}") from error
    try:
        content = orjson.loads(text)
    except orjson.JSONDecodeError:
        content = {}
    return status, _object(content)


def _object(value: Any) -> dict[str, Any]:
    """A JSON object; of anything else an empty one."""
    return value if isinstance(value, dict) else {}
