"""What detection must know of a KPI: how it is distributed, which direction is bad, what is promised."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, NamedTuple

from contracts.entities import Entity

Model = Literal["count", "ratio", "continuous"]
Bad = Literal["low", "high", "both"]


@dataclass(frozen=True, slots=True)
class Kpi:
    """One KPI as the detectors see it.

    `model`: count (whole events), ratio (numerator of denominator) or continuous (delay, quality, volume).
    `logarithmic`: a continuous value whose noise is relative (bytes, erlang, milliseconds), judged on its logarithm.
    `target`: promised value in the KPI's unit, `target_is_least` says whether the value must stay above or below it.
    `family`: KPIs of one family fail together: traffic, effectiveness, delay, quality, fraud.
    `mergeable`: coarser buckets are sums of finer ones (percentiles are not: they are read where they are stored).
    `noun`: what a sample is called (calls, messages, sessions).
    `additive`: a continuous value that grows with the bucket's length (bytes), where others are means.
    `percentile` and `edge`: which one a percentile is (0–1), and the upper edge of bin 0 (kpis.bins).
    `finest_sec`: length of the shortest buckets it has points for.
    `clump`: what counts comes so many at a time, at least: the calls of one number.
    `missing_at`: entity type at which the calls that it counts are missing: a SIM box takes them from a carrier.
    `own_targets`: of single entities (`type:id`), in place of `target`: value, and whether it is the least.
    `as_stored`: kept by people or collectors: judged at the resolutions that it has points of, and a part of no service's state.
    `settle_sec`: how long after its end a bucket can be judged (messages have so long to arrive).
    """

    id: str
    alias: str
    service: str
    unit: str
    model: Model
    bad: Bad
    family: str
    logarithmic: bool = False
    target: float | None = None
    target_is_least: bool = True
    weight: float = 1.0
    noun: str = "samples"
    mergeable: bool = True
    version: int = 1
    additive: bool = False
    percentile: float = math.nan
    edge: float = math.nan
    settle_sec: int = 0
    finest_sec: int = 300
    clump: float = 1.0
    missing_at: str = ""
    own_targets: tuple[tuple[str, float, bool], ...] = ()
    as_stored: bool = False

    @property
    def by_parts(self) -> bool:
        """Judged as so many of so many: a ratio, or the share of samples beyond a percentile."""
        return self.model == "ratio" or not self.mergeable


class Series(NamedTuple):
    """One KPI of one entity."""

    kpi: str
    service: str
    entity: Entity

    @property
    def key(self) -> str:
        return f"{self.kpi}|{self.entity}|{self.service}"
