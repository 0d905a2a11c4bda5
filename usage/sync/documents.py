"""A CDR document → the records that it is in the usage store, as they would be given. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, NamedTuple

from contracts.clock import iso, parse_iso
from contracts.ids import joined

OWN = re.compile(r"usage-([0-9a-f]{32})", re.ASCII)  # what export-cdr writes: the record's own id
_SMS_RESULTS = {"delivered": "delivered", "failed": "failed", "expired": "failed", "pending": "pending"}


class Candidate(NamedTuple):
    """One side of a CDR: `key` is the keyed hash of its customer's number; `leg` names the call, where it has an id."""

    kind: str
    key: str
    given: dict[str, str]
    leg: str = ""


class Reading(NamedTuple):
    """What a document tells: candidates, or why it counts as none; `own`: kind and id of the record it was exported from."""

    candidates: tuple[Candidate, ...]
    reason: str = ""
    own: tuple[str, str] | None = None


Document = Mapping[str, Any]


def read_document(source: str, document: Document) -> Reading:
    """The document of that index; never raises on what is in it."""
    reading = _READERS[source](document)
    if reading.reason or reading.own or reading.candidates:
        return reading
    return Reading((), "no_number")


def at(document: Document, path: str) -> Any:
    """The value of a field with dots in its name, None where there is none."""
    found: Any = document
    for name in path.split("."):
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def _text(document: Document, path: str) -> str:
    value = at(document, path)
    return "" if value is None else str(value)


def _started(document: Document, duration_sec: float) -> str:
    """Start, or the end less the duration where only the end is known."""
    start = _text(document, "event.start")
    if start:
        return start
    end = _text(document, "@timestamp")
    try:
        return iso(parse_iso(end) - timedelta(seconds=duration_sec))
    except (ValueError, OverflowError):
        return end


def _seconds(document: Document, path: str) -> float:
    value = at(document, path)
    return float(value) if isinstance(value, int | float) else 0.0


def _milliseconds(seconds: float) -> str:
    return f"{round(seconds * 1000)} ms" if seconds >= 0 else "-1"


def _zone(document: Document, path: str) -> str:
    return "international" if _text(document, path).startswith("world-") else "national"


def _own(kind: str, text: str) -> tuple[str, str] | None:
    match = OWN.fullmatch(text)
    return (kind, match[1]) if match else None


def _voip(document: Document) -> Reading:
    call_id = _text(document, "voip.call_id")
    if own := _own("call", call_id):
        return Reading((), own=own)
    answered = _text(document, "voip.disposition") == "answered"
    lasted = _seconds(document, "voip.duration.sec") if answered else 0.0
    shared = {
        "started": _started(document, lasted),
        "duration": _milliseconds(lasted),
        "outcome": "answered" if answered else "unanswered",
    }
    calling, called = (_text(document, f"voip.{side}.number") for side in ("calling", "called"))
    sides = (("made", calling, called, "called"), ("received", called, calling, "calling"))
    found = []
    for direction, key, peer, other in sides:
        if key:
            given = shared | {"direction": direction, "peer": peer, "zone": _zone(document, f"voip.{other}.zone")}
            found.append(Candidate("call", key, given, joined((call_id, key, direction)) if call_id else ""))
    return Reading(tuple(found))


def _mobile(document: Document) -> Reading:
    lasted = _seconds(document, "mobile.duration.sec")
    given = _of_subscriber(document, "MOC") | {
        "started": _started(document, lasted),
        "duration": _milliseconds(lasted),
        "outcome": "answered",  # these formats write a record of calls that were answered
    }
    return _single("call", document, given)


def _sms(document: Document) -> Reading:
    if own := _own("sms", _text(document, "sms.message_id")):
        return Reading((), own=own)
    result = _SMS_RESULTS.get(_text(document, "sms.result"), "unknown")
    given = _of_subscriber(document, "SMS-MO") | {"started": _started(document, 0.0), "result": result}
    return _single("sms", document, given)


def _epc(document: Document) -> Reading:
    if own := _own("data", _text(document, "epc.pgw.address")):
        return Reading((), own=own)
    if _text(document, "epc.record_type") == "sgw-cdr":
        return Reading((), "reconciling")
    lasted = _seconds(document, "epc.duration.sec")
    given = {
        "started": _started(document, lasted),
        "duration": _milliseconds(lasted),
        "apn": _text(document, "epc.apn"),
        "uplink": _text(document, "epc.uplink.bytes") or "0",
        "downlink": _text(document, "epc.downlink.bytes") or "0",
        "final": "yes" if at(document, "epc.final") is True else "no",
        "plan": _text(document, "subscriber.plan"),
    }
    return _single("data", document, given)


def _of_subscriber(document: Document, outgoing: str) -> dict[str, str]:
    return {
        "direction": "made" if _text(document, "mobile.call_type") == outgoing else "received",
        "peer": _text(document, "peer.number"),
        "zone": _zone(document, "peer.zone"),
        "plan": _text(document, "subscriber.plan"),
    }


def _single(kind: str, document: Document, given: dict[str, str]) -> Reading:
    if surplus := _text(document, "cdr.surplus"):
        return Reading((), "open" if surplus == "open" else "surplus")
    key = _text(document, "subscriber.msisdn")
    return Reading((Candidate(kind, key, given),)) if key else Reading(())


_READERS: dict[str, Callable[[Document], Reading]] = {
    "cdr-voip": _voip,
    "cdr-mobile-voice": _mobile,
    "cdr-sms": _sms,
    "cdr-epc": _epc,
}
SOURCES = tuple(_READERS)
FIELDS = (
    *("event.ingested", "event.start", "@timestamp", "cdr.surplus", "peer.number", "peer.zone", "mobile", "sms", "epc"),
    *("subscriber.msisdn", "subscriber.plan", "voip.call_id", "voip.disposition", "voip.duration"),
    *("voip.calling.number", "voip.calling.zone", "voip.called.number", "voip.called.zone"),
)
