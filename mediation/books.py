"""The books of a file: how each of its lines ended. A pure function of the store and the file, whoever read it and how often."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from contracts.errors import InternalError
from contracts.ids import joined
from contracts.outcomes import Counts
from mediation.sniff import Source

OPEN, CLOSED = "open", "closed"


@dataclass(slots=True)
class Book:
    """`counts`: the file's books; `run`: what this run did. They differ on lines that an earlier run had written."""

    source: Source
    counts: Counts = field(default_factory=Counts)
    run: Counts = field(default_factory=Counts)
    size: int = 0  # bytes read
    first: str = ""  # earliest and latest record time, as stored
    last: str = ""
    stored: dict[str, Any] | None = None  # the row as it is in the store
    log: dict[str, str] = field(init=False)  # `log.file` of every document made from the file

    @property
    def id(self) -> str:
        return joined((self.source.path, self.source.fingerprint))

    def __post_init__(self) -> None:
        self.log = {"path": str(self.source.path), "fingerprint": self.source.fingerprint}

    def saw(self, timestamp: str) -> None:
        """A record time."""
        if not self.first or timestamp < self.first:
            self.first = timestamp
        if timestamp > self.last:
            self.last = timestamp

    def closed_as_is(self) -> bool:
        """The stored row says that this very file was read to its end: it stays true while it is read again."""
        row = (self.stored or {}).get("file", {})
        return bool(row.get("state") == CLOSED and row.get("size", {}).get("bytes") == self.source.size)

    def row(self, state: str, now: str) -> dict[str, Any]:
        """The document in cdr-file. Raises InternalError when the books to be closed do not balance."""
        file: dict[str, Any] = {"source": str(self.source.path.parent), "state": state}
        layout = self.source.layout
        row: dict[str, Any] = {"event": {"ingested": now}, "log": {"file": self.log}, "file": file}
        if layout is not None:
            file["layout"] = layout.name
            row["service"] = {"name": layout.services[0] if len(layout.services) == 1 else list(layout.services)}
        if state == OPEN:
            return row
        if not self.counts.balanced or not self.run.balanced or self.counts.lines != self.run.lines:
            raise InternalError(f"books do not balance: {self.counts}, {self.run}", where=str(self.source.path))
        counts = self.counts
        file |= {"size": {"bytes": self.size}, "lines": counts.lines, "indexed": counts.indexed}
        file |= {"duplicate": counts.duplicate, "rejected": counts.rejected}
        if counts.reasons:
            file["reasons"] = dict(sorted(counts.reasons.items()))
        if self.first:
            file |= {"first": self.first, "last": self.last}
        return row

    def differs(self, row: dict[str, Any]) -> bool:
        """Whether `row` says anything else than the stored one, apart from when it was written."""
        return self.stored is None or {**self.stored, "event": None} != {**row, "event": None}
