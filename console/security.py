"""Around every request: which hosts and origins may ask, how large a body may be, and headers that bind the browser."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.formparsers import MultiPartException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOOPBACK = ("127.0.0.1", "localhost", "::1")
ALIVE = "/healthz"  # says nothing of anybody, so that a load balancer may ask it in the clear
LARGEST_BODY = 256 * 1024  # bytes; no form here is longer, but for one that brings a file
_CSP = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: blob:",
        "connect-src 'self'",
        "font-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "content-security-policy": _CSP,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}


class _TooLarge(MultiPartException):
    """A body that said nothing of its length; of this kind, so that a form's parser lets go of the files it has begun."""


class Guard:
    """`hosts`: names under which the console may be asked; a page elsewhere whose name points here is refused (DNS rebinding).

    `largest`: bytes that the body of a request (method, path) may have.
    """

    def __init__(
        self, app: ASGIApp, hosts: Collection[str], *, secure: bool, largest: Callable[[str, str], int]
    ) -> None:
        self._app, self._hosts, self._secure, self._largest = app, frozenset(hosts), secure, largest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        problem = self._problem(scope, headers)
        if scope["type"] == "websocket":
            # Closed before it is accepted: the browser sees a 403.
            await (send({"type": "websocket.close", "code": 1008}) if problem else self._app(scope, receive, send))
            return
        if problem:
            await _refuse(send, *problem)
            return
        taken, most, begun = 0, self._most(scope), False

        async def bounded() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > most:
                raise _TooLarge(f"more than {most} bytes")
            return message

        async def sealed(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                self._seal(MutableHeaders(scope=message), scope["path"])
            await send(message)

        try:
            await self._app(scope, bounded, sealed)
        except _TooLarge as error:
            if begun:
                raise
            await _refuse(send, 413, error.message)

    def _problem(self, scope: Scope, headers: Headers) -> tuple[int, str] | None:
        host = urlsplit(f"//{headers.get('host', '')}").hostname or ""
        if "*" not in self._hosts and host not in self._hosts:
            return 421, "this name is not one of the console's; start it with --name to allow it"
        if self._secure and scope["scheme"] not in ("https", "wss") and scope["path"] != ALIVE:
            return (
                403,
                "ask over https; behind a proxy, it has to be named with --behind-proxy and send X-Forwarded-Proto",
            )
        length = headers.get("content-length", "0")
        if not length.isdigit() or int(length) > self._most(scope):
            return 413, f"more than {self._most(scope)} bytes"
        if scope.get("method", "WEBSOCKET") not in ("GET", "HEAD", "OPTIONS") and not self._same_site(headers):
            return 403, "a page of another site asked this"
        return None

    def _most(self, scope: Scope) -> int:
        return self._largest(scope.get("method", "WEBSOCKET"), scope["path"])

    @staticmethod
    def _same_site(headers: Headers) -> bool:
        if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            return False
        origin = headers.get("origin", "")
        return not origin or urlsplit(origin).netloc == headers.get("host", "")

    def _seal(self, headers: MutableHeaders, path: str) -> None:
        for name, value in HEADERS.items():
            headers[name] = value
        if self._secure:
            headers["strict-transport-security"] = "max-age=31536000"
        if not path.startswith("/static/") and "cache-control" not in headers:
            headers["cache-control"] = "no-store"


async def _refuse(send: Send, status: int, what: str) -> None:
    body = json.dumps({"type": "about:blank", "title": what, "status": status}).encode()
    headers = [(b"content-type", b"application/problem+json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
