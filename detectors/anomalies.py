"""Anomalies of judged panels: scores → runs → values with bounds and a reason."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial
from zoneinfo import ZoneInfo

import numpy as np

from contracts.clock import from_epoch_ms, iso
from contracts.entities import Entity
from contracts.ids import joined
from detectors.decisions import RULES, RUNNING, Rule, Run, rule_for, running_runs, runs
from detectors.evidence import Judged, loss
from detectors.findings import Anomaly, Detector
from detectors.panel import Bools, Floats, Panel, trailing
from detectors.scales import from_scale
from detectors.scorers import Scores, by_model, feed, running, threshold
from detectors.shown import shown_over
from detectors.subject import Kpi, Series
from detectors.wording import broken_target, deviation, silence, since_words, span_words

# Certain but too small to act on: relative change of counts, volumes and qualities; share of the good of ratios.
LEAST_EFFECT = {"count": 0.1, "continuous": 0.03, "ratio": 0.01}
LEAST_QUALITY = 0.005  # of a MOS or R: half a per cent of it is what a tenth of the calls on a poorer codec costs
STANDING_GAP_SEC = 7 * 86400  # a target never kept is one long state, not a new anomaly each day
MISSED_GAP_SEC = 4 * 3600


def deviations(judged: Judged, zone: ZoneInfo, told: Told | None = None) -> list[Anomaly]:
    """Anomalies against the baseline, each direction by itself, small ones left out.

    Sudden ones; with `told`, what those are of all series, the slow ones beside them.
    """
    kpi, found = judged.panel.kpi, []
    for high in (False, True):
        if kpi.bad != "both" and high != (kpi.bad == "high"):
            continue
        for row, run, score, gap_sec in _runs_one_way(judged, high, told):
            lost = loss(judged, row, run.columns).effect
            if not lost < least_effect(kpi):
                found.append(_deviation(judged, row, run, score, high, lost, zone, gap_sec))
    return found


class Told:
    """When which entity showed a sudden deviation: not to be looked for again in windows of a day.

    Of any KPI at the entity itself, of the same family at its service.
    """

    def __init__(self, anomalies: Iterable[Anomaly]) -> None:
        self._spans: dict[tuple[str, Entity], list[tuple[int, int, str]]] = {}
        for one in anomalies:
            if not one.standing:
                self._spans.setdefault((one.series.service, one.series.entity), []).append(
                    (one.start, one.end, one.family)
                )

    def of(self, panel: Panel) -> Bools:
        """Buckets of each series in which its own entity or its service did, shape (series, buckets)."""
        found = np.zeros(panel.value.shape, dtype=bool)
        for row, series in enumerate(panel.series):
            for entity in {series.entity, Entity("service", series.service)}:
                for start, end, family in self._spans.get((series.service, entity), ()):
                    if entity == series.entity or family in (panel.kpi.family, "feed"):
                        found[row] |= (panel.starts < end) & (panel.ends > start)
        return found


def least_effect(kpi: Kpi) -> float:
    return LEAST_QUALITY if kpi.family == "quality" and kpi.model == "continuous" else LEAST_EFFECT[kpi.model]


def _runs_one_way(judged: Judged, high: bool, told: Told | None) -> Iterator[tuple[int, Run, Floats, int]]:
    """(row, run, scores of its row, longest hole) of deviations upwards (`high`) or downwards."""
    panel = judged.panel
    if not panel.kpi.mergeable and panel.bins is None:  # a percentile alone: no window can be made of it
        if told is not None:
            return
        scores, rule = by_model(panel, judged.baseline), rule_for(panel.kpi, panel.step_sec)
        directed = np.where(scores.high == high, scores.score, np.where(np.isnan(scores.score), np.nan, 0.0))
        for row, run in runs_of(directed, judged, rule):
            yield row, run, directed[row], rule.gap_sec
        return
    if told is not None and panel.step_sec > running.SLOW_SEC[0]:
        return
    without = None if told is None else told.of(panel)
    found = running.score(panel, judged.baseline, judged.expected, high=high, without=without)
    for row, run in _running(found, judged, without):
        yield row, run, found.score[row], RUNNING.gap_sec


def _running(found: running.Running, judged: Judged, without: Bools | None) -> Iterator[tuple[int, Run]]:
    panel = judged.panel
    with np.errstate(invalid="ignore"):
        worth = (found.score >= RUNNING.extreme).any(axis=1)
    if not worth.any():
        return
    sums = running.sums_of(panel, judged.baseline, judged.expected, without)
    for row in np.flatnonzero(worth):
        arrays = (found.score[row], found.width[row], found.recent[row])
        onset = partial(running.onset, panel, judged.baseline, sums, int(row))
        for run in running_runs(*arrays, panel.starts, panel.step_sec, RUNNING, onset):
            yield int(row), run


def runs_of(score: Floats, judged: Judged, rule: Rule) -> Iterator[tuple[int, Run]]:
    """(row, run) of every series of `judged` whose scores make an anomaly by `rule`."""
    with np.errstate(invalid="ignore"):
        worth = (score >= min(rule.extreme, rule.pair, rule.long)).any(axis=1)
    for row in np.flatnonzero(worth):
        for run in runs(score[row], judged.panel.starts, judged.panel.step_sec, rule):
            yield int(row), run


def _deviation(
    judged: Judged, row: int, run: Run, score: Floats, high: bool, lost: float, zone: ZoneInfo, gap_sec: int
) -> Anomaly:
    panel, kpi = judged.panel, judged.panel.kpi
    shown = shown_over(judged, row, np.arange(run.peak - run.width + 1, run.peak + 1))
    when = span_words(int(panel.starts[run.peak - run.width + 1]), int(panel.ends[run.peak]), zone, panel.step_sec)
    reason = deviation(kpi, panel.series[row].entity, shown.actual, shown.lower, shown.upper, shown.samples, when)
    return anomaly(judged, row, run, score, "baseline", high, tuple(shown), lost, reason, gap_sec)


def missed_targets(judged: Judged, zone: ZoneInfo) -> list[Anomaly]:
    """Targets certainly not kept. One that the series' own normal does not keep is `standing`: one long anomaly, judged
    by the day behind each bucket, since what is a little short of its target all the time is never certain in 5 minutes.
    """
    kpi, found = judged.panel.kpi, []
    if kpi.target is None:
        return []
    usual = _usual(judged)
    keeps = usual >= kpi.target if kpi.target_is_least else usual <= kpi.target
    standing = np.isfinite(usual) & ~keeps
    base = RULES[judged.panel.step_sec] if judged.span_sec == judged.panel.step_sec else RUNNING
    for is_standing, gap in ((False, MISSED_GAP_SEC), (True, STANDING_GAP_SEC)):
        seen = replace(judged, panel=trailing(judged.panel, 86400 if is_standing else judged.span_sec))
        scores = threshold.score(seen.panel, seen.baseline)
        score = np.where((standing == is_standing)[:, None], scores.score, np.nan)
        for row, run in runs_of(score, seen, replace(base, gap_sec=gap)):
            found.append(_missed(seen, row, run, scores, usual[row], is_standing, zone, gap))
    return found


def _usual(judged: Judged) -> Floats:
    """What a series' baseline says it keeps over a week, weighted by its traffic; NaN without a baseline."""
    baseline = judged.baseline
    value, weight = from_scale(baseline.kpi, baseline.centre), np.nan_to_num(baseline.samples)
    weight = np.where(np.isfinite(value), weight, 0.0)
    total = weight.sum(axis=1)
    mean = (np.nan_to_num(value) * weight).sum(axis=1) / np.where(total > 0, total, 1.0)
    return np.where(total > 0, mean, np.nan)


def _missed(
    judged: Judged, row: int, run: Run, scores: Scores, usual: float, standing: bool, zone: ZoneInfo, gap: int
) -> Anomaly:
    panel, kpi, peak = judged.panel, judged.panel.kpi, run.peak
    target = float(kpi.target or 0.0)
    actual = float(panel.numerator[row, peak] / panel.denominator[row, peak])
    samples = float(np.fmin(panel.samples[row, peak], panel.denominator[row, peak]))
    lower, upper = (target, 1.0) if kpi.target_is_least else (0.0, target)
    reason = broken_target(
        kpi,
        panel.series[row].entity,
        actual,
        samples,
        since_words(int(panel.starts[run.columns[0]]), zone),
        usual if np.isfinite(usual) else None,
    )
    lost = abs(actual - target) / max(target if kpi.target_is_least else 1 - target, 1e-9)
    numbers = (actual, target, lower, upper, samples)
    high = not kpi.target_is_least
    return anomaly(judged, row, run, scores.score[row], "threshold", high, numbers, lost, reason, gap, standing)


def silences(judged: Judged, zone: ZoneInfo) -> list[Anomaly]:
    """Services whose feed fell silent although records were expected. Wants a panel of a service's count KPI."""
    panel, found = judged.panel, []
    rows = np.array([series.entity.type == "service" for series in panel.series])
    scores = feed.score(panel, judged.baseline)
    rule = RULES[panel.step_sec]
    for row, run in runs_of(np.where(rows[:, None], scores.score, np.nan), judged, rule):
        due = judged.expected.value[row, run.columns[0] : run.columns[-1] + 1]
        missing = float(np.nansum(due))
        reason = silence(
            panel.kpi, panel.series[row].entity, missing, since_words(int(panel.starts[run.columns[0]]), zone)
        )
        usual = float(scores.expected[row, run.peak])
        numbers = (float("nan"), usual, float("nan"), float("nan"), 0.0)
        found.append(anomaly(judged, row, run, scores.score[row], "feed", False, numbers, 1.0, reason, rule.gap_sec))
    return found


def anomaly(
    judged: Judged,
    row: int,
    run: Run,
    score: Floats,
    detector: Detector,
    high: bool,
    numbers: tuple[float, ...],
    lost: float,
    reason: str,
    gap_sec: int,
    standing: bool = False,
) -> Anomaly:
    """One finding. `numbers`: actual, expected, lower, upper, samples; `lost`: share of the good, 0–1."""
    panel = judged.panel
    series: Series = panel.series[row]
    kpi: Kpi = panel.kpi
    end = int(panel.ends[run.columns[-1]])
    decided, settle_ms = int(panel.starts[run.decided]), kpi.settle_sec * 1000
    actual, expected, lower, upper, samples = numbers
    return Anomaly(
        id=joined((detector, kpi.id, series.entity, series.service, high, iso(from_epoch_ms(decided)))),
        series=series,
        alias=kpi.alias,
        family="feed" if detector == "feed" else kpi.family,
        detector=detector,
        step_sec=panel.step_sec,
        start=int(panel.starts[run.columns[0]]),
        end=end,
        open=int(panel.ends[-1]) - end <= gap_sec * 1000,
        detected=int(panel.ends[run.decided]) + settle_ms,
        score=round(float(score[run.peak]), 1),
        direction="high" if high else "low",
        actual=actual,
        expected=expected,
        lower=lower,
        upper=upper,
        samples=samples,
        effect=lost,
        reason=reason,
        standing=standing,
        buckets=panel.starts[run.columns],
        scores=score[run.columns],
    )
