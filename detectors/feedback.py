"""What people said of anomalies, and what follows: a false one keeps others like it quiet, for a while and within bounds.

A deviation is like one that was marked false when it is of the same series (or of the same KPI or entity, where whoever marked it
said so), in the same direction, and at most a quarter larger. So a habit of the network that is no fault stops waking people, and
something worse at the same place does not hide behind it. What was expected is quiet in its own time only.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from detectors.findings import Anomaly
from detectors.subject import Series

Verdict = Literal["true", "false", "expected"]
Scope = Literal["series", "kpi", "entity"]
VERDICTS: tuple[Verdict, ...] = ("true", "false", "expected")
SCOPES: tuple[Scope, ...] = ("series", "kpi", "entity")
_LARGER = 1.25  # how much further from what is expected a deviation may be and still be like the marked one


class Deviates(Protocol):
    """What a verdict looks at of an anomaly, found just now or stored."""

    @property
    def series(self) -> Series: ...
    @property
    def direction(self) -> str: ...
    @property
    def start(self) -> int: ...
    @property
    def end(self) -> int: ...
    @property
    def actual(self) -> float: ...
    @property
    def expected(self) -> float: ...


@dataclass(frozen=True, slots=True)
class Mark:
    """A verdict on one anomaly. `start`, `end`: epoch ms within which it keeps others quiet; empty for a true one."""

    anomaly: str
    verdict: str
    by: str
    why: str
    at: str
    scope: str
    service: str
    kpi: str
    entity: str
    direction: str
    deviation: float
    start: int
    end: int

    def quiets(self, one: Deviates) -> bool:
        series = one.series
        if (
            one.direction != self.direction
            or series.service != self.service
            or not (one.end > self.start and one.start < self.end)
        ):
            return False
        if self.scope != "entity" and series.kpi != self.kpi:
            return False
        if self.scope != "kpi" and str(series.entity) != self.entity:
            return False
        # Deviations of different KPIs have different units: at another KPI of the entity the size says nothing.
        return series.kpi != self.kpi or not abs(one.actual - one.expected) > _LARGER * self.deviation


def quiet(marks: Sequence[Mark], anomalies: Iterable[Anomaly]) -> tuple[list[Anomaly], int]:
    """Anomalies that no mark keeps quiet, and how many the others are."""
    kept, suppressed = [], 0
    for one in anomalies:
        if any(mark.quiets(one) for mark in marks):
            suppressed += 1
        else:
            kept.append(one)
    return kept, suppressed
