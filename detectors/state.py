"""Service state: 0–100, 100: nothing deviates. The leaking sum of penalties, kept per KPI.

Per KPI k and 5 minutes, d = 2^(−5 / 30) (what is left of a penalty halves in 30 minutes):

    x_k = max over the anomalies of k in this bucket of (score − 40) / 60 · reach      0 where there is none
    a_k ← d · a_k + 10 · weight_k · x_k
    state = 100 − Σ a_k

`reach` is 1 for the service itself, for an entity its usual share of the service's samples. Where Σ a_k passes 100,
every a_k is scaled down so that it is 100: the state never goes below 0 and begins to recover with the first quiet bucket.

Worked example. A trunk group that carries a quarter of the calls has NER (weight 2) at score 100 for an hour:
x = 1 · 0.25, each bucket adds 10 · 2 · 0.25 = 5. After twelve buckets a = 5 (1 − d¹²) / (1 − d) = 34.4, state 65.6,
degraded. After it, 30 minutes halve the penalty: 17.2, state 82.8; after another 30 minutes 91.4, good.

Laws, tested: no anomaly leaves 100; a higher score, weight or reach never raises the state; from any state s, quiet
for t minutes gives 100 − (100 − s) · 2^(−t / 30).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from contracts.entities import Entity
from detectors.findings import Anomaly
from detectors.panel import Floats, Ints

STEP_SEC = 300
HALF_LIFE_SEC = 1800
POINTS = 10.0  # that a service-wide score of 100 of weight 1 costs a bucket
QUIET = 40.0  # score at which a penalty begins; where anomalies end
KEPT = 2.0 ** (-STEP_SEC / HALF_LIFE_SEC)
GOOD, DEGRADED = 90.0, 60.0
_NOTHING = 0.01  # points below which a contribution is dropped

Reach = Mapping[tuple[str, Entity], float]


@dataclass(frozen=True, slots=True)
class State:
    """State of one service at the end of one bucket. `contributions`: penalty points per KPI."""

    service: str
    bucket: int
    value: float
    contributions: dict[str, float]
    word: str


def states(
    service: str,
    anomalies: Iterable[Anomaly],
    weights: Mapping[str, float],
    reach: Reach,
    starts: Ints,
    *,
    before: Mapping[str, float] | None = None,
    known: Sequence[bool] | None = None,
) -> list[State]:
    """States of the 5-minute buckets `starts` (epoch ms, without holes).

    `before`: contributions at the end of the bucket before the first. `known`: False where nothing could be judged (no
    baseline, no data): the word is then `unknown`, the value the last one's, leaking.
    """
    own = [one for one in anomalies if one.series.service == service and not one.standing]
    kpis = sorted({one.series.kpi for one in own} | set(before or {}))
    penalties = _penalties(own, kpis, weights, reach, starts)
    level = np.array([(before or {}).get(kpi, 0.0) for kpi in kpis])
    silent = _silent(own, starts)
    found = []
    for column, start in enumerate(starts):
        level = leak(level, penalties[:, column])
        value = 100.0 - float(level.sum())
        unknown = silent[column] or (known is not None and not known[column])
        parts = {kpi: round(float(points), 3) for kpi, points in zip(kpis, level, strict=True) if points >= _NOTHING}
        found.append(State(service, int(start), round(value, 3), parts, "unknown" if unknown else word_of(value)))
    return found


def leak(level: Floats, penalty: Floats) -> Floats:
    """One bucket: what is left of the contributions, plus the new penalties, together at most 100."""
    level = KEPT * level + penalty
    total = float(level.sum())
    return level * (100.0 / total) if total > 100.0 else level


def word_of(value: float) -> str:
    return "good" if value >= GOOD else "degraded" if value >= DEGRADED else "bad"


def _penalties(
    anomalies: list[Anomaly], kpis: list[str], weights: Mapping[str, float], reach: Reach, starts: Ints
) -> Floats:
    """Points per KPI and bucket: the worst anomaly's. An hour's score holds for each of its 5 minutes."""
    worst = np.zeros((len(kpis), len(starts)))
    if not len(starts):
        return worst
    for one in anomalies:
        row = kpis.index(one.series.kpi)
        share = 1.0 if one.series.entity.type == "service" else reach.get((one.series.kpi, one.series.entity), 0.0)
        cost = POINTS * weights.get(one.series.kpi, 1.0) * share
        for start, score in zip(one.buckets, one.scores, strict=True):
            first, last = np.searchsorted(starts, [start, start + one.step_sec * 1000])
            intensity = min(max(float(score) - QUIET, 0.0) / (100.0 - QUIET), 1.0)
            worst[row, first:last] = np.maximum(worst[row, first:last], cost * intensity)
    return worst


def _silent(anomalies: list[Anomaly], starts: Ints) -> list[bool]:
    silent = np.zeros(len(starts), dtype=bool)
    for one in anomalies:
        if one.detector == "feed":
            silent |= (starts >= one.start) & (starts < one.end)
    return [bool(flag) for flag in silent]
