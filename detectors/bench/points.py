"""Counts of a bench run → KPI points as panels, by five minutes, hour and day, as the roll-up would keep them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from contracts.entities import Entity
from detectors.bench.tables import Counts
from detectors.binned import Binned
from detectors.panel import Bools, Ints, Panel, merged
from detectors.subject import Kpi, Series
from kpis import bins
from kpis.definitions import Definition
from kpis.parts import BASE_MS
from kpis.presence import ALL_RECORDS, DAY_SEC, HOUR_SEC, Activity

STEPS = (300, 3600, 86400)


@dataclass(frozen=True, slots=True)
class Points:
    """Panels by KPI and step. Steps of mergeable KPIs but the finest are merged when asked for; percentiles are kept."""

    panels: dict[tuple[str, int], Panel]
    zone: ZoneInfo

    def load(self, kpi: Kpi, step_sec: int, since_ms: int, until_ms: int, entities: set[Entity] | None) -> Panel:
        """As `detectors.judging.Load`."""
        stored = (kpi.id, step_sec) in self.panels
        panel = self.panels[kpi.id, step_sec] if stored else self.panels[kpi.id, 0]
        if entities is not None:
            panel = panel.rows([row for row, one in enumerate(panel.series) if one.entity in entities])
        if not stored:
            panel = merged(panel.between(since_ms - DAY_SEC * 1000, until_ms + DAY_SEC * 1000), step_sec, self.zone)
        return panel.between(since_ms, until_ms)


def points_of(
    counts: Mapping[str, Counts],
    definitions: Sequence[Definition],
    kpis: Mapping[str, Kpi],
    silent: Mapping[str, Sequence[tuple[int, int]]],
    density: int,
    zone: ZoneInfo,
) -> Points:
    """Panels of every judged KPI. `silent`: by service, spans (ms) whose feed is not proven alive.

    Under step 0 lies what exists of a KPI by five minutes, whether it is kept at that resolution or not: hours and days are
    merged from it.
    """
    panels: dict[tuple[str, int], Panel] = {}
    for one in definitions:
        kpi = kpis.get(one.id)
        if kpi is None:
            continue
        own = counts[one.service]
        fine = _kept_fine(own, density)
        dead = _dead(own, silent.get(one.service, ()))
        rows = [row for row, name in enumerate(own.entities) if name.partition(":")[0] in one.dimensions]
        if one.kind == "percentile":
            for step in STEPS:
                panel = _percentile(own, one, kpi, rows, dead, step)
                panels[kpi.id, step] = _only(panel, fine[rows]) if step == STEPS[0] else panel
        else:
            whole = _plain(own, one, kpi, rows, dead)
            panels[kpi.id, 0] = whole
            panels[kpi.id, STEPS[0]] = _only(whole, fine[rows] & (one.finest_sec == STEPS[0]))
    return Points(panels, zone)


def _kept_fine(counts: Counts, density: int) -> Bools:
    """Whether an entity's points are kept by five minutes, per entity and bucket."""
    per_hour, per_day = HOUR_SEC * 1000 // BASE_MS, DAY_SEC * 1000 // BASE_MS
    hours = counts.records.reshape(len(counts.entities), -1, per_hour).sum(axis=2)
    peaks = hours.reshape(len(counts.entities), -1, 24).max(axis=2)
    activity = Activity(density)
    first = counts.first_ms // (DAY_SEC * 1000)
    for (row, day), peak in np.ndenumerate(peaks):
        activity.put(ALL_RECORDS, counts.entities[row], first + day, int(peak))
    kept = [
        [activity.finest(name, first + day) <= STEPS[0] for day in range(peaks.shape[1])] for name in counts.entities
    ]
    return np.asarray(np.repeat(np.array(kept, dtype=bool), per_day, axis=1))


def _only(panel: Panel, kept: Bools) -> Panel:
    """The panel with nothing where points are not kept; series without any are left out."""
    names = ("value", "numerator", "denominator", "samples")
    arrays: dict[str, Any] = {name: np.where(kept, getattr(panel, name), np.nan) for name in names}
    covered = np.where(kept, panel.coverage, 0.0)
    thin = replace(panel, coverage=covered, silent=panel.silent & kept, **arrays)
    return thin.rows(np.flatnonzero(kept.any(axis=1)).tolist())


def _dead(counts: Counts, silent: Sequence[tuple[int, int]]) -> Bools:
    starts = _starts(counts)
    dead = np.zeros(counts.buckets, dtype=bool)
    for begin, end in silent:
        dead |= (starts >= begin) & (starts + BASE_MS <= end)
    return np.asarray(dead & (counts.records[0] == 0))


def _starts(counts: Counts) -> Ints:
    return counts.first_ms + BASE_MS * np.arange(counts.buckets, dtype=np.int64)


def _series(counts: Counts, kpi: Kpi, rows: Sequence[int]) -> tuple[Series, ...]:
    return tuple(Series(kpi.id, kpi.service, Entity.parse(counts.entities[row])) for row in rows)


def _plain(counts: Counts, one: Definition, kpi: Kpi, rows: list[int], dead: Bools) -> Panel:
    sums = counts.tallies[one.id].sums
    numerator, samples = sums["numerator"][rows], sums["samples"][rows]
    if one.counted:
        length = (
            float(BASE_MS) if one.kind == "integral" and one.spread is not None and one.spread.amount is None else None
        )
        value = numerator / length if length else numerator
        denominator = np.full_like(value, length if length else np.nan)
        there = np.broadcast_to(~dead, value.shape)
    else:
        denominator = sums["denominator"][rows]
        there = denominator > 0
        value = numerator / np.where(there, denominator, 1.0)
    absent = ~there
    return Panel(
        kpi, STEPS[0], _series(counts, kpi, rows), _starts(counts),
        value=np.where(absent, np.nan, value),
        numerator=np.where(absent, np.nan, numerator),
        denominator=np.where(absent, np.nan, denominator),
        samples=np.where(absent, np.nan, samples),
        coverage=there.astype(float),
        silent=np.broadcast_to(dead, value.shape) & absent & one.counted,
    )  # fmt: skip


def _percentile(counts: Counts, one: Definition, kpi: Kpi, rows: list[int], dead: Bools, step: int) -> Panel:
    """Nearest rank in the bins of each bucket of `step` (UTC)."""
    per = step * 1000 // BASE_MS
    entity, bucket, index = np.concatenate(counts.tallies[one.id].bins, axis=1).astype(np.int64)
    place = np.full(len(counts.entities), -1)
    place[rows] = np.arange(len(rows))
    row, column = place[entity], bucket // per
    order = np.lexsort((index, column, row))
    row, column, index = row[order], column[order], index[order]
    firsts = np.flatnonzero(np.r_[True, (np.diff(row) != 0) | (np.diff(column) != 0)])
    sizes = np.diff(np.r_[firsts, len(row)])
    ranks = np.maximum(np.ceil(one.percentile * sizes - bins.TOLERANCE), 1).astype(np.int64)
    at = index[firsts + ranks - 1]
    edges = np.where(at <= bins.LOWEST, 0.0, one.edge * 2.0 ** (at / bins.PER_OCTAVE))
    shape = (len(rows), counts.buckets // per)
    value, samples = np.full(shape, np.nan), np.full(shape, np.nan)
    value[row[firsts], column[firsts]] = edges
    samples[row[firsts], column[firsts]] = sizes
    kept = np.flatnonzero(row >= 0)
    each, sizes_of = np.unique(np.stack([row[kept], column[kept], index[kept]]), axis=1, return_counts=True)
    nothing = np.full(shape, np.nan)
    return Panel(
        kpi, step, _series(counts, kpi, rows), _starts(counts)[::per], value=value, numerator=nothing,
        denominator=nothing.copy(), samples=samples, coverage=np.isfinite(value).astype(float),
        silent=np.zeros(shape, dtype=bool), bins=Binned(each[0], each[1], each[2], sizes_of),
    )  # fmt: skip
