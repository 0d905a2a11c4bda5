"""What a worker says while it follows, and at its end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from contracts.errors import UserError
from contracts.outcomes import Counts


class Event(NamedTuple):
    """Something happened to a file: `what` is one word (opened, resumed, closed, …), `detail` says more, for people."""

    what: str
    path: str
    detail: str = ""
    counts: Counts | None = None

    def as_dict(self) -> dict[str, Any]:
        """For machines: one object a line."""
        values: dict[str, Any] = {"event": self.what, "path": self.path}
        if self.detail:
            values["detail"] = self.detail
        if self.counts is not None:
            counts = self.counts
            values |= {"lines": counts.lines, "indexed": counts.indexed}
            values |= {"duplicate": counts.duplicate, "rejected": counts.rejected}
        return values

    def sentence(self) -> str:
        text = f"{self.path}: {self.what}"
        if self.counts is not None:
            counts = self.counts
            text += f", {counts.lines:,} lines = {counts.indexed:,} indexed + {counts.duplicate:,} duplicate"
            text += f" + {counts.rejected:,} rejected"
        return f"{text}; {self.detail}" if self.detail else text


Tell = Callable[[Event], None]


@dataclass(slots=True)
class FollowReport:
    """`counts`: what this worker did with lines; `closed`: files it closed; `problems`: paths that it cannot read as of now."""

    counts: Counts = field(default_factory=Counts)
    closed: int = 0
    problems: dict[str, UserError] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        """Everything in the folder could be read. Rejected lines are no failure: they are in the books."""
        return not self.problems

    def as_dict(self) -> dict[str, Any]:
        """For machines, the keys of `ingest`; `files` are those closed."""
        return {
            "files": self.closed,
            "lines": self.counts.lines,
            "indexed": self.counts.indexed,
            "duplicate": self.counts.duplicate,
            "rejected": self.counts.rejected,
            "reasons": self.counts.reasons,
            "seconds": round(self.seconds, 3),
            "errors": [error.sentence() for error in self.problems.values()],
        }
