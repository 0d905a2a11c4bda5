"""Web chat over real WebSockets: one conversation, resumed, bounded, from our own pages only."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from servicedesk import TicketDesk
from servicedesk.channels.pipeline import Channels
from servicedesk.channels.web import chat
from servicedesk.channels.web.server import served
from tests.servicedesk.channels.conftest import Clock


@pytest.fixture
def server(channels: Channels) -> Iterator[str]:
    with served(channels) as address:
        yield address.replace("http://", "ws://") + "/chat"


def _say(page: ClientConnection, **content: object) -> None:
    page.send(json.dumps(content))


def _hear(page: ClientConnection) -> dict[str, Any]:
    return dict(json.loads(page.recv(timeout=20)))


@contextmanager
def _hello(server: str, **more: object) -> Iterator[tuple[ClientConnection, dict[str, Any]]]:
    """A page that said hello, and the welcome."""
    with connect(server, open_timeout=30) as page:
        _say(page, type="hello", **more)
        yield page, _hear(page)


def test_chat_opens_a_ticket_and_brings_the_agents_answer(channels: Channels, server: str, clock: Clock) -> None:
    with _hello(server) as (page, welcome):
        assert welcome["type"] == "welcome"
        _say(page, type="message", id="1", text="Hello, my internet is slow since yesterday")
        ack = _hear(page)
        assert (ack["type"], ack["id"]) == ("ack", "1")
        ticket = TicketDesk(channels.store, clock).get(ack["ticket"])
        assert ticket.body == "Hello, my internet is slow since yesterday"
        clock.forward(seconds=5)
        channels.reply(ticket.id, "I look into it.", by="bob")
        told = _hear(page)
        assert (told["type"], told["text"], told["by"]) == ("message", "I look into it.", "bob")


def test_chat_is_resumed_by_its_token_and_doubles_nothing(channels: Channels, server: str, clock: Clock) -> None:
    with _hello(server) as (page, welcome):
        _say(page, type="message", id="1", text="Hello, can you hear me over there?")
        first = _hear(page)
    clock.forward(seconds=5)
    channels.reply(first["ticket"], "Yes.", by="bob")
    with _hello(server, token=welcome["token"], since="2026-11-21T12:00:00Z") as (page, again):
        assert again["conversation"] == welcome["conversation"]
        _say(page, type="message", id="1", text="Hello, can you hear me over there?")
        heard = [_hear(page), _hear(page)]
        assert {each["type"] for each in heard} == {"ack", "message"}
        assert {each.get("ticket", first["ticket"]) for each in heard} == {first["ticket"]}
    assert len(channels.book.list(direction="inbound")) == 1


def test_chat_of_a_known_customer_is_their_conversation(channels: Channels, server: str) -> None:
    with _hello(server, token=chat.token_for(channels, "C2")) as (page, _):
        _say(page, type="message", id="1", text="It is me, the phone is dead")
        _hear(page)
    (kept,) = channels.book.list()
    assert kept["customer"]["id"] == "C2"


def test_chat_from_a_page_of_another_site_is_refused(channels: Channels, server: str) -> None:
    with pytest.raises(InvalidStatus):
        connect(server, origin="https://evil.example", open_timeout=30)  # type: ignore[arg-type]
    own = server.replace("ws://", "http://").removesuffix("/chat")
    with connect(server, origin=own, open_timeout=30) as page:  # type: ignore[arg-type]
        _say(page, type="hello")
        assert _hear(page)["type"] == "welcome"


@pytest.mark.parametrize("token", ["x", "e30.aaaa.bbbb", "e30=" * 2000])
def test_chat_with_a_token_that_is_not_ours_is_closed(server: str, token: str) -> None:
    with connect(server, open_timeout=30) as page:
        _say(page, type="hello", token=token)
        with pytest.raises(ConnectionClosed) as closed:
            _hear(page)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1008


def test_chat_flood_is_slowed_and_then_closed(channels: Channels, server: str) -> None:
    heard: list[str] = []
    with pytest.raises(ConnectionClosed), _hello(server) as (page, _):
        for number in range(500):
            _say(page, type="message", id=str(number), text=f"flood number {number} of many")
        for _ in range(500):
            heard.append(_hear(page)["type"])
    assert len(channels.book.list(direction="inbound", limit=1000)) < 40
    assert "error" in heard or heard.count("ack") < 40


def test_chat_takes_no_frame_or_message_beyond_its_bounds(channels: Channels, server: str) -> None:
    with _hello(server) as (page, _):
        _say(page, type="message", id="1", text="x" * (chat.MOST_TEXT + 1))
        assert _hear(page)["type"] == "error"
        for odd in ("[]", "{", '{"type":"message"}', '{"type":"message","id":"1","text":5}', "\x00"):
            page.send(odd)
            assert _hear(page)["type"] == "error"
        page.send("x" * 200_000)
        with pytest.raises(ConnectionClosed):
            _hear(page)
    assert channels.book.list() == []


def test_chats_beyond_the_bound_are_refused(channels: Channels, server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chat, "_PER_ADDRESS", 3)
    with ExitStack() as pages:
        for _ in range(3):
            pages.enter_context(_hello(server))
        with pytest.raises(InvalidStatus), _hello(server):
            pass
