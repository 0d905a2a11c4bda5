"""The usual line of a file in one go: a third of the time of `check`, and the same row; a test holds the two together.

A line in which anything is odd (another form of time or duration, a reference that needs a look, a refusal) is not taken: None,
and it goes the way of `check`, which is the definition.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from hashlib import sha256

from usage import schema
from usage.records.check import AHEAD, EARLIEST, Terms
from usage.records.kinds import Row
from usage.schema import QUARTER_SEC

_PEER = re.compile(r"\+?[0-9]{1,20}", re.ASCII).fullmatch
_LONGEST_SECONDS = 6  # digits
_LONGEST_BYTES = 15
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DIRECTIONS, _ZONES, _RESULTS = (frozenset(words) for words in (schema.DIRECTIONS, schema.ZONES, schema.SMS_RESULTS))
_OUTCOMES = {"answered": True, "unanswered": False, "": True}
Quick = Callable[[Sequence[str]], Row | None]
# Columns that it knows; a file with others goes the other way whole.
_KNOWN = {
    "call": frozenset({"customer", "started", "duration", "direction", "peer", "outcome", "zone", "ref"}),
    "sms": frozenset({"customer", "started", "direction", "peer", "result", "parts", "zone", "ref"}),
    "data": frozenset({"customer", "started", "duration", "apn", "uplink", "downlink", "zone", "ref"}),
}


def columns_known(kind: str, header: Sequence[str]) -> bool:
    """Whether a file has the usual columns and no others."""
    return {"customer", "started"} <= set(header) <= _KNOWN[kind]


def quick(kind: str, header: Sequence[str], terms: Terms) -> Quick | None:
    """What makes a row of the cells of a line, for files whose columns are all of the usual ones; else None."""
    if not columns_known(kind, header):
        return None
    at = {name: header.index(name) for name in header}
    missing = len(header)  # an absent column reads as an empty cell behind the last
    places = [at.get(name, missing) for name in ("customer", "started", "zone", "ref")]
    return _Quick(kind, terms, places, [at.get(name, missing) for name in _SPECIFIC[kind]]).row


_SPECIFIC = {
    "call": ("direction", "peer", "outcome", "duration"),
    "sms": ("direction", "peer", "result", "parts"),
    "data": ("apn", "duration", "uplink", "downlink"),
}


class _Quick:
    """One file's."""

    def __init__(self, kind: str, terms: Terms, places: list[int], specific: list[int]) -> None:
        self._kind, self._plan_of, self._origin = kind, terms.plan_of, terms.origin
        self._latest = terms.now + AHEAD
        self._customer, self._started, self._zone, self._ref = places
        self._specific = specific
        self._make = {"call": _call, "sms": _sms, "data": _data}[kind]

    def row(self, line: Sequence[str]) -> Row | None:
        cells = [*line, ""]
        customer, ref, zone = cells[self._customer], cells[self._ref], cells[self._zone] or "national"
        plan = self._plan_of(customer)
        try:
            started = datetime.fromisoformat(cells[self._started])
        except ValueError:
            return None
        if (
            plan is None
            or started.tzinfo is not UTC
            or not EARLIEST <= started <= self._latest
            or started.microsecond % 1000
            or zone not in _ZONES
            or not _plain(ref)
            or len(ref) > schema.LONGEST_REF
        ):
            return None
        specific = self._make(*[cells[place] for place in self._specific])
        if specific is None:
            return None
        since = started - _EPOCH
        seconds = since.days * 86_400 + since.seconds
        key = self._id(customer, seconds * 1000 + started.microsecond // 1000, specific, ref)
        return (key, customer, plan, started, seconds // QUARTER_SEC, zone, *specific, self._origin, ref or None)

    def _id(self, customer: str, started_ms: int, specific: Row, ref: str) -> str:
        """As `kinds.record_id` of `kinds.finished`."""
        rest = f"{specific[0]}\x1f{ref}" if ref else "\x1f".join(map(str, specific))
        text = f"{self._kind}\x1f{customer}\x1f{rest}"
        return f"{started_ms:012x}{sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()[:20]}"


def _plain(ref: str) -> bool:
    return ref.isprintable() and ref == ref.strip()


def _call(direction: str, peer: str, outcome: str, duration: str) -> Row | None:
    answered = _OUTCOMES.get(outcome)
    if direction not in _DIRECTIONS or answered is None or not _digits(duration, _LONGEST_SECONDS) or not _PEER(peer):
        return None
    lasted = int(duration) * 1000
    return None if lasted and not answered else (direction, peer, answered, lasted)


def _sms(direction: str, peer: str, result: str, parts: str) -> Row | None:
    if direction not in _DIRECTIONS or result not in _RESULTS or not _PEER(peer):
        return None
    count = int(parts) if _digits(parts, 3) else 0
    return (direction, peer, result, count) if 1 <= count <= 255 else None


def _data(apn: str, duration: str, uplink: str, downlink: str) -> Row | None:
    if not (
        _digits(duration, _LONGEST_SECONDS) and _digits(uplink, _LONGEST_BYTES) and _digits(downlink, _LONGEST_BYTES)
    ):
        return None
    if not (apn.isalnum() and len(apn) <= schema.LONGEST_APN):
        return None
    return (apn, True, int(duration) * 1000, int(uplink), int(downlink))


def _digits(text: str, most: int) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= most
