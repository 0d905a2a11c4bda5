"""What a KPI report says, as plain values: gathered once, shown in any format."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from kpis.history import Change, Ranked


@dataclass(frozen=True, slots=True)
class Line:
    """One KPI of one entity over the period. `holds`: None where there is no target; `level`: worst threshold that is crossed.

    `days`: values of up to five weeks up to the period's end, oldest first. `trend`: rising, falling, level or "" (too few days).
    """

    kpi: str
    name: str
    group: str
    unit: str
    bad: str
    entity: str
    value: float
    before: float | None
    samples: int
    target_op: str
    target: float | None
    holds: bool | None
    level: str
    trend: str
    changes: tuple[Change, ...]
    days: tuple[tuple[datetime, float], ...]

    @property
    def change(self) -> float | None:
        """Relative to the period before."""
        return None if not self.before else (self.value - self.before) / abs(self.before)


@dataclass(frozen=True, slots=True)
class State:
    """A service's cumulative state (100: nothing deviates) by the hour: its lowest and its last; `hours`: lowest of each."""

    service: str
    lowest: float
    last: float
    hours: tuple[tuple[datetime, float], ...]


@dataclass(frozen=True, slots=True)
class Incident:
    start: datetime
    end: datetime | None
    severity: int
    title: str
    services: tuple[str, ...]
    score: float


@dataclass(frozen=True, slots=True)
class Worst:
    """An entity that is worse than others of its size could be by chance."""

    kpi: str
    unit: str
    whole: float
    row: Ranked


@dataclass(frozen=True, slots=True)
class Funnel:
    """A ranking whole, for the picture."""

    kpi: str
    name: str
    unit: str
    whole: float
    rows: tuple[Ranked, ...]


@dataclass(frozen=True, slots=True)
class Outlook:
    """A forecast by the day: (day, mean, lower, upper); the dates on which the target is crossed, "" for none."""

    kpi: str
    name: str
    unit: str
    entity: str
    target_op: str
    target: float
    expected: str
    possible: str
    days: tuple[tuple[datetime, float, float, float], ...]
    past: tuple[tuple[datetime, float], ...]


@dataclass(slots=True)
class Content:
    """A report over start ≤ t < end (UTC). `silent`: KPIs that have no value in it."""

    title: str
    start: datetime
    end: datetime
    made: datetime
    lines: list[Line] = field(default_factory=list)
    states: list[State] = field(default_factory=list)
    incidents: list[Incident] = field(default_factory=list)
    incidents_in_all: int = 0
    worst: list[Worst] = field(default_factory=list)
    funnel: Funnel | None = None
    outlooks: list[Outlook] = field(default_factory=list)
    usage: list[tuple[str, str, Any, Any, float | None]] = field(default_factory=list)
    silent: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def missed(self) -> list[Line]:
        """Lines that miss their target, the worst level first."""
        order = ("critical", "major", "minor", "warning", "target")
        return sorted((line for line in self.lines if line.level), key=lambda line: (order.index(line.level), line.kpi))

    @property
    def held(self) -> int:
        return sum(line.holds is True for line in self.lines)

    @property
    def aimed(self) -> int:
        """Lines that have a target."""
        return sum(line.holds is not None for line in self.lines)

    def headline(self) -> str:
        """One sentence."""
        span = f"{self.start:%Y-%m-%d} to {self.end:%Y-%m-%d}"
        kpis = len({line.kpi for line in self.lines})
        return (
            f"{kpis} KPIs with values, {self.held} of {self.aimed} targets held, {len(self.missed)} missed, "
            f"{self.incidents_in_all} incidents, {span}"
        )
