"""A public detector's scores → anomalies → incidents, by the rules that ours go by.

Only the scores are the peer's. What it raises is held together over holes (hysteresis), left out where it moves in the KPI's good
direction or is too small to act on, and grouped into incidents with our own evidence of where the loss lies. None of it is part
of these detectors; without it they would tell of every bucket and every part by itself.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from contracts.ids import joined
from detectors.anomalies import least_effect
from detectors.decisions import RULES, RUNNING, Rule, Run, runs
from detectors.evidence import Evidence
from detectors.findings import Anomaly, Incident
from detectors.incidents import group
from detectors.panel import Floats, Panel

MOST = 800  # anomalies: ours has half as many; more in five weeks are no use to anybody, and take long to group


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    """`times`: of each series and bucket, its score over the highest of its quiet weeks. `above`: the value lies above its
    season's mean. Shape (series, buckets).
    """

    panel: Panel
    times: Floats
    above: Floats


def incidents_of(
    scored: Sequence[Scored], begin: float, close: float, evidence: Evidence, judged_ms: int
) -> list[Incident] | None:
    """Incidents that begin at `begin` times the quiet weeks' highest score go on from `close` on; None: over MOST anomalies."""
    anomalies: list[Anomaly] = []
    for one in scored:
        for anomaly in _anomalies(one, begin, close, evidence, judged_ms):
            anomalies.append(anomaly)
            if len(anomalies) > MOST:
                return None
    return group(anomalies, evidence)


def _anomalies(one: Scored, begin: float, close: float, evidence: Evidence, judged_ms: int) -> Iterator[Anomaly]:
    panel = one.panel
    gap_sec = RUNNING.gap_sec if panel.step_sec < 3600 else RULES[panel.step_sec].gap_sec
    rule = Rule(extreme=begin, pair=math.inf, long=math.inf, long_count=1, close=close, gap_sec=gap_sec)
    judged = panel.starts >= judged_ms
    for row in np.flatnonzero((one.times[:, judged] >= begin).any(axis=1)):
        score = np.where(judged, one.times[row], np.nan)
        for run in runs(score, panel.starts, panel.step_sec, rule):
            found = _anomaly(one, int(row), run, begin, evidence)
            bad = panel.kpi.bad
            if (bad == "both" or bad == found.direction) and not found.effect < least_effect(panel.kpi):
                yield found


def _anomaly(one: Scored, row: int, run: Run, begin: float, evidence: Evidence) -> Anomaly:
    panel, series = one.panel, one.panel.series[row]
    start, end = int(panel.starts[run.columns[0]]), int(panel.ends[run.columns[-1]])
    times = one.times[row, run.columns]
    nothing = math.nan
    return Anomaly(
        id=joined(("peer", series.key, start)),
        series=series,
        alias=panel.kpi.alias,
        family=panel.kpi.family,
        detector="baseline",
        step_sec=panel.step_sec,
        start=start,
        end=end,
        open=False,
        detected=int(panel.ends[run.decided]) + panel.kpi.settle_sec * 1000,
        score=min(75.0 * float(times.max()) / begin, 100.0),
        direction="high" if one.above[row, run.peak] else "low",
        actual=nothing,
        expected=nothing,
        lower=nothing,
        upper=nothing,
        samples=nothing,
        effect=evidence.effect(series, start, end),
        reason="",
        buckets=panel.starts[run.columns],
        scores=times,
    )
