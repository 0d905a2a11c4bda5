"""What carries a message: apprise (mail, Slack, Teams, Telegram, PagerDuty, SMS gateways …) and signed webhooks.

A sender tells what became of it: SENT, FAILED (never again: the other side said no), or PENDING (tried again later).
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Protocol
from urllib.parse import unquote, urlsplit

import orjson

from alerting.actions.webhook import Request, WebhookAction
from alerting.alert import FIRING, RESOLVED, Outcome, Status
from alerting.notify.library import plugin_of
from alerting.notify.message import Message
from alerting.notify.signing import HEADER, sign
from alerting.notify.targets import Target

KEY_HEADER = "X-Busyhour-Notification"  # in mails: the same at every try, so that a receiver can tell a second one
_MOST_DETAIL = 300


class Sender(Protocol):
    def send(self, target: Target, message: Message) -> Outcome: ...


class AppriseSender:
    """One address of apprise's. It holds its own limits of time (15 s for mail, 4 s for most others)."""

    def send(self, target: Target, message: Message) -> Outcome:
        plugin = plugin_of(target.address)
        if plugin is None:
            return Outcome(Status.FAILED, "apprise does not know such an address", message.body)
        if isinstance(getattr(plugin, "headers", None), dict):
            plugin.headers[KEY_HEADER] = message.key
        kind = _kind(message)
        with _Said() as said:
            sent = plugin.notify(body=message.body or message.title, title=message.title, notify_type=kind)
        if sent:
            return Outcome(Status.SENT, f"told {message.total} alerts", message.body)
        return Outcome(Status.PENDING, _without(said.text, target) or "apprise could not deliver it", message.body)


def _kind(message: Message) -> str:
    """apprise's own words."""
    if message.status == RESOLVED:
        return "success"
    return "failure" if message.status == FIRING and message.severity in ("critical", "major") else "warning"


class _Said(logging.Handler):
    """What apprise logs in this thread, the reason why it failed."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.text = ""
        self._thread = threading.get_ident()
        self._log = logging.getLogger("apprise")

    def emit(self, record: logging.LogRecord) -> None:
        if record.thread == self._thread and len(self.text) < _MOST_DETAIL:
            self.text = f"{self.text} {record.getMessage()}".strip()

    def __enter__(self) -> _Said:
        self._log.addHandler(self)
        return self

    def __exit__(self, *_: object) -> None:
        self._log.removeHandler(self)


def _without(text: str, target: Target) -> str:
    """Nothing of what the address holds in the way of secrets: user, password, path and parameters."""
    try:
        parts = urlsplit(target.address)
    except ValueError:
        return ""
    secrets = [
        parts.username or "",
        parts.password or "",
        *parts.path.split("/"),
        *parts.query.replace("=", "&").split("&"),
    ]
    for secret in sorted({unquote(one) for one in secrets} | set(secrets), key=len, reverse=True):
        if len(secret) >= 4:
            text = text.replace(secret, "…")
    return text[:_MOST_DETAIL]


class WebhookSender:
    """A JSON message by POST, signed where the target has a secret; never tried for longer than the webhook's own limits."""

    def __init__(self, webhook: WebhookAction, clock: Callable[[], float] = time.time) -> None:
        self._webhook, self._clock = webhook, clock

    def send(self, target: Target, message: Message) -> Outcome:
        body = orjson.dumps({**message.payload, "title": message.title})
        headers = {"User-Agent": "busyhour", "Content-Type": "application/json", "Idempotency-Key": message.key}
        if target.secret:
            headers[HEADER] = sign(target.secret, body, int(self._clock()))
        outcome = self._webhook.deliver(Request("POST", target.address, {}, headers, body))
        return outcome._replace(said=message.body, detail=_without(outcome.detail, target) or outcome.detail[:3])
