"""Anomalies of values that are new or rare: release causes, destinations, causes for closing (`detectors.mix`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from zoneinfo import ZoneInfo

import numpy as np

from detectors.anomalies import anomaly, runs_of
from detectors.baseline import Baseline, empty
from detectors.decisions import NEVER, RULES
from detectors.evidence import judge
from detectors.findings import Anomaly
from detectors.panel import Floats, Panel
from detectors.scales import from_scale
from detectors.scorers import novel
from detectors.wording import novelty, since_words

DECIDED = 86.0  # as for running windows: one false look in 80 million


def novelties(panel: Panel, baselines: Sequence[Baseline], zone: ZoneInfo) -> list[Anomaly]:
    """Of the values of one field in `panel` (hours) that no hourly baseline judges. `baselines`: of this field."""
    by_hour = {series for one in baselines if one.step_sec == 3600 for series in one.series}
    rate = usual(panel, baselines)
    scores = novel.score(panel, rate)
    rows = [row for row, series in enumerate(panel.series) if series not in by_hour]
    if not rows:
        return []
    part = panel.rows(rows)
    judged = judge(part, empty(panel.kpi, 3600, zone, part.series))
    rule = replace(RULES[3600], extreme=DECIDED, pair=NEVER, long=NEVER, long_count=1)
    found = []
    for row, run in runs_of(scores.score[rows], judged, rule):
        actual = float(part.value[row, run.peak])
        normal = float(max(rate[rows][row], novel.NEVER))
        when = since_words(int(part.starts[run.columns[0]]), zone)
        reason = novelty(panel.kpi, part.series[row].entity, actual, normal, when)
        numbers = (actual, normal, 0.0, float(novel.LEAST_RECORDS), actual)
        share = actual / float(np.nansum(panel.value[:, run.peak]))
        found.append(
            anomaly(judged, row, run, scores.score[rows[row]], "baseline", True, numbers, share, reason, rule.gap_sec)
        )
    return found


def usual(panel: Panel, baselines: Sequence[Baseline]) -> Floats:
    """Records an hour of each series by its baseline, whatever its resolution; 0 of one that has none."""
    known = {
        series: float(np.nanmean(value) * 3600 / one.step_sec)
        for one in baselines
        for series, value in zip(one.series, from_scale(one.kpi, one.centre), strict=True)
        if np.isfinite(value).any()
    }
    return np.array([known.get(series, 0.0) for series in panel.series])
