"""Satisfaction (CSAT): after a ticket is resolved its customer gets a link, and may answer once, from 1 to 5.

An answer is an interaction of channel `survey`, whose id is made of ticket and customer: a second one changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from contracts.clock import iso, parse_iso
from contracts.errors import SettingError, UserError
from contracts.ids import joined
from servicedesk.channels import texts, tokens
from servicedesk.channels.book import INDEX, Document
from servicedesk.channels.language import detect
from servicedesk.channels.message import EMAIL, FILED, INBOUND, SURVEY, conversation_id
from servicedesk.channels.pipeline import Channels
from servicedesk.channels.words import one_line, tidy

SCORES = range(1, 6)
_MOST_COMMENT = 2000
_LOOK_BACK = timedelta(days=7)
_SOON = timedelta(days=1)
_PURPOSE = "survey"  # of customer.consents


@dataclass(frozen=True, slots=True)
class Question:
    """Which ticket and customer a link is about."""

    ticket: str
    customer: str


def link(channels: Channels, ticket: str, customer: str) -> str:
    """Raises SettingError where channel.url is not set."""
    base = channels.store.settings.text("channel.url").rstrip("/")
    if not base:
        raise SettingError("is not set", where="channel.url", remedy="set it to where customers reach `channel serve`")
    return f"{base}/survey/{token(channels, ticket, customer)}"


def token(channels: Channels, ticket: str, customer: str) -> str:
    return tokens.issue(channels.store.settings, tokens.SURVEY, {"t": ticket, "c": customer})


def question(channels: Channels, text: str) -> Question:
    """What a token asks about. Raises BadToken."""
    content = tokens.read(channels.store.settings, tokens.SURVEY, text)
    return Question(str(content.get("t", "")), str(content.get("c", "")))


def answered(channels: Channels, asked: Question) -> bool:
    return channels.book.get(_key(asked)) is not None


def answer(channels: Channels, asked: Question, score: int, comment: str = "") -> bool:
    """Keeps an answer; False when there is one already, which stays. Raises UserError on a score that is none."""
    if score not in SCORES:
        raise UserError(f"{score} is not from {SCORES[0]} to {SCORES[-1]}", where="score")
    found = channels.store.get("ticket", asked.ticket)
    if found is None:
        raise UserError("there is no such ticket", where=asked.ticket)
    now, ticket = channels.clock(), found.source["ticket"]
    said = tidy(comment, _MOST_COMMENT)
    own: dict[str, Any] = {
        "channel": SURVEY,
        "direction": INBOUND,
        "status": FILED,
        "external_id": _key(asked),
        "conversation": conversation_id(asked.customer, ""),
        "ticket": asked.ticket,
        "text": said,
        "language": detect(said),
    }
    about = {
        "agent": ticket.get("assignee", ""),
        "team": ticket.get("team", ""),
        "category": ticket.get("category", ""),
    }
    document: Document = {
        "@timestamp": iso(now),
        "event": {"ingested": iso(now)},
        INDEX: {name: value for name, value in own.items() if value},
        "survey": {"score": score} | {name: one_line(value) for name, value in about.items() if value},
        "customer": {"id": asked.customer},
    }
    return channels.book.keep(_key(asked), document)


def invite(channels: Channels) -> int:
    """Asks customers whose tickets were resolved lately, by the channel they used last; how many. Each ticket once.

    By chat and messaging only within a day of what they wrote: later nobody reads a chat, and services refuse it.
    Nobody is asked who has not agreed where consents are kept (customer.consents without `survey`).
    """
    since = iso(channels.clock() - _LOOK_BACK)
    done = 0
    channels.store.refresh("ticket")
    query = {"bool": {"filter": [{"range": {"ticket.resolved": {"gte": since}}}, {"exists": {"field": "customer.id"}}]}}
    for hit in channels.store.scan("ticket", query, ["ticket.id"]):
        done += _invite(channels, str(hit["_source"]["ticket"]["id"]))
    return done


def _invite(channels: Channels, ticket: str) -> bool:
    wrote = channels.book.list(ticket=ticket, direction=INBOUND, limit=10)
    last = next((row for row in wrote if row[INDEX]["channel"] != SURVEY), None)
    if last is None or "customer" not in last or not channels.takes(last):
        return False
    customer = str(last["customer"]["id"])
    late = channels.clock() - parse_iso(last["@timestamp"]) > _SOON
    if (late and last[INDEX]["channel"] != EMAIL) or not _agreed(channels, customer):
        return False
    language = channels.language(last)
    said = texts.text("survey", language, ticket=ticket, link=link(channels, ticket, customer))
    subject = texts.text("survey_subject", language)
    return channels.answer(joined(("survey-invitation", ticket, customer)), last, said, ticket=ticket, subject=subject)


def _agreed(channels: Channels, customer: str) -> bool:
    found = channels.store.get("customer", customer)
    consents = found.source["customer"].get("consents") if found else None
    return consents is None or _PURPOSE in consents


def _key(asked: Question) -> str:
    return joined(("survey", asked.ticket, asked.customer))
