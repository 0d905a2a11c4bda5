"""A ticket as one reads it, and how its id comes about."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from contracts.clock import iso, parse_iso
from contracts.ids import joined
from servicedesk import lifecycle


@dataclass(frozen=True, slots=True)
class Ticket:
    """`revision` counts its changes: who hands it back with a change is told when somebody else made one meanwhile."""

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
            resolved=parse_iso(ticket["resolved"]) if "resolved" in ticket else None,
            impacted_customers=ticket.get("impacted_customers", 0),
            customer_ids=_tuple(source.get("customer", {}).get("id")),
            services=_tuple(source.get("service", {}).get("name")),
            fingerprint=source.get("alert", {}).get("fingerprint", ""),
            incident=source.get("incident", {}).get("id", ""),
            history=tuple(lifecycle.history(source)),
        )


def _tuple(value: Any) -> tuple[str, ...]:
    return tuple(value) if isinstance(value, list) else () if value is None else (value,)


def ids(opened: datetime, *identity: object) -> Iterator[str]:
    """`T-20261121-3f2a91`, then longer ones: of 10,000 tickets a day some share six digits, and must stay two tickets."""
    digest = joined(("ticket", *identity))
    for length in (6, 10, 16, len(digest)):
        yield f"T-{iso(opened)[:10].replace('-', '')}-{digest[:length]}"
