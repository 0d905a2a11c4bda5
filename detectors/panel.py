"""KPI points as arrays: one KPI, many series, one grid of buckets. Rows are series, columns are buckets.

Absent is NaN, never zero: a bucket without a point, a `no_data` point and a value that could not be measured are
all NaN; `silent` tells which of them are a feed that is not proven alive.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from contracts.clock import HOURS_OF_WEEK
from contracts.entities import Entity
from contracts.errors import InternalError
from detectors.binned import Binned, binned
from detectors.subject import Kpi, Series

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]
PARTS = ("value", "numerator", "denominator", "samples")
# Points of these states carry numbers that may be judged or merged; the scorers weigh small samples themselves.
USABLE_STATES = ("ok", "insufficient_data")
LARGEST = 1e100  # of any number of a point: sums of weeks of them, and their squares, are numbers still
EXCUSED_SHARE = 0.1  # a bucket of which planned work takes less is judged: a nightly hour of it does not excuse the day


@dataclass(frozen=True, slots=True, eq=False)
class Panel:
    """Arrays of shape (series, buckets). `starts`: bucket starts, epoch ms. `coverage`: 0–1, share of the bucket with data.

    `bins`: of a percentile, where they were read. `excused`: buckets of planned work, neither learned from nor judged.
    `holidays`: local days since 1970 that are judged as Sundays and not learned from.
    """

    kpi: Kpi
    step_sec: int
    series: tuple[Series, ...]
    starts: Ints
    value: Floats
    numerator: Floats
    denominator: Floats
    samples: Floats
    coverage: Floats
    silent: Bools
    bins: Binned | None = None
    excused: Bools | None = None
    holidays: frozenset[int] = frozenset()

    @property
    def ends(self) -> Ints:
        return self.starts + self.step_sec * 1000

    def _with(self, **arrays: Any) -> Panel:
        return replace(self, **arrays)

    def rows(self, chosen: Sequence[int] | Bools) -> Panel:
        """The panel of some of its series."""
        index = np.flatnonzero(chosen) if getattr(chosen, "dtype", None) == np.bool_ else np.asarray(chosen, dtype=int)
        return self._with(
            series=tuple(self.series[row] for row in index),
            bins=None if self.bins is None else self.bins.rows(index),
            excused=None if self.excused is None else self.excused[index],
            **{name: getattr(self, name)[index] for name in (*PARTS, "coverage", "silent")},
        )

    def with_absent(self, series: Sequence[Series], rows: Ints) -> Panel:
        """The panel of `series`, taken from `rows`; row −1: absent everywhere."""
        missing = (rows < 0)[:, None]
        if not self.series:
            shape = (len(series), len(self.starts))
            blank = {name: np.full(shape, np.nan) for name in PARTS}
            return self._with(
                series=tuple(series),
                coverage=np.zeros(shape),
                silent=np.zeros(shape, dtype=bool),
                excused=None,
                **blank,
            )
        found = self.rows(np.maximum(rows, 0))
        return found._with(
            series=tuple(series),
            coverage=np.where(missing, 0.0, found.coverage),
            silent=found.silent & ~missing,
            bins=None if self.bins is None else self.bins.rows(rows),
            excused=None if found.excused is None else found.excused & ~missing,
            **{name: np.where(missing, np.nan, getattr(found, name)) for name in PARTS},
        )

    def between(self, since_ms: int, until_ms: int) -> Panel:
        """The panel of the buckets that lie wholly inside [since, until)."""
        return self.columns((self.starts >= since_ms) & (self.ends <= until_ms))

    def columns(self, chosen: Bools) -> Panel:
        """The panel of some of its buckets."""
        return self._with(
            starts=self.starts[chosen],
            bins=None if self.bins is None else self.bins.columns(chosen),
            excused=None if self.excused is None else self.excused[:, chosen],
            **{name: getattr(self, name)[:, chosen] for name in (*PARTS, "coverage", "silent")},
        )


# Where a panel comes from: (kpi, step in seconds, since and until as epoch ms, entities or None for all) → panel.
Load = Callable[[Kpi, int, int, int, set[Entity] | None], Panel]


def from_frame(frame: pd.DataFrame, kpi: Kpi, step_sec: int, since_ms: int, until_ms: int) -> Panel:
    """Panel of one KPI over all buckets of [since, until) from a long frame (one row per point).

    Columns: kpi, service, entity_type, entity_id, bucket (epoch ms), value, numerator, denominator, samples, state, and bins
    (text) where a percentile is to be judged by them.
    Values that are not finite, or beyond LARGEST, are absent. Of two points in one bucket (a manual one beside a computed one)
    the last wins.
    """
    step = step_sec * 1000
    first = -(-since_ms // step) * step
    starts = np.arange(first, until_ms - step + 1, step, dtype=np.int64)
    own = frame[(frame["kpi"] == kpi.id) & (frame["bucket"] >= first) & (frame["bucket"] + step <= until_ms)]
    names = (
        own["entity_type"].astype(str)
        + ":"
        + own["entity_id"].astype(str)
        + "\x1f"
        + own["service"].fillna("").astype(str)
    )
    codes, labels = pd.factorize(names, sort=True)
    series = tuple(
        Series(kpi.id, service, Entity.parse(entity))
        for entity, service in (str(label).split("\x1f") for label in labels)
    )
    columns = ((own["bucket"].to_numpy(dtype=np.int64) - first) // step).astype(np.int64)
    state = own["state"].to_numpy()
    usable = np.isin(state, USABLE_STATES)
    shape = (len(series), len(starts))
    arrays: dict[str, Any] = {
        name: _placed(own[name].to_numpy(dtype=float), usable, codes, columns, shape) for name in PARTS
    }
    silent = np.zeros(shape, dtype=bool)
    silent[codes, columns] = state == "no_data"
    present = np.isfinite(arrays["value"]) | np.isfinite(arrays["denominator"])
    stored = binned(codes, columns, own["bins"]) if "bins" in own and not kpi.mergeable else None
    return Panel(kpi, step_sec, series, starts, coverage=present.astype(float), silent=silent, bins=stored, **arrays)


def _placed(values: Floats, usable: Bools, rows: Ints, columns: Ints, shape: tuple[int, int]) -> Floats:
    array = np.full(shape, np.nan)
    with np.errstate(invalid="ignore"):
        array[rows, columns] = np.where(usable & (np.abs(values) <= LARGEST), values, np.nan)
    return array


def merged(panel: Panel, step_sec: int, zone: ZoneInfo) -> Panel:
    """The panel at a coarser step. Counts and parts are summed, never averaged; the value is made from the summed parts.

    Days begin at the zone's own midnight, so a day holds 23 to 25 hours; hours are UTC hours. A value without parts (a
    percentile) has no exact merge and becomes NaN: it is read at a stored resolution instead.
    """
    if step_sec == panel.step_sec:
        return panel
    if step_sec % panel.step_sec:
        raise InternalError(f"buckets of {panel.step_sec} s do not fill {step_sec} s")
    panel = _whole(panel, step_sec, zone)
    begin = _group_starts(panel.starts, step_sec, zone)
    starts, firsts = np.unique(begin, return_index=True)
    if len(starts) == 0:
        return replace(panel, step_sec=step_sec)
    full = np.diff(np.append(firsts, len(begin)))
    sums = {name: _sums(getattr(panel, name), firsts) for name in PARTS}
    if panel.kpi.model != "count":
        with np.errstate(invalid="ignore", divide="ignore"):
            whole = np.where(np.isfinite(sums["denominator"]), sums["denominator"], 1.0)  # none: a sum of bytes
            sums["value"] = np.where(whole > 0, sums["numerator"] / whole, np.nan)
    coverage = np.add.reduceat(panel.coverage, firsts, axis=1) / full
    silent = np.add.reduceat(panel.silent.astype(float), firsts, axis=1) / full > 0.5
    planned = None
    if panel.excused is not None:
        planned = np.add.reduceat(panel.excused.astype(float), firsts, axis=1) / full >= EXCUSED_SHARE
    return panel._with(step_sec=step_sec, starts=starts, coverage=coverage, silent=silent, excused=planned, **sums)


def excused(panel: Panel, out: Bools) -> Panel:
    """The panel without the buckets `out` (series, buckets): no value, and no silence either."""
    arrays = {name: np.where(out, np.nan, getattr(panel, name)) for name in PARTS}
    before = np.zeros_like(out) if panel.excused is None else panel.excused
    return panel._with(
        excused=before | out, coverage=np.where(out, 0.0, panel.coverage), silent=panel.silent & ~out, **arrays
    )


def since_first(panel: Panel) -> Bools:
    """Buckets from the first one with data of each series on: before it there was no such entity."""
    present = panel.coverage > 0
    first = np.where(present.any(axis=1), present.argmax(axis=1), present.shape[1])
    return np.asarray(np.arange(present.shape[1]) >= first[:, None])


def trailing(panel: Panel, span_sec: int) -> Panel:
    """The panel whose parts are those of the `span_sec` up to the end of each bucket, as far as the panel reaches back."""
    width = max(span_sec // panel.step_sec, 1)
    sums = {}
    for name in ("numerator", "denominator", "samples"):
        total = np.cumsum(np.nan_to_num(getattr(panel, name)), axis=1)
        before = np.zeros_like(total)
        before[:, width:] = total[:, :-width]
        sums[name] = total - before
    return panel._with(**sums)


def _whole(panel: Panel, step_sec: int, zone: ZoneInfo) -> Panel:
    """The panel without coarse buckets that it holds in part only, at either end."""
    if not len(panel.starts):
        return panel
    begin = _group_starts(panel.starts, step_sec, zone)
    least = (step_sec - 3600 if step_sec >= 86400 else step_sec) // panel.step_sec  # a day of 23 hours is whole
    kept = np.ones(len(begin), dtype=bool)
    for edge in (begin[0], begin[-1]):
        if (begin == edge).sum() < least:
            kept &= begin != edge
    return panel.columns(kept)


def _group_starts(starts: Ints, step_sec: int, zone: ZoneInfo) -> Ints:
    if step_sec < 86400:
        return starts - starts % (step_sec * 1000)
    local = pd.DatetimeIndex(pd.to_datetime(starts, unit="ms", utc=True)).tz_convert(zone)
    midnight = local.normalize().tz_convert("UTC").as_unit("ms")
    return np.asarray(midnight.asi8, dtype=np.int64)


def _sums(array: Floats, firsts: Ints) -> Floats:
    """Sums per group of columns; a group without any number stays NaN."""
    known = np.isfinite(array)
    totals = np.add.reduceat(np.where(known, array, 0.0), firsts, axis=1)
    return np.where(np.add.reduceat(known, firsts, axis=1), totals, np.nan)


class Observed(NamedTuple):
    """What learning sees, shape (series, buckets), NaN where unusable.

    `amount`: count, numerator, or samples × scaled value. `exposure`: share of the bucket, denominator, or samples.
    """

    amount: Floats
    exposure: Floats


@dataclass(frozen=True, slots=True, eq=False)
class LocalTime:
    """Where buckets lie in the week, in local time: hour-of-week cell, position of the bucket's middle in hours, day number.

    `once`: one bucket for each moment of the week, `again`: which of these each bucket repeats.
    """

    cell: Ints
    middle: Floats
    day: Ints
    once: Ints
    again: Ints


def local_time(panel: Panel, zone: ZoneInfo) -> LocalTime:
    """Local hours of week of the panel's buckets; DST-safe, because the zone's own offset of each bucket is used."""
    return _local_time(panel.starts.tobytes(), panel.step_sec, zone, panel.holidays)


@lru_cache(maxsize=64)
def _local_time(raw_starts: bytes, step_sec: int, zone: ZoneInfo, holidays: frozenset[int]) -> LocalTime:
    starts = np.frombuffer(raw_starts, dtype=np.int64)
    local = pd.DatetimeIndex(pd.to_datetime(starts, unit="ms", utc=True)).tz_convert(zone).tz_localize(None)
    seconds = np.asarray(local.as_unit("s").asi8, dtype=np.int64)
    day = seconds // 86400
    weekday = (day + 3) % 7  # 1970-01-01 was a Thursday
    if holidays:
        weekday = np.where(np.isin(day, list(holidays)), 6, weekday)
    in_week = weekday * 86400 + seconds % 86400
    cell = weekday * 24 if step_sec >= 86400 else in_week // 3600
    middle = (in_week + min(step_sec, 3600) / 2) / 3600 % HOURS_OF_WEEK
    _, once, again = np.unique(middle, return_index=True, return_inverse=True)
    return LocalTime(cell, middle, day, once, again)
