"""Private notes on a ticket: in an index of their own, because rights are per index. They are no part of its history."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from contracts.clock import Clock, iso, parse_iso, utc_now
from contracts.errors import UserError
from contracts.ids import joined
from infrastructure.store import Operation, Store

MOST_NOTE = 100_000  # characters
MOST = 1000  # notes of a ticket that are read


@dataclass(frozen=True, slots=True)
class Note:
    ticket: str
    at: datetime
    by: str
    text: str


def add_note(store: Store, ticket: str, text: str, *, by: str, clock: Clock = utc_now) -> Note:
    """Keeps a note; the same one of the same moment once. Raises UserError on no such ticket, an empty or too long text."""
    if not text.strip() or len(text) > MOST_NOTE:
        raise UserError(f"a note has 1 to {MOST_NOTE:,} characters", where=ticket)
    if store.get("ticket", ticket) is None:
        raise UserError(f"there is no ticket {ticket[:40]}", remedy="see `busyhour ticket list`")
    now = iso(clock())
    document = {
        "@timestamp": now,
        "event": {"ingested": now},
        "ticket": {"id": ticket},
        "note": {"by": by, "text": text},
    }
    key = joined(("note", ticket, by, now, text))
    store.write_all([Operation("create", store.place("ticket-note"), key, document)])
    store.refresh("ticket-note")  # here, since who only reads may not refresh
    return Note(ticket, parse_iso(now), by, text)


def notes_of(store: Store, ticket: str) -> list[Note]:
    """Oldest first."""
    sort = [{"@timestamp": "asc"}]
    answer = store.search("ticket-note", query={"term": {"ticket.id": ticket}}, size=MOST, sort=sort)
    rows = [hit["_source"] for hit in answer["hits"]["hits"]]
    return [Note(ticket, parse_iso(row["@timestamp"]), row["note"]["by"], row["note"]["text"]) for row in rows]
