"""Anomalies of judged panels: scores → runs → values with bounds and a reason."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from zoneinfo import ZoneInfo

import numpy as np

from contracts.clock import from_epoch_ms, iso
from contracts.ids import joined
from detectors.baseline import band
from detectors.decisions import RULES, Rule, Run, rule_for, runs
from detectors.evidence import Judged, loss
from detectors.findings import Anomaly, Detector
from detectors.panel import Floats, trailing
from detectors.scales import from_scale
from detectors.scorers import Scores, by_model, feed, threshold
from detectors.scorers.continuous import samples_behind
from detectors.subject import Kpi, Series
from detectors.wording import broken_target, deviation, hour_words, silence, since_words

# Certain but too small to act on: relative change of counts, volumes and qualities; share of the good of ratios.
LEAST_EFFECT = {"count": 0.1, "continuous": 0.03, "ratio": 0.01}
STANDING_GAP_SEC = 7 * 86400  # a target never kept is one long state, not a new anomaly each day
MISSED_GAP_SEC = 4 * 3600


def deviations(judged: Judged, zone: ZoneInfo) -> list[Anomaly]:
    """Anomalies against the baseline, each direction by itself, small ones left out."""
    kpi, found = judged.panel.kpi, []
    scores = by_model(judged.panel, judged.baseline)
    rule = rule_for(kpi, judged.panel.step_sec)
    for high in (False, True):
        if kpi.bad != "both" and high != (kpi.bad == "high"):
            continue
        directed = np.where(scores.high == high, scores.score, np.where(np.isnan(scores.score), np.nan, 0.0))
        for row, run in _all_runs(directed, judged, rule):
            lost = loss(judged, row, run.columns).effect
            if not lost < LEAST_EFFECT[kpi.model]:
                found.append(_deviation(judged, row, run, directed, high, lost, zone, rule))
    return found


def _all_runs(score: Floats, judged: Judged, rule: Rule) -> Iterator[tuple[int, Run]]:
    with np.errstate(invalid="ignore"):
        worth = (score >= rule.long).any(axis=1)
    for row in np.flatnonzero(worth):
        for run in runs(score[row], judged.panel.starts, judged.panel.step_sec, rule):
            yield int(row), run


def _deviation(
    judged: Judged, row: int, run: Run, score: Floats, high: bool, lost: float, zone: ZoneInfo, rule: Rule
) -> Anomaly:
    panel, kpi, peak = judged.panel, judged.panel.kpi, run.peak
    series, baseline = panel.series[row], judged.baseline
    samples = float(samples_behind(panel, judged.expected.samples)[row, peak])
    if kpi.model == "ratio":
        samples = float(panel.denominator[row, peak])
    one = slice(row, row + 1)
    lower, upper = band(
        kpi,
        judged.expected.centre[one, peak],
        baseline.within[one],
        judged.expected.between[one, peak],
        baseline.tail[one],
        np.array([samples]),
        panel.coverage[one, peak],
    )
    behind = float(panel.samples[row, peak]) if np.isfinite(panel.samples[row, peak]) else samples
    actual = float(panel.value[row, peak])
    if kpi.model == "ratio":
        actual = float(panel.numerator[row, peak] / panel.denominator[row, peak])
    when = hour_words(int(panel.starts[peak]), zone, panel.step_sec)
    reason = deviation(kpi, series.entity, actual, float(lower[0]), float(upper[0]), behind, when)
    expected = float(judged.expected.value[row, peak] * (panel.coverage[row, peak] if kpi.model == "count" else 1.0))
    numbers = (actual, expected, float(lower[0]), float(upper[0]), behind)
    return _anomaly(judged, row, run, score[row], "baseline", high, numbers, lost, reason, rule.gap_sec)


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
    base = RULES[judged.panel.step_sec]
    for is_standing, gap in ((False, MISSED_GAP_SEC), (True, STANDING_GAP_SEC)):
        seen = replace(judged, panel=trailing(judged.panel, 86400)) if is_standing else judged
        scores = threshold.score(seen.panel, seen.baseline)
        score = np.where((standing == is_standing)[:, None], scores.score, np.nan)
        for row, run in _all_runs(score, seen, replace(base, gap_sec=gap)):
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
    return _anomaly(judged, row, run, scores.score[row], "threshold", high, numbers, lost, reason, gap, standing)


def silences(judged: Judged, zone: ZoneInfo) -> list[Anomaly]:
    """Services whose feed fell silent although records were expected. Wants a panel of a service's count KPI."""
    panel, found = judged.panel, []
    rows = np.array([series.entity.type == "service" for series in panel.series])
    scores = feed.score(panel, judged.baseline)
    rule = RULES[panel.step_sec]
    for row, run in _all_runs(np.where(rows[:, None], scores.score, np.nan), judged, rule):
        due = judged.expected.value[row, run.columns[0] : run.columns[-1] + 1]
        missing = float(np.nansum(due))
        reason = silence(
            panel.kpi, panel.series[row].entity, missing, since_words(int(panel.starts[run.columns[0]]), zone)
        )
        usual = float(scores.expected[row, run.peak])
        numbers = (float("nan"), usual, float("nan"), float("nan"), 0.0)
        found.append(_anomaly(judged, row, run, scores.score[row], "feed", False, numbers, 1.0, reason, rule.gap_sec))
    return found


def _anomaly(
    judged: Judged,
    row: int,
    run: Run,
    score: Floats,
    detector: Detector,
    high: bool,
    numbers: tuple[float, float, float, float, float],
    lost: float,
    reason: str,
    gap_sec: int,
    standing: bool = False,
) -> Anomaly:
    panel = judged.panel
    series: Series = panel.series[row]
    kpi: Kpi = panel.kpi
    end = int(panel.ends[run.columns[-1]])
    decided = int(panel.starts[run.decided])
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
        detected=int(panel.ends[run.decided]),
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
