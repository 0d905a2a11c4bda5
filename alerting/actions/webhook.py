"""`webhook`: an HTTP request to another system, tried a few times, never for long.

A request whose answer is lost, or a crash before the answer is recorded, means that it is sent again: at least once, not
exactly once. Every try of the same notice carries the same `Idempotency-Key` header, by which the receiver can tell.
Tried again, and later by the queue: no connection, no answer in time, 408, 425, 429 and 5xx. Final at once: any other answer than
2xx; a redirect is not followed, since it would send the alert to somebody the watch does not name.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import requests

from alerting.alert import RESOLVED, Notice, Outcome, Status
from alerting.notify.signing import HEADER, sign
from alerting.template import as_json, render

TRIES = 3
BACK_OFF_SEC = 0.5  # doubled after each try: a receiver that restarts has 1.5 s, and a broken one is soon given up
_AGAIN = (408, 425, 429)
_ANSWER_BYTES = 300  # of an error's answer kept for people


class Request(NamedTuple):
    method: str
    url: str
    params: dict[str, str]
    headers: dict[str, str]
    body: bytes


def longest_sec(timeout_sec: float) -> float:
    """After this long a telling has ended, unless the other side plays for time (a header byte now and then)."""
    return TRIES * 2 * timeout_sec + BACK_OFF_SEC * float(2**TRIES)


class WebhookAction:
    """`timeout_sec`: longest wait for the connection, and for the answer, of one try. `secrets`: of `signed_by`, by target."""

    def __init__(
        self,
        *,
        timeout_sec: float,
        sleep: Callable[[float], None] = time.sleep,
        secrets: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self._timeout, self._sleep, self._secrets = timeout_sec, sleep, secrets

    def destination(self, notice: Notice) -> str:
        parts = urlsplit(request_of(notice).url)
        return f"{parts.scheme}://{parts.netloc}"

    def perform(self, notice: Notice) -> Outcome:
        """PENDING when the other side is in trouble and may be asked later, FAILED when it says no."""
        request = request_of(notice)
        by = notice.config.get("signed_by")
        if by is not None:
            if by not in self._secrets:
                return Outcome(Status.FAILED, f"signed_by: there is no target {by!r} with a secret")
            request.headers[HEADER] = sign(self._secrets[by], request.body, int(time.time()))
        return self.deliver(request)

    def deliver(self, request: Request) -> Outcome:
        """Sends it, three times at most."""
        said = request.body.decode("utf-8", "replace")
        detail, attempt = "", 0
        for attempt in range(1, TRIES + 1):
            status, detail = self._try(request)
            if status is not None and 200 <= status < 300:
                return Outcome(Status.SENT, detail, said, attempts=attempt)
            if status is not None and status < 500 and status not in _AGAIN:
                return Outcome(Status.FAILED, detail, said, attempts=attempt)
            if attempt < TRIES:
                self._sleep(BACK_OFF_SEC * 2 ** (attempt - 1))
        return Outcome(Status.PENDING, detail, said, attempts=attempt)

    def _try(self, request: Request) -> tuple[int | None, str]:
        """Status (None: no answer) and what to remember of it."""
        try:
            with requests.request(
                request.method,
                request.url,
                params=request.params,
                headers=request.headers,
                data=request.body,
                timeout=(self._timeout, self._timeout),
                allow_redirects=False,
                stream=True,
            ) as answer:
                if 200 <= answer.status_code < 300:
                    return answer.status_code, str(answer.status_code)
                text = next(answer.iter_content(_ANSWER_BYTES), b"").decode("utf-8", "replace")
                return answer.status_code, f"{answer.status_code} {answer.reason} {text}".strip()
        except (requests.RequestException, OSError, ValueError) as error:
            return None, f"{type(error).__name__}: {str(error)[:_ANSWER_BYTES]}"


def request_of(notice: Notice) -> Request:
    """The request as the watch describes it; without `body`, the alert in the format of Alertmanager's webhook, version 4."""
    config, context = notice.config, notice.context
    url = render(config["url"], context) if "url" in config else _assembled(config, context)
    body = render(config["body"], context) if "body" in config else as_json(alertmanager_message(notice))
    headers = {"User-Agent": "busyhour", "Content-Type": "application/json"}
    headers |= {name: _one_line(render(value, context)) for name, value in config.get("headers", {}).items()}
    headers["Idempotency-Key"] = notice.id
    params = {name: render(value, context) for name, value in config.get("params", {}).items()}
    return Request(config.get("method", "post").upper(), url, params, headers, body.encode("utf-8", "replace"))


def _assembled(config: Any, context: Any) -> str:
    path = render(config.get("path", "/"), context)
    slash = "" if path.startswith("/") else "/"
    return f"{config.get('scheme', 'http')}://{render(config['host'], context)}:{config['port']}{slash}{path}"


def _one_line(value: str) -> str:
    """A value of a row must not start a header of its own; headers are Latin-1 (RFC 9110 §5.5)."""
    return " ".join(value.split()).encode("latin-1", "replace").decode("latin-1")


def alertmanager_message(notice: Notice) -> dict[str, Any]:
    """One alert as Alertmanager posts it, so that its receivers take ours."""
    alert = notice.context["ctx"]["vars"]["alert"]
    labels = {**alert["labels"], "alertname": notice.watch, "severity": notice.severity}
    annotations = {"summary": alert["summary"], "description": alert["reason"]}
    one = {
        "status": notice.event,
        "labels": labels,
        "annotations": annotations,
        "startsAt": alert["starts_at"],
        "endsAt": alert["ends_at"] if notice.event == RESOLVED else "0001-01-01T00:00:00Z",
        "fingerprint": notice.fingerprint,
    }
    return {
        "version": "4",
        "groupKey": notice.fingerprint,
        "status": notice.event,
        "receiver": notice.action,
        "groupLabels": labels,
        "commonLabels": labels,
        "commonAnnotations": annotations,
        "alerts": [one],
    }
