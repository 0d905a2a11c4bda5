"""What was judged, kept at hand to explain it: the panel, its baseline, and how much of the good was lost over any time."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from contracts.entities import Entity
from detectors.baseline import Baseline, Expected, expected_at, scaled_values
from detectors.panel import Floats, Ints, Panel
from detectors.subject import Kpi, Series


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """A panel beside the baseline of its series (same order) and what it expects at each bucket."""

    panel: Panel
    baseline: Baseline
    expected: Expected
    scaled: Floats


def judge(panel: Panel, baseline: Baseline) -> Judged:
    """`panel` beside its baseline; series that the baseline does not know expect NaN."""
    aligned = baseline.aligned(panel.series)
    scaled = scaled_values(panel, aligned.floor) if panel.kpi.model == "continuous" else panel.value
    return Judged(panel, aligned, expected_at(aligned, panel), scaled)


class Loss(NamedTuple):
    """`effect`: share of the good that is lost (or of the bad that is added), 0: nothing; `amount`: in samples."""

    effect: float
    amount: float


_UNKNOWN = Loss(float("nan"), 0.0)


class Evidence:
    """All judged series, found by KPI and entity."""

    def __init__(self, judged: list[Judged]) -> None:
        self._place: dict[tuple[str, Entity], tuple[Judged, int]] = {
            (series.kpi, series.entity): (one, row) for one in judged for row, series in enumerate(one.panel.series)
        }

    def strength(self, series: Series, entity: Entity, start_ms: int, end_ms: int) -> float:
        """How well `entity` explains what `series` shows in [start, end): effect there × its share of the service's loss.

        The first is high where little else is touched, the second where nothing is left out (surprise and explanatory
        power; Bhagwan et al., Adtributor, NSDI 2014). 0–1; NaN where that KPI of that entity is not judged.
        """
        here = self._loss(series.kpi, entity, start_ms, end_ms)
        whole = self._loss(series.kpi, Entity("service", series.service), start_ms, end_ms)
        if here is None:
            return float("nan")
        if whole is None or whole.amount <= 0 or not here.amount > 0:
            return here.effect
        return here.effect * min(here.amount / whole.amount, 1.0)

    def _loss(self, kpi: str, entity: Entity, start_ms: int, end_ms: int) -> Loss | None:
        found = self._place.get((kpi, entity))
        if found is None:
            return None
        judged, row = found
        panel = judged.panel
        inside = (panel.starts < end_ms) & (panel.ends > start_ms)
        found_loss = loss(judged, row, inside.nonzero()[0])
        return None if math.isnan(found_loss.effect) else found_loss


def loss(judged: Judged, row: int, columns: Ints) -> Loss:
    """What one series lost over some of its buckets.

    Ratios: the fall relative to the expected ratio, or the rise relative to what was left to 1. Counts and volumes: the
    relative change. NaN where nothing was judged.
    """
    panel, kpi = judged.panel, judged.panel.kpi
    expected = judged.expected.value[row, columns]
    if kpi.model == "count":
        usable = np.isfinite(expected) & (panel.coverage[row, columns] > 0)
        due = float((expected * panel.coverage[row, columns])[usable].sum())
        gone = abs(float(panel.value[row, columns][usable].sum()) - due)
        return Loss(gone / due, gone) if due > 0 else _UNKNOWN
    if kpi.model == "ratio":
        return _ratio_loss(kpi, panel.numerator[row, columns], panel.denominator[row, columns], expected)
    return _continuous_loss(judged, row, columns)


def _ratio_loss(kpi: Kpi, part: Floats, whole: Floats, expected: Floats) -> Loss:
    usable = (whole > 0) & np.isfinite(expected) & np.isfinite(part)
    total = float(whole[usable].sum())
    if total <= 0:
        return _UNKNOWN
    seen, due = float(part[usable].sum()) / total, float((expected * whole)[usable].sum()) / total
    worse = seen - due if kpi.bad == "high" else due - seen
    good = 1 - due if kpi.bad == "high" else due
    return Loss(max(worse, 0.0) / max(good, 1e-9), max(worse, 0.0) * total)


def _continuous_loss(judged: Judged, row: int, columns: Ints) -> Loss:
    panel = judged.panel
    seen = judged.scaled[row, columns]
    due = judged.expected.centre[row, columns]
    usable = np.isfinite(seen) & np.isfinite(due)
    if not usable.any():
        return _UNKNOWN
    weight = np.maximum(np.nan_to_num(panel.samples[row, columns][usable], nan=1.0), 1.0)
    shift = float(np.average(seen[usable] - due[usable], weights=weight))
    if panel.kpi.logarithmic:
        share = float(-np.expm1(-abs(shift)))
    else:
        share = abs(shift) / max(abs(float(np.average(due[usable], weights=weight))), 1e-9)
    return Loss(share, share * float(weight.sum()))
