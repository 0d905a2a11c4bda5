"""Priority of a ticket: severity of the cause × how many customers feel it (ITIL's urgency × impact)."""

from __future__ import annotations

PRIORITIES = ("critical", "high", "medium", "low")
# Impact classes: none known, single customers, a group, many. From this many on:
_CLASSES = (100, 10, 1)
# rows: severity 1 critical … 4 warning (X.733); columns: 100 and more, 10 and more, at least one, none known
_MATRIX = (
    ("critical", "critical", "high", "high"),
    ("critical", "high", "high", "medium"),
    ("high", "medium", "medium", "low"),
    ("medium", "low", "low", "low"),
)


def priority(severity: int, customers: int) -> str:
    """`severity` 1–4, `customers` impacted. Never lower for more customers or a graver severity. ValueError out of range."""
    if not 1 <= severity <= 4 or customers < 0:
        raise ValueError(f"severity {severity} is not 1 to 4, or {customers} customers are less than none")
    column = next((number for number, least in enumerate(_CLASSES) if customers >= least), len(_CLASSES))
    return _MATRIX[severity - 1][column]


def higher(one: str, other: str) -> str:
    """The more urgent of two priorities."""
    return min(one, other, key=PRIORITIES.index)
