"""What detection hands on: anomalies and incidents as values. Times are epoch milliseconds."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from contracts.entities import Entity
from detectors.panel import Floats, Ints
from detectors.subject import Series

SURE = 90.0
Detector = Literal["baseline", "threshold", "feed", "joint", "level"]
SECONDARY = (
    "mix",
    "joint",
)  # families that say what is the matter and not where: they head nothing that has other parts


@dataclass(frozen=True, slots=True, eq=False)
class Anomaly:
    """One deviation of one series.

    `start`, `end`: first and end of last anomalous bucket; `open`: it may still go on. `detected`: end of the bucket that
    decided. `actual` … `samples` are those of the peak. `effect`: share of the good lost over the whole anomaly.
    `standing`: a target that this series does not keep even when all is normal: recorded, but no incident.
    `kpis`: where several KPIs make it together, the ids of the strongest, that first.
    `buckets`, `scores`: its anomalous buckets, for the service state.
    """

    id: str
    series: Series
    alias: str
    family: str
    detector: Detector
    step_sec: int
    start: int
    end: int
    open: bool
    detected: int
    score: float
    direction: Literal["high", "low"]
    actual: float
    expected: float
    lower: float
    upper: float
    samples: float
    effect: float
    reason: str
    standing: bool = False
    kpis: tuple[str, ...] = ()
    buckets: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    scores: Floats = field(default_factory=lambda: np.zeros(0))

    @property
    def severity(self) -> int:
        return 4 if self.standing else severity_of(self.score, self.effect, self.series.entity.type == "service")


@dataclass(frozen=True, slots=True, eq=False)
class Incident:
    """Anomalies of one cause. `entities`: the likeliest place of the cause first."""

    id: str
    anomalies: tuple[Anomaly, ...]
    entities: tuple[Entity, ...]
    title: str
    reason: str

    @property
    def start(self) -> int:
        return min(one.start for one in self.anomalies)

    @property
    def end(self) -> int:
        return max(one.end for one in self.anomalies)

    @property
    def open(self) -> bool:
        return any(one.open for one in self.anomalies)

    @property
    def detected(self) -> int:
        return min(one.detected for one in self.anomalies)

    @property
    def score(self) -> float:
        return max(one.score for one in self.anomalies)

    @property
    def severity(self) -> int:
        return min(one.severity for one in self.anomalies)

    @property
    def services(self) -> tuple[str, ...]:
        return tuple(sorted({one.series.service for one in self.anomalies}))

    @property
    def kpis(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(one.series.kpi for one in sorted(self.anomalies, key=lambda one: -one.score)))


def severity_of(score: float, effect: float, whole_service: bool) -> int:
    """1 critical, 2 major, 3 minor, 4 warning (ITU-T X.733): how much is lost, and only as far as it is sure.

    Critical: sure (score ≥ 90) and at least a third of a whole service lost. Major: sure and at least a tenth of an
    entity, or a twentieth of a service, lost. Minor: a score of at least 75. Warning: the rest.
    """
    lost = 0.0 if math.isnan(effect) else effect
    if score >= SURE and whole_service and lost >= 1 / 3:
        return 1
    if score >= SURE and lost >= (0.05 if whole_service else 0.1):
        return 2
    return 3 if score >= 75 else 4
