"""Webhooks over a real server: genuine ones are filed once; spoofed, replayed and malformed ones change nothing."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from alerting.notify.signing import HEADER, sign
from servicedesk import TicketDesk
from servicedesk.channels.book import INDEX
from servicedesk.channels.pipeline import Channels
from servicedesk.channels.web.server import served
from tests.servicedesk.channels.conftest import NOW, SECRET, Clock

# The example of Meta's webhook reference (field messages, a text), with a customer's number and the tests' time.
WHATSAPP: dict[str, Any] = {
    "object": "whatsapp_business_account",
    "entry": [
        {
            "id": "102290129340398",
            "changes": [
                {
                    "value": {
                        "messaging_product": "whatsapp",
                        "metadata": {"display_phone_number": "15550783881", "phone_number_id": "106540352242922"},
                        "contacts": [{"profile": {"name": "Sheena Nelson"}, "wa_id": "4915112345678"}],
                        "messages": [
                            {
                                "from": "4915112345678",
                                "id": "wamid.HBgLMTY1MDM4Nzk0MzkVAgASGBQzQTRBNjU5OUFFRTAzODEwMTQ0RgA=",
                                "timestamp": str(int(NOW.timestamp()) - 60),
                                "type": "text",
                                "text": {"body": "Does the network work in my street?"},
                            }
                        ],
                    },
                    "field": "messages",
                }
            ],
        }
    ],
}
STATUS = {
    "object": "whatsapp_business_account",
    "entry": [
        {"id": "1", "changes": [{"value": {"statuses": [{"id": "wamid.x", "status": "read"}]}, "field": "messages"}]}
    ],
}


@pytest.fixture
def server(channels: Channels) -> Iterator[str]:
    with served(channels) as address:
        yield address


def _meta(server: str, content: object, secret: str = SECRET) -> requests.Response:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    signature = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return requests.post(f"{server}/messages/whatsapp", body, headers={"X-Hub-Signature-256": signature}, timeout=60)


def _signed(server: str, path: str, content: object, *, secret: str = SECRET, age: int = 0) -> requests.Response:
    body = json.dumps(content).encode()
    headers = {HEADER: sign(secret, body, int(NOW.timestamp()) - age)}
    return requests.post(f"{server}{path}", body, headers=headers, timeout=60)


def test_whatsapp_message_is_filed_once_as_its_customers(channels: Channels, server: str, clock: Clock) -> None:
    assert _meta(server, WHATSAPP).json() == {"taken": 1, "new": 1}
    assert _meta(server, WHATSAPP).json() == {"taken": 1, "new": 0}
    (kept,) = channels.book.list()
    own = kept[INDEX]
    assert (own["channel"], own["sender"], own["name"]) == ("whatsapp", "+4915112345678", "Sheena Nelson")
    assert (own["text"], kept["customer"]["id"]) == ("Does the network work in my street?", "C1")
    assert TicketDesk(channels.store, clock).get(own["ticket"]).customer_ids == ("C1",)
    assert _meta(server, STATUS).json() == {"taken": 0, "new": 0}


def test_second_message_of_a_conversation_lands_in_the_same_ticket_for_some_days(
    channels: Channels, server: str, clock: Clock
) -> None:
    rows = [
        {"id": "1", "from": "+4930123456", "text": "no internet at home"},
        {"id": "2", "from": "+4930123456", "text": "?"},
    ]
    assert _signed(server, "/messages/messaging", {"messages": rows}).json() == {"taken": 2, "new": 2}
    assert len(TicketDesk(channels.store, clock).list()) == 1


@pytest.mark.parametrize(("secret", "age"), [("another-secret-of-32-characters!", 0), (SECRET, 301), (SECRET, -301)])
def test_spoofed_or_replayed_webhook_is_refused(channels: Channels, server: str, secret: str, age: int) -> None:
    rows = {"messages": [{"id": "1", "from": "+4930123456", "text": "hi"}]}
    assert _signed(server, "/messages/messaging", rows, secret=secret, age=age).status_code == 403
    call = {"call": "c1", "state": "ringing", "from": "+4930123456"}
    assert _signed(server, "/voice", call, secret=secret, age=age).status_code == 403
    assert channels.book.list() == []


def test_spoofed_whatsapp_webhook_is_refused_and_old_messages_are_not_taken(channels: Channels, server: str) -> None:
    assert _meta(server, WHATSAPP, secret="guessed-secret-of-32-characters!").status_code == 403
    unsigned = requests.post(f"{server}/messages/whatsapp", json=WHATSAPP, timeout=60)
    assert unsigned.status_code == 403
    old = json.loads(json.dumps(WHATSAPP))
    old["entry"][0]["changes"][0]["value"]["messages"][0]["timestamp"] = str(int(NOW.timestamp()) - 9 * 86400)
    assert _meta(server, old).json() == {"taken": 0, "new": 0}
    assert channels.book.list() == []


def test_challenge_is_answered_for_our_verify_token_only(server: str) -> None:
    asked = {"hub.mode": "subscribe", "hub.verify_token": "verify-me", "hub.challenge": "1158201444"}
    answer = requests.get(f"{server}/messages/whatsapp", asked, timeout=60)
    assert (answer.status_code, answer.text) == (200, "1158201444")
    assert (
        requests.get(f"{server}/messages/whatsapp", {**asked, "hub.verify_token": "x"}, timeout=60).status_code == 403
    )
    assert requests.get(f"{server}/messages/telegram", asked, timeout=60).status_code == 403


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"{",
        b'{"object":"page","entry":[]}',
        b'{"object":"whatsapp_business_account","entry":{}}',
        b'{"object":"whatsapp_business_account","entry":[{"changes":[{"field":"messages","value":{"messages":[{"id":1}]}}]}]}',
        b'{"object":"whatsapp_business_account","entry":[{"changes":[{"field":"messages","value":{"messages":'
        b'[{"id":"1","from":"2","timestamp":"999999999999999999999"}]}}]}]}',
    ],
)
def test_malformed_but_signed_webhook_is_refused_in_words(channels: Channels, server: str, content: bytes) -> None:
    answer = _meta(server, content)
    assert answer.status_code == 400
    assert answer.json()["error"]
    assert channels.book.list() == []


def test_body_beyond_the_bound_is_refused_unread(server: str) -> None:
    assert requests.post(f"{server}/voice", b"x" * 5_000_000, timeout=60).status_code == 413


def _call(server: str, state: str, **more: str) -> dict[str, Any]:
    event = {"call": "c-1", "state": state, "from": "+49 151 12345678", "to": "+4930555", **more}
    answer = _signed(server, "/voice", event)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def test_call_is_one_interaction_with_its_length_whatever_order_its_events_come_in(
    channels: Channels, server: str, clock: Clock
) -> None:
    _call(server, "answered", at="2026-11-21T11:50:10Z", agent="bob")
    _call(server, "ringing", at="2026-11-21T11:50:00Z")
    for _ in range(2):
        _call(server, "hung_up", at="2026-11-21T11:55:10Z", recording="https://pbx.operator.example/r/1")
    (kept,) = channels.book.list(channel="voice")
    assert kept["call"] == {
        "state": "hung_up",
        "answered": "2026-11-21T11:50:10.000Z",
        "ended": "2026-11-21T11:55:10.000Z",
        "duration": {"sec": 300},
        "recording": "https://pbx.operator.example/r/1",
    }
    assert (kept["customer"]["id"], kept[INDEX]["by"], kept[INDEX]["status"]) == ("C1", "bob", "filed")
    assert TicketDesk(channels.store, clock).list() == []


def test_call_that_nobody_took_opens_one_ticket(channels: Channels, server: str, clock: Clock) -> None:
    _call(server, "ringing")
    told = [_call(server, "hung_up")["ticket"] for _ in range(2)]
    (ticket,) = TicketDesk(channels.store, clock).list()
    assert told == [ticket.id, ticket.id]
    assert ticket.title == "Missed call from +49 151 12345678"


def test_call_event_that_is_none_is_refused_and_leaves_nothing(channels: Channels, server: str) -> None:
    for wrong in ({"state": "dancing"}, {"recording": "javascript:alert(1)"}, {"call": ""}, {"at": "soon"}):
        event = {"call": "c", "state": "ringing", "from": "+491", **wrong}
        assert _signed(server, "/voice", event).status_code == 400, wrong
    assert channels.book.list(channel="voice") == []
