"""Anomalies of what the KPIs of one entity say together (`scorers.joint`), where none of the service says anything by itself.

Learned hour by hour beside the baselines, looked at with every five minutes.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np

from contracts.entities import Entity
from detectors.anomalies import anomaly, runs_of
from detectors.baseline import empty
from detectors.decisions import NEVER, RULES, Run
from detectors.evidence import Judged, judge
from detectors.findings import Anomaly
from detectors.panel import Bools, Floats, Ints, Panel
from detectors.scorers import joint, running
from detectors.scorers.joint import Joint
from detectors.shown import shown_over
from detectors.subject import Kpi
from detectors.wording import together

FAMILY = "joint"
HOUR_MS = 3_600_000
NOT_ASKED = ("fraud", "mix")  # families that are no quality of the service as a whole
NAMED = 3  # KPIs that a reason names
DECIDED = 75.0  # in six benches of five weeks it found two incidents more than the KPIs by themselves, and nothing else
_BAD = {"high": 1.0, "low": -1.0, "both": 0.0}

Place = tuple[str, Entity]


class Part(NamedTuple):
    """One KPI of an entity: where it was judged, its row there, and its scores by `starts`."""

    judged: Judged
    row: int
    scores: Floats


class QuietHours:
    """What quiet hours say, gathered KPI by KPI, so that no more than one KPI's points are held at a time."""

    def __init__(self) -> None:
        self._rows: dict[Place, dict[str, Mapping[int, float]]] = {}

    def add(self, judged: Iterable[Judged]) -> None:
        for one in judged:
            if not _asked(one):
                continue
            width = HOUR_MS // (one.panel.step_sec * 1000)
            ends = one.panel.ends
            whole = ends % HOUR_MS == 0
            far = running.normal_scores(one.panel, one.baseline, one.expected, width, whole)
            for row, series in enumerate(one.panel.series):
                hours = dict(zip(ends[whole].tolist(), far[row].tolist(), strict=True))
                self._rows.setdefault((series.service, series.entity), {})[series.kpi] = hours

    def joints(self) -> list[Joint]:
        """How the KPIs of each entity hang together; entities of which too little is known have none."""
        learned = []
        for (service, entity), rows in sorted(self._rows.items()):
            kpis = tuple(sorted(rows))
            hours = sorted(set[int]().union(*rows.values()))
            vectors = np.array([[rows[kpi].get(hour, np.nan) for kpi in kpis] for hour in hours])
            moving = np.isfinite(vectors).mean(axis=0) >= 0.2 if len(hours) else np.zeros(len(kpis), dtype=bool)
            chosen = tuple(kpi for kpi, use in zip(kpis, moving, strict=True) if use)
            found = joint.learn(service, entity, chosen, vectors[:, moving]) if len(hours) else None
            if found is not None:
                learned.append(found)
        tail = joint.tail_of([squared for _, squared in learned], [len(one.kpis) for one, _ in learned])
        return [replace(one, tail=tail) for one, _ in learned]


def _asked(one: Judged) -> bool:
    panel = one.panel
    return _wanted(panel.kpi) and panel.step_sec <= 3600 and len(panel.starts) > 0 and _in_windows(panel)


def _in_windows(panel: Panel) -> bool:
    return panel.kpi.mergeable or panel.bins is not None


def _wanted(kpi: Kpi) -> bool:
    """Amounts (bytes, erlang) hang on the few largest of an hour: no part of a common picture."""
    return (
        kpi.family not in NOT_ASKED
        and not kpi.as_stored
        and not (kpi.family == "traffic" and kpi.model == "continuous")
    )


def unusual(
    judged: Sequence[Judged], joints: Iterable[Joint], told: Iterable[Anomaly], zone: ZoneInfo
) -> list[Anomaly]:
    """Where the KPIs of an entity are unusual together, in hours in which nothing of its service is told by itself."""
    places = _places(judged)
    quiet_but = _spans(told)
    found: list[Anomaly] = []
    for model in joints:
        parts = _of_one_step([places.get((model.service, model.entity), {}).get(kpi) for kpi in model.kpis])
        if sum(part is not None for part in parts) >= joint.LEAST_KPIS:
            found += _of_entity(model, parts, quiet_but.get(model.service, []), zone)
    return found


def _places(judged: Sequence[Judged]) -> dict[Place, dict[str, Part]]:
    found: dict[Place, dict[str, Part]] = {}
    for one in judged:
        if _asked(one):
            width, every = HOUR_MS // (one.panel.step_sec * 1000), np.ones(len(one.panel.starts), dtype=bool)
            far = running.normal_scores(one.panel, one.baseline, one.expected, width, every)
            for row, series in enumerate(one.panel.series):
                found.setdefault((series.service, series.entity), {})[series.kpi] = Part(one, row, far[row])
    return found


def _of_one_step(parts: list[Part | None]) -> list[Part | None]:
    """Those whose buckets are the finest that enough of them have."""
    steps = [part.judged.panel.step_sec for part in parts if part is not None]
    step = min((one for one in steps if steps.count(one) >= joint.LEAST_KPIS), default=0)
    return [part if part is not None and part.judged.panel.step_sec == step else None for part in parts]


def _spans(told: Iterable[Anomaly]) -> dict[str, list[tuple[int, int]]]:
    found: dict[str, list[tuple[int, int]]] = {}
    for one in told:
        if not one.standing:
            found.setdefault(one.series.service, []).append((one.start, one.end))
    return found


def _of_entity(
    model: Joint, parts: list[Part | None], told: list[tuple[int, int]], zone: ZoneInfo
) -> Iterable[Anomaly]:
    known = [part for part in parts if part is not None]
    panel = known[0].judged.panel
    vectors = np.array([part.scores if part is not None else np.full(len(panel.starts), np.nan) for part in parts]).T
    bad = np.array([_BAD[part.judged.panel.kpi.bad] if part is not None else 0.0 for part in parts])
    score = joint.score(model, vectors, bad)
    score[_within(told, panel.ends - HOUR_MS, panel.ends)] = np.nan
    own = _own_panel(model, panel)
    judged = judge(own, empty(own.kpi, panel.step_sec, zone, own.series))
    rule = replace(RULES[300], extreme=DECIDED, pair=NEVER, long=NEVER, long_count=1)
    for _, run in runs_of(score[None, :], judged, rule):
        yield _found(model, known, judged, run, score, vectors, zone)


def _within(told: list[tuple[int, int]], starts: Ints, ends: Ints) -> Bools:
    found = np.zeros(len(starts), dtype=bool)
    for start, end in told:
        found |= (starts < end) & (ends > start)
    return found


def _own_panel(model: Joint, like: Panel) -> Panel:
    """A panel of one row that carries the anomaly: its numbers are those of the KPIs that make it."""
    kpi = Kpi(f"{model.service}.joint", "", model.service, "", "continuous", "high", FAMILY)
    one = like.rows([0])
    return replace(one, kpi=kpi, series=(one.series[0]._replace(kpi=kpi.id, entity=model.entity),), bins=None)


def _found(
    model: Joint, parts: list[Part], judged: Judged, run: Run, score: Floats, vectors: Floats, zone: ZoneInfo
) -> Anomaly:
    panel, peak = judged.panel, run.peak
    shares = dict(zip(model.kpis, joint.contributions(model, vectors[[peak]])[0], strict=True))
    strongest = sorted(parts, key=lambda part: -shares[part.judged.panel.kpi.id])[:NAMED]
    width = HOUR_MS // (panel.step_sec * 1000)
    columns = np.arange(max(peak - width + 1, 0), peak + 1)
    shown = [(part.judged.panel.kpi, shown_over(part.judged, part.row, columns)) for part in strongest]
    start, end = int(panel.starts[columns[0]]), int(panel.ends[peak])
    reason = together(model.entity, [(kpi, one.actual, one.expected) for kpi, one in shown], start, end, zone)
    first = shown[0][1]
    numbers = (first.actual, first.expected, first.lower, first.upper, first.samples)
    found = anomaly(judged, 0, run, score, "joint", True, numbers, math.nan, reason, RULES[300].gap_sec)
    return replace(found, alias=" + ".join(kpi.alias for kpi, _ in shown), kpis=tuple(kpi.id for kpi, _ in shown))
