"""Calls, as a telephone system (CTI) tells of them: ringing, answered, hung up, and where the recording is.

One interaction a call, whatever order its events come in and however often. A call that nobody took opens a ticket, so that
somebody calls back.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from contracts.clock import iso, parse_iso
from contracts.errors import UserError
from servicedesk.channels.book import INDEX, document
from servicedesk.channels.message import FILED, RECEIVED, VOICE, Inbound, conversation_id
from servicedesk.channels.people import customer_of
from servicedesk.channels.pipeline import Channels, Receipt
from servicedesk.channels.web.adapters import json_object, moment, wanted
from servicedesk.channels.words import one_line

STATES = ("ringing", "answered", "hung_up")  # in this order; an event that comes late takes nothing back


def take(channels: Channels, body: bytes) -> Receipt:
    """An event: JSON with `call`, `state`, `from`, `to`, `at` (ISO 8601), `agent`, `recording` (https). Raises UserError."""
    now = channels.clock()
    event = json_object(body)
    state, at = wanted(event, "state"), moment(event.get("at"), now)
    if state not in STATES:
        raise UserError(f"state {state[:40]!r} is not one of {', '.join(STATES)}")
    call = Inbound(VOICE, wanted(event, "call"), wanted(event, "from"), "", at, recipient=one_line(event.get("to", "")))
    told = _told(event, state, at)  # an event that is refused leaves nothing behind
    _begin(channels, call)

    def moved(source: dict[str, Any]) -> dict[str, Any] | None:
        after = _with(source, told)
        return None if after == source else {**after, "event": {"ingested": iso(now)}}

    source = channels.store.modify(INDEX, call.id, moved)
    if source["call"]["state"] == "hung_up" and "answered" not in source["call"]:
        return channels.receive(call)
    return Receipt(call.id, source[INDEX]["status"], source[INDEX].get("ticket", ""))


def _begin(channels: Channels, call: Inbound) -> None:
    if channels.book.get(call.id) is not None:
        return
    customer = customer_of(channels.store, call.sender)
    kept = document(call, channels.clock(), status="ringing")
    kept[INDEX]["conversation"] = conversation_id(customer, call.sender)
    kept |= {"call": {"state": "ringing"}} | ({"customer": {"id": customer}} if customer else {})
    channels.book.keep(call.id, kept)


def _told(event: dict[str, Any], state: str, at: datetime) -> dict[str, Any]:
    told: dict[str, Any] = {"state": state}
    told |= {"answered": iso(at)} if state == "answered" else {}
    told |= {"ended": iso(at)} if state == "hung_up" else {}
    told |= {"by": one_line(event["agent"])} if event.get("agent") else {}
    if link := event.get("recording"):
        if not isinstance(link, str) or len(link) > 2000 or urlsplit(link).scheme != "https":
            raise UserError("recording is no https link")
        told["recording"] = link
    return told


def _with(source: dict[str, Any], told: dict[str, Any]) -> dict[str, Any]:
    call, own = dict(source.get("call", {})), dict(source[INDEX])
    if STATES.index(told["state"]) > STATES.index(call.get("state", STATES[0])):
        call["state"] = told["state"]
    for name in ("answered", "ended", "recording"):
        if name in told and name not in call:
            call[name] = told[name]
    if {"answered", "ended"} <= call.keys():
        spent = parse_iso(call["ended"]) - parse_iso(call["answered"])
        call["duration"] = {"sec": max(0, int(spent.total_seconds()))}
    if call["state"] == "hung_up" and own["status"] == "ringing":
        missed = {"status": RECEIVED, "text": f"Missed call from {own['sender']}"}
        own |= {"status": FILED} if "answered" in call else missed
    own |= {"by": told["by"]} if "by" in told else {}
    return {**source, "call": call, INDEX: own}
