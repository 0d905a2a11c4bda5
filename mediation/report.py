"""What a run of `ingest` says."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from contracts.errors import UserError
from contracts.outcomes import Counts


@dataclass(frozen=True, slots=True)
class FileReport:
    """`run`: what this run did with the file's lines; `books`: how they stand now, as the ledger has them."""

    path: Path
    layout: str
    run: Counts
    books: Counts


@dataclass(slots=True)
class IngestReport:
    """Sums over the files that could be read; `errors` are those that could not. Law: lines = indexed + duplicate + rejected."""

    counts: Counts = field(default_factory=Counts)
    files: list[FileReport] = field(default_factory=list)
    errors: list[UserError] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        """All of it worked. Rejected lines are no failure: they are in the books."""
        return not self.errors

    @property
    def lines(self) -> int:
        return self.counts.lines

    @property
    def indexed(self) -> int:
        return self.counts.indexed

    @property
    def duplicate(self) -> int:
        return self.counts.duplicate

    @property
    def rejected(self) -> int:
        return self.counts.rejected

    def as_dict(self) -> dict[str, Any]:
        """For machines: `files` (read), `lines`, `indexed`, `duplicate`, `rejected`, `reasons`, `seconds`, `errors`."""
        return {
            "files": len(self.files),
            "lines": self.lines,
            "indexed": self.indexed,
            "duplicate": self.duplicate,
            "rejected": self.rejected,
            "reasons": self.counts.reasons,
            "seconds": round(self.seconds, 3),
            "errors": [error.sentence() for error in self.errors],
        }
