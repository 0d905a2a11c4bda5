"""Logging at the console: a call, an SMS, a data session, a customer; each answer is checked before the next question."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from contracts.errors import ConflictError, UserError
from usage.logging import judge, log
from usage.menu.screen import Back
from usage.menu.session import Session
from usage.records.check import Refusal
from usage.records.customers import add_customer, show_customer
from usage.records.kinds import KINDS, Kind
from usage.schema import DIRECTIONS, KINDS_OF_CUSTOMER, SMS_RESULTS, ZONES

_CHOICES = ("a call", "an SMS", "a data session", "a customer")
# In the order in which they are asked; (field, question, default or None when it must be typed, hint).
_Question = tuple[str, str, str | None, str]
_WHO: _Question = ("customer", "Customer", None, "id, or number with +")
_WHEN: _Question = ("started", "Started", "now", "such as 2026-11-21 10:05 or yesterday 10:05")
_LONG: _Question = ("duration", "Duration", None, "such as 1:02:03, 62 min or seconds")
_WAY: _Question = ("direction", "Direction", DIRECTIONS[0], " or ".join(DIRECTIONS))
_PEER: _Question = ("peer", "Other party", "", "number or name")
_ZONE: _Question = ("zone", "Zone", ZONES[0], ", ".join(ZONES))
_OUTCOME: _Question = ("outcome", "Outcome", "answered", "answered or unanswered")
_QUESTIONS: dict[str, tuple[_Question, ...]] = {
    "call": (_WHO, _WHEN, _OUTCOME, _LONG, _WAY, _PEER, _ZONE),
    "sms": (_WHO, _WHEN, _WAY, _PEER, ("result", "Result", SMS_RESULTS[0], ", ".join(SMS_RESULTS)), _ZONE),
    "data": (
        *(_WHO, _WHEN, _LONG),
        ("uplink", "Sent", None, "bytes, such as 1.5 MB"),
        ("downlink", "Received", None, "bytes, such as 2 GiB"),
        ("apn", "Access point name", "", "such as internet"),
        _ZONE,
    ),
}


def log_menu(session: Session) -> None:
    """Until the user goes back."""
    while True:
        chosen = session.screen.choose("Log data", _CHOICES)
        try:
            _customer(session) if chosen == 3 else _record(session, KINDS[("call", "sms", "data")[chosen]])
        except Back:
            continue


def _record(session: Session, kind: Kind) -> None:
    # Stand-ins for what was not asked yet, so that each answer can be judged at once.
    hour_ago = session.store.clock() - timedelta(hours=1)
    given = {"started": hour_ago.isoformat(), "duration": "0", "direction": "made", "uplink": "0", "downlink": "0"}
    given["customer"] = ""
    for question in _QUESTIONS[kind.name]:
        if question is _LONG and given.get("outcome") == "unanswered":
            continue  # it lasted for nothing, as the stand-in says
        given |= _asked(session, kind, given, question)
    if session.screen.ask("Store it", _yes_or_no, default="yes", hint="yes or no"):
        done = log(session.store, kind.name, given, session.zone, session.key)
        session.screen.say(
            f"Logged: {done.id}" if done.new else f"It was there already: {done.id}. Nothing was stored twice."
        )
    else:
        session.screen.say("Nothing was stored.")


def _asked(session: Session, kind: Kind, given: dict[str, str], question: _Question) -> dict[str, str]:
    field, words, default, hint = question

    def read(text: str) -> dict[str, str]:
        answer = {"customer": "", "msisdn": text} if field == "customer" and text.startswith("+") else {field: text}
        judged = judge(session.store, kind.name, given | answer, session.zone, session.key)
        if isinstance(judged, Refusal) and judged.field in answer:
            raise ValueError(judged.detail)
        return answer

    return session.screen.ask(words, read, default=default, hint=hint)


def _yes_or_no(text: str) -> bool:
    if text.lower() not in ("yes", "y", "no", "n"):
        raise ValueError(f"{text[:40]!r} is neither yes nor no")
    return text.lower().startswith("y")


def _new(session: Session) -> Callable[[str], str]:
    """An id that is nobody's yet."""

    def read(text: str) -> str:
        try:
            show_customer(session.store, text)
        except UserError:
            return text
        raise ValueError(f"customer {text[:40]} is there already")

    return read


def _kind(text: str) -> str:
    if text not in KINDS_OF_CUSTOMER:
        raise ValueError(f"{text[:40]!r} is not one of {', '.join(KINDS_OF_CUSTOMER)}")
    return text


def _customer(session: Session) -> None:
    screen = session.screen
    while True:
        given = {"id": screen.ask("Customer id", _new(session)), "name": screen.ask("Name", str)}
        given["kind"] = screen.ask("Kind", _kind, default="consumer", hint=" or ".join(KINDS_OF_CUSTOMER))
        given["plan"] = screen.ask("Plan", str, hint="such as PLAN1")
        given["msisdns"] = screen.ask("Numbers", str, default="", hint="separated by commas")
        try:
            made = add_customer(session.store, given, session.key)
        except (UserError, ConflictError) as error:
            screen.say(f"  Not taken: {error.what}. Please try again.")
            continue
        numbers = len(made["msisdns"])
        screen.say(f"Customer {made['id']} is there, with {numbers or 'no'} number{'' if numbers == 1 else 's'}.")
        return
