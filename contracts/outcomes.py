"""What becomes of a line: indexed, duplicate, or rejected with its reason. Every line ends as exactly one of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

Document = dict[str, Any]


class Reason(StrEnum):
    """Why a line is suspended. The same code on both runners."""

    COLUMN_COUNT = "column_count"
    BAD_RECORD = "bad_record"  # not of the kind that the layout's format says: no JSON object, no pairs
    BAD_ENCODING = "bad_encoding"
    BAD_QUOTING = "bad_quoting"
    BAD_TIME = "bad_time"
    MISSING_TIME = "missing_time"
    BAD_NUMBER = "bad_number"
    BAD_VALUE = "bad_value"
    MISSING_VALUE = "missing_value"
    LINE_TOO_LONG = "line_too_long"
    FUTURE_TIME = "future_time"
    STORE_REFUSED = "store_refused"


@dataclass(frozen=True, slots=True)
class Reject:
    """A line that is not a record: `reason` (code), `column` (name, empty when the whole line), `detail` (for people)."""

    reason: Reason
    column: str = ""
    detail: str = ""


@dataclass(slots=True)
class Counts:
    """Books of a file or a run. Law: lines = indexed + duplicate + rejected, lines without headers and blank lines.

    `missing`: lines that the audit finds nothing of in the store; they break the law until the file is mediated again.
    """

    lines: int = 0
    indexed: int = 0
    duplicate: int = 0
    rejected: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    missing: int = 0

    @property
    def balanced(self) -> bool:
        return self.lines == self.indexed + self.duplicate + self.rejected

    @property
    def complete(self) -> bool:
        """Every line has one end, or is known to be missing."""
        return self.lines == self.indexed + self.duplicate + self.rejected + self.missing

    def add(self, other: Counts) -> None:
        self.lines += other.lines
        self.indexed += other.indexed
        self.duplicate += other.duplicate
        self.rejected += other.rejected
        self.missing += other.missing
        for reason, count in other.reasons.items():
            self.reasons[reason] = self.reasons.get(reason, 0) + count
