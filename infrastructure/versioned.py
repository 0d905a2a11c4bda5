"""A document as it was read, with what guards its change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Versioned:
    """A document and what guards its change: it is replaced only if nobody changed it since (`seq_no`, `primary_term`)."""

    id: str
    index: str
    source: dict[str, Any]
    seq_no: int
    primary_term: int


def versioned(row: Mapping[str, Any]) -> Versioned:
    """From a hit or an answered get."""
    return Versioned(row["_id"], row["_index"], row.get("_source", {}), row["_seq_no"], row["_primary_term"])


def copied(value: Any) -> Any:
    """A change that is tried again must meet what was read, not what an earlier try made of it."""
    if isinstance(value, dict):
        return {key: copied(inner) for key, inner in value.items()}
    return [copied(inner) for inner in value] if isinstance(value, list) else value
