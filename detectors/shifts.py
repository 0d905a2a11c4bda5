"""Anomalies of levels that shifted by little and for days (`scorers.cusum`): for the morning's report, not for the night's pager.

They are standing: recorded with their reason, and no incident. Looked for when a local day is over.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from contracts.clock import from_epoch_ms
from detectors.anomalies import anomaly
from detectors.baseline import Baseline, finer
from detectors.decisions import Run
from detectors.evidence import Judged, judge
from detectors.findings import Anomaly
from detectors.mix import FAMILY
from detectors.panel import Bools, Floats, Ints, Load, Panel
from detectors.scorers import cusum, running
from detectors.shown import shown_over
from detectors.subject import Kpi
from detectors.wording import shifted

DECIDED = 80.0  # one false day in a million, of each series and direction
GAP_SEC = 129_600  # a day and a half: the day that is not over yet says nothing
_FRESH = timedelta(hours=2)  # how long after midnight the day before is new
_USUAL = timedelta(hours=28)  # a round looks back no further; one that does has missed something


def shifts(
    kpis: Iterable[Kpi],
    baselines: Mapping[str, Sequence[Baseline]],
    load: Load,
    since_ms: int,
    until_ms: int,
    zone: ZoneInfo,
) -> list[Anomaly]:
    """Of all series with a baseline by five minutes or by the hour; nothing where no day has ended lately."""
    if not _day_is_new(since_ms, until_ms, zone):
        return []
    found: list[Anomaly] = []
    first = since_ms - cusum.MEMORY * 86_400_000
    for kpi in kpis:
        if kpi.family == FAMILY or kpi.as_stored:
            continue
        for baseline in baselines.get(kpi.id, ()):
            if baseline.step_sec > 3600:
                continue
            panel = load(kpi, 3600, first, until_ms, {series.entity for series in baseline.series})
            if len(panel.starts) and panel.series and (kpi.mergeable or panel.bins is not None):
                found += _of(judge(panel, finer(baseline, 3600)), since_ms, zone)
    return found


def _day_is_new(since_ms: int, until_ms: int, zone: ZoneInfo) -> bool:
    until = from_epoch_ms(until_ms)
    return until - _midnight(until, zone) <= _FRESH or until - from_epoch_ms(since_ms) > _USUAL


def _midnight(at: datetime, zone: ZoneInfo) -> datetime:
    local = at.astimezone(zone)
    return local.replace(hour=0, minute=0, second=0, microsecond=0).astimezone(at.tzinfo)


def _of(judged: Judged, since_ms: int, zone: ZoneInfo) -> Iterable[Anomaly]:
    """What deviates on a day that ends after `since_ms`."""
    panel = judged.panel
    ends = _day_ends(panel, zone)
    days = running.normal_scores(panel, judged.baseline, judged.expected, 24, ends)
    last = np.flatnonzero(ends)
    for high in (False, True):
        if panel.kpi.bad != "both" and high != (panel.kpi.bad == "high"):
            continue
        found = cusum.score(days, high=high)
        with np.errstate(invalid="ignore"):
            worth = ((found.score >= DECIDED) & (panel.ends[last] > since_ms)).any(axis=1)
        for row in np.flatnonzero(worth):
            for day in _told_days(found.score[row], found.begun[row]):
                yield _shift(judged, int(row), high, found.score[row], found.begun[row], day, last, zone)


def _day_ends(panel: Panel, zone: ZoneInfo) -> Bools:
    """The last hour of each local day that is there from its beginning."""
    ends = [from_epoch_ms(int(end)) for end in panel.ends]
    return np.array([turn >= 23 and end == _midnight(end, zone) for turn, end in enumerate(ends)], dtype=bool)


def _told_days(score: Floats, begun: Ints) -> Iterable[int]:
    """The last day of each shift of a series, latest first; none reaches into another."""
    end = len(score)
    while end > 0:
        with np.errstate(invalid="ignore"):
            decided = np.flatnonzero(score[:end] >= DECIDED)
        if not len(decided):
            return
        yield int(decided[-1])
        end = int(begun[decided[-1]])


def _shift(
    judged: Judged, row: int, high: bool, score: Floats, begun: Ints, day: int, last: Ints, zone: ZoneInfo
) -> Anomaly:
    """From the day on which it began to the last one that still shows it; `last`: the last hour of each day."""
    panel = judged.panel
    with np.errstate(invalid="ignore"):
        decided = int(np.flatnonzero((score >= DECIDED) & (begun >= begun[day]))[0])
    begin = 0 if begun[day] == 0 else int(last[begun[day] - 1]) + 1
    columns = np.arange(begin, int(last[day]) + 1)
    shown = shown_over(judged, row, columns)
    usual = shown.expected
    reason = shifted(panel.kpi, panel.series[row].entity, shown.actual, usual, int(panel.starts[begin]), high, zone)
    lost = abs(shown.actual - usual) / max(abs(usual), 1e-9)
    by_hour = np.full(len(panel.starts), np.nan)
    by_hour[columns] = float(score[day])
    run = Run(columns, int(last[decided]), int(columns[-1]))
    return anomaly(judged, row, run, by_hour, "level", high, tuple(shown), lost, reason, GAP_SEC, standing=True)
