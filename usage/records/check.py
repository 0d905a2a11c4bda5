"""What is given becomes a row or a refusal with its reason. Pure; a bad record is a value, never an exception."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from usage import schema
from usage.records.kinds import Row, finished
from usage.text.durations import LONGEST_MS, parse_duration
from usage.text.moments import parse_moment
from usage.text.numbers import parse_msisdn
from usage.text.volumes import parse_volume

AHEAD = timedelta(minutes=5)  # clocks differ
EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
Given = Mapping[str, str]
# A party: E.164 or national digits, a short code, an alphanumeric sender (3GPP TS 23.040, 9.1.2.5), a keyed hash, or nothing.
_PEER = re.compile(r"\+?[0-9*#]{1,20}|[A-Za-z0-9][A-Za-z0-9 .&_-]{0,10}|[0-9a-f]{32}|", re.ASCII)
_PLAIN_SECONDS = re.compile(r"[0-9]{1,7}", re.ASCII)
_PLAIN_BYTES = re.compile(r"[0-9]{1,15}", re.ASCII)
_OUTCOMES = {"answered": True, "unanswered": False, "": True}
_FINAL = {"yes": True, "no": False, "": True, "true": True, "false": False, "1": True, "0": False}


class Refusal(NamedTuple):
    """Why a record is not taken: a short `reason` code, the field at fault, and words for people."""

    reason: str
    field: str
    detail: str


class Refused(Exception):
    """Carries a refusal out of the depth of a check; never leaves this module."""

    def __init__(self, reason: str, field: str, detail: str) -> None:
        super().__init__(detail)
        self.refusal = Refusal(reason, field, detail)


class Terms(NamedTuple):
    """What records are judged by. `zone`: of times without an offset; `owner`: customer of an MSISDN, "" when unknown."""

    now: datetime
    zone: ZoneInfo
    origin: str
    plan_of: Callable[[str], str | None]
    owner: Callable[[str], str]


def key_of(given: Given) -> list[str]:
    """The number, as `+` and digits, by which the customer must be looked up first; none where it cannot be one."""
    if given.get("customer", "").strip() or not given.get("msisdn"):
        return []
    try:
        return [parse_msisdn(given["msisdn"])]
    except ValueError:
        return []


def check(kind: str, given: Given, terms: Terms) -> Row | Refusal:
    """The row of a record, complete but for nothing, or why it is refused."""
    try:
        return finished(kind, _CHECKS[kind](given, terms))
    except Refused as refused:
        return refused.refusal


def _call(given: Given, terms: Terms) -> Row:
    started = _started(given, terms)
    duration = _duration(given, started, terms)
    answered = _choice(given, "outcome", _OUTCOMES)
    if not answered and duration:
        raise Refused("unanswered_with_duration", "duration", "a call that nobody answered has no duration")
    return (
        *_head(given, started, terms),
        _word(given, "direction", schema.DIRECTIONS),
        _peer(given),
        answered,
        duration,
        *_tail(given, terms),
    )


def _sms(given: Given, terms: Terms) -> Row:
    started = _started(given, terms)
    parts = given.get("parts") or "1"
    if not (parts.isascii() and parts.isdigit() and 1 <= int(parts[:4]) <= 255 and len(parts) <= 3):
        raise Refused("bad_number", "parts", f"{parts[:40]!r} is not 1 to 255 (3GPP TS 23.040, 9.2.3.24.1)")
    return (
        *_head(given, started, terms),
        _word(given, "direction", schema.DIRECTIONS),
        _peer(given),
        _word(given, "result", schema.SMS_RESULTS, "unknown"),
        int(parts),
        *_tail(given, terms),
    )


def _data(given: Given, terms: Terms) -> Row:
    started = _started(given, terms)
    return (
        *_head(given, started, terms),
        text(given, "apn", schema.LONGEST_APN),
        _choice(given, "final", _FINAL),
        _duration(given, started, terms),
        _volume(given, "uplink"),
        _volume(given, "downlink"),
        *_tail(given, terms),
    )


_CHECKS: dict[str, Callable[[Given, Terms], Row]] = {"call": _call, "sms": _sms, "data": _data}


def _head(given: Given, started: datetime, terms: Terms) -> Row:
    customer = _customer(given, terms)
    known_plan = terms.plan_of(customer)
    if known_plan is None:
        raise Refused("unknown_customer", "customer", f"there is no customer {customer[:40]!r}")
    plan = text(given, "plan", schema.LONGEST_PLAN) or known_plan
    return "", customer, plan, started, 0, _word(given, "zone", schema.ZONES, "national")


def _customer(given: Given, terms: Terms) -> str:
    customer = text(given, "customer", schema.LONGEST_CUSTOMER_ID)
    if customer:
        return customer
    msisdn = given.get("msisdn", "")
    if not msisdn:
        raise Refused("missing", "customer", "neither customer nor msisdn is given")
    owner = terms.owner(number(msisdn, "msisdn"))
    if not owner:
        raise Refused("unknown_customer", "msisdn", f"{msisdn[:40]!r} is nobody's number")
    return owner


def _tail(given: Given, terms: Terms) -> Row:
    return terms.origin, text(given, "ref", schema.LONGEST_REF) or None


def number(given: str, field: str) -> str:
    """`+` and digits."""
    try:
        return parse_msisdn(given)
    except ValueError as error:
        raise Refused("bad_number", field, str(error)) from None


def text(given: Given, field: str, longest: int) -> str:
    """Printable text without blanks around it. Control characters could steer a terminal; overlong text would be cut."""
    value = given.get(field, "").strip()
    if len(value) > longest:
        raise Refused("too_long", field, f"{field} has {len(value)} characters, more than {longest}")
    if not value.isprintable():
        raise Refused("control_characters", field, f"{field} {value[:40]!r} holds characters that cannot be printed")
    return value


def _word(given: Given, field: str, words: tuple[str, ...], default: str = "") -> str:
    value = given.get(field, "") or default
    if value not in words:
        raise Refused("bad_choice", field, f"{field} {value[:40]!r} is not one of {', '.join(words)}")
    return value


def _choice(given: Given, field: str, words: Mapping[str, bool]) -> bool:
    value = given.get(field, "")
    found = words.get(value)
    if found is None:
        known = ", ".join(word for word in words if word)
        raise Refused("bad_choice", field, f"{field} {value[:40]!r} is not one of {known}")
    return found


def _peer(given: Given) -> str:
    value = given.get("peer", "")
    if not _PEER.fullmatch(value):
        value = value.strip()
        if not _PEER.fullmatch(value):
            try:
                return parse_msisdn(value)
            except ValueError:
                detail = f"peer {value[:40]!r} is neither a number nor a sender's name"
                raise Refused("bad_number", "peer", detail) from None
    return value


def moment(given: Given, field: str, terms: Terms) -> datetime:
    """An aware UTC time of that field."""
    value = given.get(field, "")
    if not value:
        raise Refused("missing", field, f"{field} is missing")
    try:
        return parse_moment(value, terms.zone, terms.now)
    except ValueError as error:
        raise Refused("bad_time", field, str(error)) from None


def _started(given: Given, terms: Terms) -> datetime:
    started = moment(given, "started", terms)
    if started > terms.now + AHEAD:
        raise Refused("future_time", "started", f"{given['started'][:40]!r} lies in the future")
    if started < EARLIEST:
        raise Refused("bad_time", "started", f"{given['started'][:40]!r} is before {EARLIEST.year}")
    return started


def _duration(given: Given, started: datetime, terms: Terms) -> int:
    """Milliseconds, given or up to `ended`; where both are given they must agree to the second."""
    given_text = given.get("duration", "")
    given_ms = _given_duration(given_text) if given_text else None
    if not given.get("ended"):
        if given_ms is None:
            raise Refused("missing", "duration", "neither duration nor ended is given")
        return given_ms
    ended = moment(given, "ended", terms)
    lasted = round((ended - started).total_seconds() * 1000)
    if lasted < 0:
        raise Refused("end_before_start", "ended", f"{given['ended'][:40]!r} is before the start")
    if ended > terms.now + AHEAD:
        raise Refused("future_time", "ended", f"{given['ended'][:40]!r} lies in the future")
    if lasted > LONGEST_MS:
        raise Refused("bad_duration", "ended", f"{given['ended'][:40]!r} is more than a year after the start")
    if given_ms is not None and abs(given_ms - lasted) >= 1000:
        raise Refused("contradiction", "duration", f"duration {given_text[:40]!r} does not fit start and end")
    return lasted if given_ms is None else given_ms


def _given_duration(value: str) -> int:
    if _PLAIN_SECONDS.fullmatch(value):  # the form that files have
        return int(value) * 1000
    try:
        return parse_duration(value)
    except ValueError as error:
        reason = "negative_duration" if value.strip()[:1] in "-−" else "bad_duration"
        raise Refused(reason, "duration", str(error)) from None


def _volume(given: Given, field: str) -> int:
    value = given.get(field, "")
    if _PLAIN_BYTES.fullmatch(value):
        return int(value)
    if not value:
        raise Refused("missing", field, f"{field} is missing")
    try:
        volume = parse_volume(value)
    except ValueError as error:
        raise Refused("negative_volume" if value.strip()[:1] in "-−" else "bad_volume", field, str(error)) from None
    if volume > 10**15:
        raise Refused("bad_volume", field, f"{field} {value[:40]!r} is more than a petabyte")
    return volume
