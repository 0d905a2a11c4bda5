"""A baseline: what is normal for each hour of week of each series of one KPI at one resolution.

It says where the centre lies, how far quiet values stray (`within`, `between`, `tail`, see `tails`), and evaluates
itself at any bucket: between the middles of two hours the centre goes straight from one to the other on its scale, so
that 08:55 is not judged by the mean of 08:00–09:00 while traffic doubles.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from contracts.clock import HOURS_OF_WEEK
from detectors.panel import Bools, Floats, LocalTime, Panel, local_time
from detectors.scales import from_scale, to_scale
from detectors.subject import Kpi, Series
from detectors.tails import continuous_bounds, count_bounds, ratio_bounds

MODEL_VERSION = "hour-of-week/1"
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

    def rows(self, chosen: Sequence[int] | Bools) -> Baseline:
        """The baseline of some of its series."""
        index = np.flatnonzero(chosen) if getattr(chosen, "dtype", None) == np.bool_ else np.asarray(chosen, dtype=int)
        names = ("centre", "between", "within", "tail", "floor", "samples", "weeks")
        return replace(
            self,
            series=tuple(self.series[row] for row in index),
            **{name: getattr(self, name)[index] for name in names},
        )

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
    """An hourly baseline of counts or volumes at a finer step: the same shape, a share of the amount."""
    parts = baseline.step_sec / step_sec
    return replace(
        baseline, step_sec=step_sec, centre=baseline.centre - np.log(parts), samples=baseline.samples / parts
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
    centre = centre_at(baseline.centre, panel.step_sec, when)
    return Expected(
        centre, from_scale(baseline.kpi, centre), baseline.between[:, when.cell], baseline.samples[:, when.cell]
    )


def centre_at(centre: Floats, step_sec: int, when: LocalTime) -> Floats:
    """Centres at the buckets' middles, straight lines between the middles of hours; days and whole hours as they are."""
    if step_sec >= 86400:
        return centre[:, when.cell]
    if step_sec == 3600 and bool(np.all(when.middle % 1 == 0.5)):
        return centre[:, when.cell]
    before, after = np.roll(centre, 1, axis=1), np.roll(centre, -1, axis=1)
    # The mean of straight lines over an hour is ¾ of the knot and ⅛ of each neighbour: lift the knots so that the mean is kept.
    lifted = 1.25 * centre - 0.125 * (before + after) if step_sec < 3600 else centre
    knots = np.where(np.isnan(lifted), centre, lifted)
    place = (when.middle - 0.5) % HOURS_OF_WEEK
    left = np.floor(place).astype(np.int64)
    share = place - left
    right = (left + 1) % HOURS_OF_WEEK
    line = knots[:, left] * (1 - share) + knots[:, right] * share
    own = centre[:, when.cell]
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
