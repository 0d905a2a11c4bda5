"""Which mail answers which: Message-ID, In-Reply-To and References (RFC 5322 §3.6.4), and the ticket that a subject names."""

from __future__ import annotations

import re
from collections.abc import Iterable

MOST_REFERENCES = 20  # nearest ones; a long thread names all its ancestors
_ID = re.compile(r"<[^<>\s@]{1,250}@[^<>\s@]{1,250}>")
_TICKET = re.compile(r"\[(T-\d{8}-[0-9a-f]{6,32})\]")
_OURS = re.compile(r"<([0-9a-f]{32})@")


def ids(text: str) -> list[str]:
    """Message ids in a header's value, in the order they stand there."""
    return _ID.findall(text)


def references(in_reply_to: str, named: str) -> tuple[str, ...]:
    """Ids of the mails it answers, nearest first, each once: In-Reply-To, then References from its end."""
    return tuple(dict.fromkeys([*ids(in_reply_to), *reversed(ids(named))]))[:MOST_REFERENCES]


def ticket_in(subject: str) -> str:
    """`[T-20261121-3f2a91]` in a subject, without the brackets; "" when there is none. The last one counts: it was added last."""
    found = _TICKET.findall(subject)
    return found[-1] if found else ""


def ours(references: Iterable[str]) -> list[str]:
    """Ids of our own interactions among message ids: what we send is called after its id, which nobody can guess."""
    return [found.group(1) for found in map(_OURS.match, references) if found]


def message_id(interaction: str, domain: str) -> str:
    return f"<{interaction}@{domain}>"


def with_ticket(subject: str, ticket: str) -> str:
    """The subject with the ticket in it, once."""
    return subject if not ticket or ticket_in(subject) == ticket else f"[{ticket}] {subject}"
