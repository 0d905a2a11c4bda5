"""States of a suspended line, and which lines are meant.

    suspended ──► recycled     it was mediated after all: by `rejects retry`, or by reading its file again
        │  ▲          ▲
        ▼  │          │
    discarded ────────┘        given up by somebody, who says why; a record that turns up in the store later wins

TM Forum's usage management (TMF635, status of a usage) says `rejected` of suspended and discarded lines, `recycled` of recycled
ones, and `received` of records; `guided`, `rated` and `billed` happen in systems behind this one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from contracts.clock import iso
from contracts.indices import concrete
from infrastructure.store import Store, Versioned

SUSPENDED, RECYCLED, DISCARDED = "suspended", "recycled", "discarded"
STATES = (SUSPENDED, RECYCLED, DISCARDED)
USAGE_STATUS = {SUSPENDED: "rejected", RECYCLED: "recycled", DISCARDED: "rejected"}  # TMF635
BATCH = 1000  # rejects taken up at once


@dataclass(frozen=True, slots=True)
class Selection:
    """Which rejects: all that is given holds. `file`: part of the path; `since` ≤ first suspended < `until`; no `state`: any.

    `source`: path and fingerprint of the file that they were first seen in.
    """

    ids: tuple[str, ...] = ()
    reason: str = ""
    file: str = ""
    layout: str = ""
    service: str = ""
    since: datetime | None = None
    until: datetime | None = None
    state: str = SUSPENDED
    source: tuple[str, str] | None = None

    def query(self) -> dict[str, Any]:
        """As a query over cdr-reject."""
        terms = {
            "reject.reason": self.reason,
            "cdr.layout": self.layout,
            "service.name": self.service,
            "reject.state": self.state,
            "log.file.path": self.source[0] if self.source else "",
            "log.file.fingerprint": self.source[1] if self.source else "",
        }
        filters: list[dict[str, Any]] = [{"term": {name: value}} for name, value in terms.items() if value]
        if self.ids:
            filters.append({"ids": {"values": list(self.ids)}})
        if self.file:
            filters.append({"wildcard": {"log.file.path": {"value": f"*{_literal(self.file)}*"}}})
        bounds = {"gte": self.since, "lt": self.until}
        if limits := {name: iso(moment) for name, moment in bounds.items() if moment}:
            filters.append({"range": {"event.ingested": limits}})
        return {"bool": {"filter": filters}}

    def words(self) -> str:
        """For people and the audit trail."""
        given = {name: getattr(self, name) for name in ("reason", "file", "layout", "service", "state")}
        given |= {name: iso(moment) for name in ("since", "until") if (moment := getattr(self, name))}
        parts = [f"{name} {value}" for name, value in given.items() if value]
        return ", ".join([*parts, f"ids {', '.join(self.ids[:5])}"] if self.ids else parts)


def _literal(text: str) -> str:
    return "".join(f"\\{character}" if character in "*?\\" else character for character in text)


def batches(store: Store, selection: Selection) -> Iterator[list[Versioned]]:
    """The selected rejects as they are when their batch comes up: what somebody moved meanwhile is left out."""
    index = concrete("cdr-reject")
    store.refresh("cdr-reject")
    ids = (str(hit["_id"]) for hit in store.scan("cdr-reject", selection.query(), fields=[]))
    while batch := list(islice(ids, BATCH)):
        found = [row for row in store.read_back([(index, key) for key in batch]) if row is not None]
        yield [row for row in found if not selection.state or state_of(row.source) == selection.state]


def state_of(source: Mapping[str, Any]) -> str:
    """State of a reject document."""
    return str(source.get("reject", {}).get("state", SUSPENDED))


def place_of(source: Mapping[str, Any]) -> tuple[str, str, int]:
    """Path and fingerprint of the file that the line was first seen in, and its offset; empty and −1 where unknown."""
    log = source.get("log", {})
    file = log.get("file", {})
    return str(file.get("path", "")), str(file.get("fingerprint", "")), int(log.get("offset", -1))
