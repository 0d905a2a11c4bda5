"""A baseline: what is normal for each hour of week of each series of one KPI at one resolution.

It says where the centre lies, how far quiet values stray (`within`, `between`, `tail`, see `tails`), and evaluates
itself at any bucket: between the middles of two hours the centre goes straight from one to the other on its scale, so
that 08:55 is not judged by the mean of 08:00–09:00 while traffic doubles.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from contracts.clock import HOURS_OF_WEEK
from detectors.panel import Bools, Floats, LocalTime, Panel, local_time
from detectors.scales import from_scale, to_scale
from detectors.subject import Kpi, Series
from detectors.tails import continuous_bounds, count_bounds, ratio_bounds

MODEL_VERSION = "hour-of-week/2"
OUTSIDE = 1e-3  # the normal band leaves out this much on each side


@dataclass(frozen=True, slots=True, eq=False)
class Baseline:
    """`centre` (series, 168) on the KPI's scale, NaN: `insufficient_data`. `between` (series, 168) holds the doubt about
    the centre too; `within`, `tail`: (series,). `samples`: usual samples a bucket. `floor` stands for zero on a logarithm.
    """

    kpi: Kpi
    step_sec: int
    zone: ZoneInfo
    series: tuple[Series, ...]
    centre: Floats
    between: Floats
    within: Floats
    tail: Floats
    floor: Floats
    samples: Floats
    weeks: Floats
    learned_steps: float = 1.0  # buckets of this step in one that it was learned from

    def rows(self, chosen: Sequence[int] | Bools) -> Baseline:
        """The baseline of some of its series."""
        index = np.flatnonzero(chosen) if getattr(chosen, "dtype", None) == np.bool_ else np.asarray(chosen, dtype=int)
        names = ("centre", "between", "within", "tail", "floor", "samples", "weeks")
        arrays: dict[str, Any] = {name: getattr(self, name)[index] for name in names}
        return replace(self, series=tuple(self.series[row] for row in index), **arrays)

    def with_rows(self, rows: Bools, other: Baseline) -> Baseline:
        """The baseline with `other`'s rows in place of these rows."""
        arrays: dict[str, Any] = {}
        for name in ("centre", "between", "within", "tail", "floor", "samples", "weeks"):
            arrays[name] = np.array(getattr(self, name))
            arrays[name][rows] = getattr(other, name)
        return replace(self, **arrays)

    def aligned(self, series: Sequence[Series]) -> Baseline:
        """The baseline in the order of `series`; NaN for the ones it does not know."""
        place = {one: row for row, one in enumerate(self.series)}
        index = np.array([place.get(one, -1) for one in series], dtype=np.int64)
        if len(self.series) == 0:
            return empty(self.kpi, self.step_sec, self.zone, tuple(series))
        found = self.rows(np.maximum(index, 0))
        centre = np.where((index >= 0)[:, None], found.centre, np.nan)
        return replace(found, series=tuple(series), centre=centre)


def finer(baseline: Baseline, step_sec: int) -> Baseline:
    """An hourly baseline at a finer step: the same shape, of counts and volumes a share of the amount."""
    parts = baseline.step_sec / step_sec
    adds = baseline.kpi.model == "count" or baseline.kpi.additive
    return replace(
        baseline,
        step_sec=step_sec,
        centre=baseline.centre - np.log(parts) if adds else baseline.centre,
        floor=baseline.floor / parts if adds else baseline.floor,
        samples=baseline.samples / parts,
        learned_steps=baseline.learned_steps * parts,
    )


def empty(kpi: Kpi, step_sec: int, zone: ZoneInfo, series: tuple[Series, ...]) -> Baseline:
    """A baseline that knows nothing about `series`."""
    cells, each = np.full((len(series), HOURS_OF_WEEK), np.nan), np.full(len(series), np.nan)
    return Baseline(kpi, step_sec, zone, series, cells, cells, each, each, each, cells, cells)


class Expected(NamedTuple):
    """A baseline at the buckets of a panel, shape (series, buckets); `centre` on the scale, `value` in the KPI's unit."""

    centre: Floats
    value: Floats
    between: Floats
    samples: Floats


def expected_at(baseline: Baseline, panel: Panel) -> Expected:
    """What the baseline expects at each bucket of `panel` (same series, same order)."""
    when = local_time(panel, baseline.zone)
    week = week_at(baseline.centre, panel.step_sec, when)
    centre, value = (np.take(each, when.again, axis=1) for each in (week, from_scale(baseline.kpi, week)))
    if panel.excused is not None:
        centre, value = np.where(panel.excused, np.nan, centre), np.where(panel.excused, np.nan, value)
    between, samples = (np.take(each, when.cell, axis=1) for each in (baseline.between, baseline.samples))
    return Expected(centre, value, between, samples)


def week_at(centre: Floats, step_sec: int, when: LocalTime) -> Floats:
    """Centres at the middles of a week's buckets (`when.once`); days and whole hours as they are, else straight lines between
    the middles of hours. `when.again` lays them out over all weeks.
    """
    own = centre[:, when.cell[when.once]]
    if step_sec >= 86400 or (step_sec == 3600 and bool(np.all(when.middle % 1 == 0.5))):
        return own
    before, after = np.roll(centre, 1, axis=1), np.roll(centre, -1, axis=1)
    # The mean of straight lines over an hour is ¾ of the knot and ⅛ of each neighbour: lift the knots so that the mean is kept.
    lifted = 1.25 * centre - 0.125 * (before + after) if step_sec < 3600 else centre
    knots = np.where(np.isnan(lifted), centre, lifted)
    place = (when.middle[when.once] - 0.5) % HOURS_OF_WEEK
    left = np.floor(place).astype(np.int64)
    share = place - left
    line = knots[:, left] * (1 - share) + knots[:, (left + 1) % HOURS_OF_WEEK] * share
    return np.where(np.isnan(own), np.nan, np.where(np.isnan(line), own, line))


def band(
    kpi: Kpi,
    centre: Floats,
    within: Floats,
    between: Floats,
    tail: Floats,
    samples: Floats,
    coverage: Floats | float = 1.0,
) -> tuple[Floats, Floats]:
    """Lower and upper end of what is normal, in the KPI's unit, at this many samples."""
    value = from_scale(kpi, centre)
    if kpi.model == "count":
        return count_bounds(value * coverage, between, OUTSIDE)
    samples = np.maximum(np.nan_to_num(samples, nan=1.0), 1.0)
    if kpi.model == "ratio":
        return ratio_bounds(samples, value, within, between, OUTSIDE)
    low, high = continuous_bounds(centre, within / samples + between, tail, OUTSIDE)
    return from_scale(kpi, low), from_scale(kpi, high)


def scaled_values(panel: Panel, floor: NDArray[np.float64]) -> Floats:
    """The panel's values on the KPI's scale (continuous KPIs), zero standing at `floor` on a logarithm."""
    return to_scale(panel.kpi, panel.value, floor[:, None])
