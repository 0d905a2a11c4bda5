"""A ticket as one reads it, and how its id comes about."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson

from contracts.clock import iso, parse_iso
from contracts.ids import joined
from servicedesk import lifecycle


@dataclass(frozen=True, slots=True)
class Ticket:
    """`revision` counts its changes: who hands it back with a change is told when somebody else made one meanwhile.

    `state` is the type of its state (new, open, pending, resolved, closed), `status` the key of its state (states.yml).
    `links` are `relation:ticket`. `sla` is as stored: policy, state, next {due, kind} and each target's due, done, breached.
    """

    id: str
    title: str
    body: str
    state: str
    priority: str
    category: str
    assignee: str
    opened: datetime
    updated: datetime
    resolved: datetime | None
    impacted_customers: int
    customer_ids: tuple[str, ...]
    services: tuple[str, ...]
    fingerprint: str
    incident: str
    history: tuple[Mapping[str, Any], ...]
    status: str = ""
    impact: str = ""
    urgency: str = ""
    origin: str = ""
    channel: str = ""
    language: str = ""
    skills: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    team: str = ""
    responded: datetime | None = None
    closed: datetime | None = None
    reopened: int = 0
    parent: str = ""
    merged_into: str = ""
    links: tuple[str, ...] = ()
    attachments: tuple[Mapping[str, Any], ...] = ()
    sla: Mapping[str, Any] = field(default_factory=dict)

    @property
    def revision(self) -> int:
        return len(self.history)

    @classmethod
    def of(cls, source: Mapping[str, Any]) -> Ticket:
        """From a document of index `ticket`."""
        ticket = source["ticket"]
        return cls(
            id=ticket["id"],
            title=ticket["title"],
            body=ticket["body"],
            state=ticket["state"],
            priority=ticket["priority"],
            category=ticket["category"],
            assignee=ticket.get("assignee", ""),
            opened=parse_iso(source["@timestamp"]),
            updated=parse_iso(ticket["updated"]),
            resolved=_moment(ticket.get("resolved")),
            impacted_customers=ticket.get("impacted_customers", 0),
            customer_ids=_tuple(source.get("customer", {}).get("id")),
            services=_tuple(source.get("service", {}).get("name")),
            fingerprint=source.get("alert", {}).get("fingerprint", ""),
            incident=source.get("incident", {}).get("id", ""),
            history=tuple(lifecycle.history(source)),
            status=lifecycle.status_of(source),
            **{name: ticket.get(name, "") for name in _TEXTS},
            skills=_tuple(ticket.get("skills")),
            tags=_tuple(ticket.get("tags")),
            links=_tuple(ticket.get("links")),
            responded=_moment(ticket.get("responded")),
            closed=_moment(ticket.get("closed")),
            reopened=ticket.get("reopened", 0),
            attachments=tuple(orjson.loads(entry) for entry in _tuple(ticket.get("attachments"))),
            sla=ticket.get("sla", {}),
        )


_TEXTS = ("impact", "urgency", "origin", "channel", "language", "team", "parent", "merged_into")


def _moment(value: str | None) -> datetime | None:
    return None if value is None else parse_iso(value)


def _tuple(value: Any) -> tuple[str, ...]:
    return tuple(value) if isinstance(value, list) else () if value is None else (value,)


def ids(opened: datetime, *identity: object) -> Iterator[str]:
    """`T-20261121-3f2a91`, then longer ones: of 10,000 tickets a day some share six digits, and must stay two tickets."""
    digest = joined(("ticket", *identity))
    for length in (6, 10, 16, len(digest)):
        yield f"T-{iso(opened)[:10].replace('-', '')}-{digest[:length]}"
