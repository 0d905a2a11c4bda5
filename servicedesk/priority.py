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


URGENCIES = PRIORITIES  # of severities 1 to 4
IMPACTS = ("extensive", "significant", "moderate", "none")


def urgency_of(severity: int) -> str:
    """Word of an X.733 severity, 1 to 4. ValueError out of range."""
    if not 1 <= severity <= 4:
        raise ValueError(f"severity {severity} is not 1 to 4")
    return URGENCIES[severity - 1]


def impact_of(customers: int) -> str:
    """Word for how many customers feel it. ValueError on less than none."""
    if customers < 0:
        raise ValueError(f"{customers} customers are less than none")
    return IMPACTS[next((number for number, least in enumerate(_CLASSES) if customers >= least), len(_CLASSES))]


def priority_of(impact: str, urgency: str) -> str:
    """Impact × urgency, by their words. ValueError on any other word."""
    return _MATRIX[URGENCIES.index(urgency)][IMPACTS.index(impact)]


def priority(severity: int, customers: int) -> str:
    """`severity` 1–4, `customers` impacted. Never lower for more customers or a graver severity. ValueError out of range."""
    return priority_of(impact_of(customers), urgency_of(severity))


def higher(one: str, other: str) -> str:
    """The more urgent of two priorities."""
    return min(one, other, key=PRIORITIES.index)
