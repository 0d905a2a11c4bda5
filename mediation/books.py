"""The books of a file: how each of its lines ended. A pure function of the store and the file, whoever read it and how often."""

from __future__ import annotations

import stat
from collections.abc import Container
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from contracts.clock import iso
from contracts.errors import InternalError
from contracts.ids import joined
from contracts.outcomes import Counts
from mediation.formats.ts32297 import file_facts
from mediation.lines import no_data
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
    suspended: Container[int] | None = (
        None  # offsets of lines suspended from this file before: as delivered, they are rejected
    )
    moved: dict[str, Any] = field(default_factory=dict)  # what became of its rejected lines since, as fields of the row
    mtime: str = field(init=False)  # when it was delivered; empty where the file is not on this machine
    facts: dict[str, Any] = field(init=False)  # what its own header says of it, as fields of the row
    log: dict[str, str] = field(init=False)  # `log.file` of every document made from the file
    no_data: frozenset[bytes] = field(init=False)  # lines of it that are no data
    log_text: str = field(init=False)  # the same as text, up to the offset

    @property
    def id(self) -> str:
        return joined((self.log["path"], self.source.fingerprint))

    def __post_init__(self) -> None:
        self.log = {"path": str(self.source.path), "fingerprint": self.source.fingerprint}
        self.no_data = no_data(self.source.header_line)
        self.log_text = f'"log":{{"file":{orjson.dumps(self.log).decode()},"offset":'
        self.mtime = _delivered(self.source.path)
        self.facts = _facts(self.source)

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
        file: dict[str, Any] = {"source": str(Path(self.log["path"]).parent), "state": state}
        layout = self.source.layout
        row: dict[str, Any] = {"event": {"ingested": now}, "log": {"file": self.log}, "file": file}
        if layout is not None:
            file["layout"] = layout.name
            row["service"] = {"name": layout.services[0] if len(layout.services) == 1 else list(layout.services)}
        if self.mtime:
            file["mtime"] = self.mtime
        if self.source.header_line:
            file["header"] = self.source.header_line.decode(errors="replace")
        file |= self.facts
        if state == OPEN:
            return row
        if not self.counts.complete or not self.run.complete or self.counts.lines != self.run.lines:
            raise InternalError(f"books do not balance: {self.counts}, {self.run}", where=str(self.source.path))
        counts = self.counts
        file |= {"size": {"bytes": self.size}, "lines": counts.lines, "indexed": counts.indexed}
        file |= {"duplicate": counts.duplicate, "rejected": counts.rejected}
        if counts.missing:
            file["missing"] = counts.missing
        if counts.reasons:
            file["reasons"] = dict(sorted(counts.reasons.items()))
        file |= self.moved
        if self.first:
            file |= {"first": self.first, "last": self.last}
        return row

    def differs(self, row: dict[str, Any]) -> bool:
        """Whether `row` says anything else than the stored one, apart from when it was written."""
        return self.stored is None or {**self.stored, "event": None} != {**row, "event": None}


def _delivered(path: Path) -> str:
    """Last modification of a file, or of the archive that it is in, as stored."""
    for place in (path, *path.parents):
        try:
            status = place.stat()
        except (FileNotFoundError, NotADirectoryError):
            continue
        except (OSError, ValueError):
            break
        with suppress(ValueError, OverflowError, OSError):  # a clock that lies
            return iso(datetime.fromtimestamp(status.st_mtime, UTC)) if stat.S_ISREG(status.st_mode) else ""
        break
    return ""


def _facts(source: Source) -> dict[str, Any]:
    """File sequence number, node and number of lost CDRs of a file that has a header of TS 32.297."""
    if source.layout is None or not source.layout.binary:
        return {}
    try:
        with source.open() as stream:
            facts = file_facts(stream)
    except OSError:
        return {}  # told where the file is read
    if facts is None:
        return {}
    told = {"node": facts.node, "lost": facts.lost}
    return {"sequence": facts.sequence, **{name: value for name, value in told.items() if value}}
