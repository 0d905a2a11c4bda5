"""Web chat by WebSocket (RFC 6455). Texts in both directions are JSON objects with a `type`.

From the page: `hello` (`token` of an earlier chat, `since`: time of the last message seen), then `message` (`id` chosen by
the page, `text`). To it: `welcome` (`token`, `conversation`), `ack` (`id`, `ticket`), `message` (`text`, `by`, `at`), `error`
(`what`). A page that lost its connection says hello with its token and sends again what has no ack: nothing is doubled.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import Any

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.websockets import WebSocket, WebSocketDisconnect

from contracts.clock import parse_iso
from contracts.errors import BusyhourError, UserError
from servicedesk.channels import tokens
from servicedesk.channels.message import CHAT, Inbound, conversation_id
from servicedesk.channels.pipeline import Channels
from servicedesk.channels.web.feed import Feed, texts_since
from servicedesk.channels.web.origins import allowed
from servicedesk.channels.words import one_line, tidy

MOST_TEXT = 4_000  # characters of a message
MOST_BYTES = 32_768  # of a frame
HELLO_SEC = 10
IDLE_SEC = 900
_BURST, _EVERY_SEC = 8, 1.0  # messages at once, and then one each second
_PATIENCE = 20  # messages too many, after which the connection is closed
_PER_ADDRESS = 20
_POLICY, _TOO_BIG, _LATER = 1008, 1009, 1013  # close codes, RFC 6455 §7.4.1 and the IANA registry


class Chat:
    """The endpoint. Counts its connections; all of them share one look into the store a second."""

    def __init__(self, channels: Channels, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._channels, self._monotonic = channels, monotonic
        self._most = channels.store.settings.number("channel.chat.viewers")
        self._addresses: dict[str, int] = {}
        self.feed = Feed(channels)

    async def serve(self, socket: WebSocket) -> None:
        address = socket.client.host if socket.client else ""
        if not allowed(socket.headers, self._channels.store.settings):
            await socket.close(_POLICY)
            return
        if sum(self._addresses.values()) >= self._most or self._addresses.get(address, 0) >= _PER_ADDRESS:
            await socket.close(_LATER)
            return
        self._addresses[address] = self._addresses.get(address, 0) + 1
        try:
            await socket.accept()
            with suppress(WebSocketDisconnect, RuntimeError):  # RuntimeError: written to after it was closed
                await self._talk(socket)
        finally:
            self._addresses[address] -= 1
            if not self._addresses[address]:
                del self._addresses[address]

    async def _talk(self, socket: WebSocket) -> None:
        hello = await _next(socket, HELLO_SEC)
        if hello is None or hello.get("type") != "hello":
            await _close(socket, _POLICY, "say hello first")
            return
        try:
            visitor = self._visitor(str(hello.get("token", "")))
            since = parse_iso(str(hello["since"])) if hello.get("since") else self._channels.clock()
        except (UserError, ValueError) as error:
            await _close(socket, _POLICY, error.what if isinstance(error, UserError) else "since is no time")
            return
        sender, customer = visitor["v"], visitor.get("c", "")
        conversation = conversation_id(customer, sender)
        token = tokens.issue(self._channels.store.settings, tokens.CHAT, visitor)
        await _send(socket, {"type": "welcome", "token": token, "conversation": conversation})
        async with self.feed.listening(conversation) as queue:
            writer = asyncio.create_task(self._write(socket, conversation, since, queue))
            try:
                await self._read(socket, sender, customer)
            finally:
                writer.cancel()
                with suppress(asyncio.CancelledError, WebSocketDisconnect, RuntimeError, BusyhourError):
                    await writer

    def _visitor(self, token: str) -> dict[str, Any]:
        """Who it is: what the token says, else somebody new. Raises BadToken."""
        if token:
            return tokens.read(self._channels.store.settings, tokens.CHAT, token)
        return {"v": f"visitor-{secrets.token_hex(12)}"}

    async def _read(self, socket: WebSocket, sender: str, customer: str) -> None:
        left, since, refused = float(_BURST), self._monotonic(), 0
        while (message := await _next(socket, IDLE_SEC)) is not None:
            now = self._monotonic()
            left, since = min(_BURST, left + (now - since) / _EVERY_SEC), now
            if left < 1:
                refused += 1
                if refused > _PATIENCE:
                    await _close(socket, _POLICY, "too many messages")
                    return
                await _send(socket, {"type": "error", "what": "slow down", "id": one_line(message.get("id", ""), 64)})
                continue
            left -= 1
            await self._take(socket, sender, customer, message)
        await _close(socket, _POLICY, "nothing was said for long")

    async def _take(self, socket: WebSocket, sender: str, customer: str, message: dict[str, Any]) -> None:
        own, text = one_line(message.get("id", ""), 64), message.get("text")
        if message.get("type") != "message" or not own or not isinstance(text, str) or not text.strip():
            await _send(socket, {"type": "error", "what": "no message", "id": own})
            return
        if len(text) > MOST_TEXT:
            await _send(socket, {"type": "error", "what": f"longer than {MOST_TEXT} characters", "id": own})
            return
        inbound = Inbound(CHAT, f"{sender}:{own}", sender, tidy(text), self._channels.clock())
        try:
            receipt = await run_in_threadpool(self._channels.receive, inbound, customer)
        except BusyhourError:
            await _send(socket, {"type": "error", "what": "not now, send it again later", "id": own})
            return
        await _send(socket, {"type": "ack", "id": own, "ticket": receipt.ticket})

    async def _write(
        self, socket: WebSocket, conversation: str, since: datetime, queue: asyncio.Queue[dict[str, Any]]
    ) -> None:
        """What the desk said since then, and from now on; each once."""
        told: set[str] = set()
        for row in await run_in_threadpool(texts_since, self._channels, conversation, since):
            told.add(row["id"])
            await _send(socket, {"type": "message", **row})
        while True:
            row = await queue.get()
            if row["id"] not in told and parse_iso(row["at"]) > since:
                told.add(row["id"])
                await _send(socket, {"type": "message", **row})


def token_for(channels: Channels, customer: str) -> str:
    """For a page that knows its customer (an operator's own site): opens the chat as that customer, over all channels."""
    if channels.store.get("customer", customer) is None:
        raise UserError(f"there is no customer {customer}")
    content = {"v": f"customer-{customer}", "c": customer}
    return tokens.issue(channels.store.settings, tokens.CHAT, content)


async def _next(socket: WebSocket, seconds: float) -> dict[str, Any] | None:
    """The next object; None when nothing comes in time. What is no object is an empty one."""
    try:
        text = await asyncio.wait_for(_text(socket), seconds)
    except TimeoutError:
        return None
    if len(text) > MOST_BYTES:
        await _close(socket, _TOO_BIG, "too long")
        raise WebSocketDisconnect(_TOO_BIG)
    try:
        content = orjson.loads(text)
    except orjson.JSONDecodeError:
        return {}
    return content if isinstance(content, dict) else {}


async def _text(socket: WebSocket) -> str | bytes:
    event = await socket.receive()
    if event["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(event.get("code", 1000))
    return event.get("text") or event.get("bytes") or ""


async def _send(socket: WebSocket, content: dict[str, Any]) -> None:
    await socket.send_text(orjson.dumps(content).decode())


async def _close(socket: WebSocket, code: int, why: str) -> None:
    with suppress(RuntimeError, WebSocketDisconnect):
        await socket.close(code, why)
