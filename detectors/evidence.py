"""What was judged, kept at hand to explain it: the panel, its baseline, and how much of the good was lost over any time."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from contracts.entities import Entity
from detectors.baseline import Baseline, Expected, expected_at, scaled_values
from detectors.findings import SECONDARY
from detectors.panel import Floats, Ints, Panel
from detectors.scorers import running
from detectors.subject import Kpi, Series


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """A panel beside the baseline of its series (same order) and what it expects at each bucket.

    `span_sec`: the length of time that says enough of these series, where buckets are shorter.
    """

    panel: Panel
    baseline: Baseline
    expected: Expected
    scaled: Floats
    span_sec: int


def judge(panel: Panel, baseline: Baseline, span_sec: int | None = None) -> Judged:
    """`panel` beside its baseline; series that the baseline does not know expect NaN."""
    aligned = baseline.aligned(panel.series)
    expected = expected_at(aligned, panel)
    scaled = scaled_values(panel, aligned.floor) if panel.kpi.model == "continuous" else panel.value
    if panel.bins is not None:  # of a percentile: the samples beyond what is expected of it, of all
        over = panel.bins.beyond(expected.value, panel.kpi.edge)
        panel = replace(panel, numerator=over, denominator=panel.samples)
    return Judged(panel, aligned, expected, scaled, span_sec or panel.step_sec)


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
        self._entities: dict[tuple[str, str], list[Entity]] = {}
        for one in judged:
            for series in one.panel.series:
                self._entities.setdefault((series.kpi, series.service), []).append(series.entity)

    def effect(self, series: Series, start_ms: int, end_ms: int) -> float:
        """Share of the good that a series lost over [start, end); NaN where it is not judged."""
        found = self._loss(series.kpi, series.entity, start_ms, end_ms)
        return math.nan if found is None else found.effect

    def lost(self, series: Series, start_ms: int, end_ms: int) -> float:
        """What a series lost over [start, end), in samples; 0 where it is not judged."""
        found = self._loss(series.kpi, series.entity, start_ms, end_ms)
        return 0.0 if found is None else found.amount

    def suspects(self, service: str, start_ms: int, end_ms: int) -> list[Suspect]:
        """Parts of a service by how surely they stray over [start, end), surest first: one row an entity, its surest KPI."""
        best: dict[Entity, Suspect] = {}
        for (_, entity), (judged, row) in self._place.items():
            series = judged.panel.series[row]
            if series.service == service and entity.type != "service" and judged.panel.kpi.family not in SECONDARY:
                found = suspect(judged, row, start_ms, end_ms)
                if found is not None and (entity not in best or found.surprise > best[entity].surprise):
                    best[entity] = found
        return sorted(best.values(), key=lambda one: (-one.surprise, str(one.entity)))

    def missing(self, series: Series, start_ms: int, end_ms: int, least: float) -> Entity | None:
        """Where calls that a series counts are missing over [start, end): the part that lacks most, if at −log10 p `least`.

        None where the series is not judged.
        """
        known = self._place.get((series.kpi, series.entity))
        if known is None:
            return None
        judged, _ = known
        found = [
            suspect(one, row, start_ms, end_ms)
            for (_, entity), (one, row) in self._place.items()
            if entity.type == judged.panel.kpi.missing_at and one.panel.kpi.model == "count"
        ]
        lacking = [one for one in found if one is not None and not one.high and one.surprise >= least]
        return max(lacking, key=lambda one: one.amount).entity if lacking else None

    def place(self, series: Series, start_ms: int, end_ms: int) -> tuple[Entity, float]:
        """The entity that explains a series' KPI best over [start, end), and its strength; its own where none is known."""
        best, most = series.entity, self.strength(series, series.entity, start_ms, end_ms)
        for entity in self._entities.get((series.kpi, series.service), ()):
            found = self.strength(series, entity, start_ms, end_ms)
            if found > (most if not math.isnan(most) else 0.0):
                best, most = entity, found
        return best, most

    def alike(self, series: Series, start_ms: int, end_ms: int, share: float) -> list[Entity]:
        """Parts of another kind that a series' loss over [start, end) may as well lie in: all of it, and nearly as surely.

        At least `share` as strong, and the amounts lost differ by a quarter at most: the sessions of an APN and of a radio access
        may be the same ones.
        """
        kind, own = series.entity.type, self.strength(series, series.entity, start_ms, end_ms)
        amount, found = self.lost(series, start_ms, end_ms), {}
        for entity in self._entities.get((series.kpi, series.service), ()):
            there = self._loss(series.kpi, entity, start_ms, end_ms)
            if there is None or entity.type in (kind, "service") or kind == "service":
                continue
            strength = self.strength(series, entity, start_ms, end_ms)
            if strength >= share * own > 0 and 0.75 * amount <= there.amount <= 1.25 * amount:
                found[entity] = strength
        return sorted(found, key=lambda one: (-found[one], str(one)))

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


class Suspect(NamedTuple):
    """`surprise`: −log10 p of an entity's KPI over a time; `effect`, `amount` as `Loss`; `high`: above what is expected."""

    entity: Entity
    kpi: Kpi
    high: bool
    surprise: float
    effect: float
    amount: float


def suspect(judged: Judged, row: int, start_ms: int, end_ms: int) -> Suspect | None:
    """How surely one series strays over [start, end), in a direction that is bad; None where it is not judged."""
    panel = judged.panel
    columns = ((panel.starts < end_ms) & (panel.ends > start_ms)).nonzero()[0]
    if not len(columns):
        return None
    one = panel.rows([row]).columns((panel.starts < end_ms) & (panel.ends > start_ms))
    expected = Expected(*(array[row : row + 1, columns] for array in judged.expected))
    lost = loss(judged, row, columns)
    if math.isnan(lost.effect):
        return None
    ways = {"low": (False,), "high": (True,), "both": (False, True)}[panel.kpi.bad]
    found = {high: running.surprise_of_all(one, judged.baseline.rows([row]), expected, high=high) for high in ways}
    high = max(found, key=lambda way: found[way])
    return Suspect(panel.series[row].entity, panel.kpi, high, found[high], lost.effect, lost.amount)


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
    if panel.bins is not None:
        share = np.where(np.isfinite(expected), 1.0 - kpi.percentile, np.nan)
        return _ratio_loss(kpi, panel.numerator[row, columns], panel.denominator[row, columns], share)
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
