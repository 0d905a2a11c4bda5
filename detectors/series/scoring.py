"""How good scores are against labelled windows, one threshold for all series.

The NAB-like score follows the Numenta Anomaly Benchmark (Lavin and Ahmad, ICMLA 2015): within a window the first alarm
counts, the earlier the more; every alarm outside costs, less just behind a window; a missed window costs one. It is 100 for a
detector that finds every window at its first row and nothing else, 0 for one that never alarms.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors.series.pipeline import probation
from detectors.series.windows import Floats, recent_max

STEEPNESS = 5.0  # of the sigmoid over a window
FARTHEST = 3.0  # window lengths behind a window from which an alarm costs in full
EPISODE_ROWS = 50  # alarms within a stretch of so many rows are one, where alarms are counted
_THRESHOLDS = 400
_TOLD_ROWS = 120


class Profile(NamedTuple):
    """What a missed window and a false alarm cost; a window found at its first row earns 1."""

    miss: float
    false_alarm: float


PROFILES = {"standard": Profile(1, 0.11), "low_fp": Profile(1, 0.22), "low_fn": Profile(2, 0.11)}


class Labelled(NamedTuple):
    """`windows`: first and last row of each, in order, apart from each other."""

    name: str
    seconds: Floats
    values: Floats
    windows: tuple[tuple[int, int], ...]


class Found(NamedTuple):
    """At the threshold that is best over all series. `false_alarms`: rows outside every window."""

    score: float
    threshold: float
    found: int
    windows: int
    false_alarms: int


class Alarms(NamedTuple):
    """At the threshold of the highest F1. A window is found or missed; alarms outside count once for each 50 rows."""

    f1: float
    precision: float
    recall: float
    threshold: float


def nab_like(series: Sequence[Labelled], scores: Sequence[Floats], profile: Profile) -> Found:
    """The score at the best common threshold. `scores`: one array for each series, higher is more anomalous."""
    parts = [_changes(one, score, profile) for one, score in zip(series, scores, strict=True)]
    level = np.concatenate([levels for levels, _ in parts])
    change = np.concatenate([changes for _, changes in parts])
    windows = sum(_judged(one) for one in series)
    order = np.argsort(-level, kind="stable")
    level, total = level[order], np.cumsum(change[order], axis=0)
    last = np.flatnonzero(np.r_[level[1:] != level[:-1], True]) if len(level) else np.zeros(0, dtype=int)
    worth = np.r_[0.0, total[last, 0]]
    best = int(np.argmax(worth))
    most = windows * (1 + profile.miss)
    scored = 100 * float(worth[best]) / most if most else 0.0
    if best == 0:
        return Found(scored, np.inf, 0, windows, 0)
    row = total[last[best - 1]]
    return Found(scored, float(level[last[best - 1]]), round(row[1]), windows, round(row[2]))


def _changes(one: Labelled, score: Floats, profile: Profile) -> tuple[Floats, Floats]:
    """Levels and what lowering the threshold to each adds: to the score, to the windows found, to the false alarms."""
    inside, earned = np.full(len(score), -1), _worth(one, len(score), profile)
    for number, (first, last) in enumerate(one.windows):
        inside[first : last + 1] = number
    judged = np.arange(len(score)) >= probation(len(score))
    out = judged & (inside < 0)
    levels, changes = [score[out]], [np.column_stack([earned[out], np.zeros(out.sum()), np.ones(out.sum())])]
    for number in range(len(one.windows)):
        own = np.flatnonzero(judged & (inside == number))
        if not len(own):
            continue
        own = own[np.argsort(-score[own], kind="stable")]
        best = np.maximum.accumulate(np.r_[-profile.miss, earned[own]])
        first_hit = (np.arange(len(own)) == 0).astype(float)
        levels.append(score[own])
        changes.append(np.column_stack([np.diff(best), first_hit, np.zeros(len(own))]))
    return np.concatenate(levels), np.concatenate(changes)


def _worth(one: Labelled, rows: int, profile: Profile) -> Floats:
    """What an alarm in each row earns: up to 1 in a window, down to −`false_alarm` outside."""
    worth = np.full(rows, -profile.false_alarm)
    for number, (first, last) in enumerate(one.windows):
        length = last - first + 1
        row = np.arange(first, last + 1)
        worth[row] = _sigmoid(-(last - row + 1) / length) / _sigmoid(np.array([-1.0]))
        end = one.windows[number + 1][0] if number + 1 < len(one.windows) else rows
        behind = np.arange(last + 1, end)
        away = (behind - last) / max(length - 1, 1)
        worth[behind] = profile.false_alarm * np.where(away > FARTHEST, -1.0, _sigmoid(np.minimum(away, FARTHEST)))
    return worth


def _sigmoid(position: Floats) -> Floats:
    return np.asarray(2 / (1 + np.exp(STEEPNESS * position)) - 1, dtype=float)


def _judged(one: Labelled) -> int:
    """Windows that are not wholly inside the probation rows."""
    return sum(last >= probation(len(one.values)) for _, last in one.windows)


def best_f1(series: Sequence[Labelled], scores: Sequence[Floats]) -> Alarms:
    """F1 at the best common threshold out of 400 quantiles of all scores."""
    judged = np.concatenate([score[probation(len(score)) :] for score in scores])
    highest = np.sort(judged)[-max(len(judged) // 4, 1) :]
    best = Alarms(0.0, 0.0, 0.0, np.inf)
    for threshold in np.unique(highest[np.linspace(0, len(highest) - 1, _THRESHOLDS).astype(int)]):
        counts = np.array([_count(one, score >= threshold) for one, score in zip(series, scores, strict=True)])
        hits, false, windows = counts.sum(axis=0)
        if hits:
            precision, recall = hits / (hits + false), hits / windows
            f1 = 2 * precision * recall / (precision + recall)
            if f1 > best.f1:
                best = Alarms(float(f1), float(precision), float(recall), float(threshold))
    return best


def _count(one: Labelled, alarm: NDArray[np.bool_]) -> tuple[int, int, int]:
    """Windows found, false episodes, windows."""
    first_judged = probation(len(alarm))
    alarm = alarm & (np.arange(len(alarm)) >= first_judged)
    hits = sum(bool(alarm[first : last + 1].any()) for first, last in one.windows if last >= first_judged)
    outside = alarm.copy()
    for first, last in one.windows:
        outside[first : last + 1] = False
    rows = np.flatnonzero(outside)
    return hits, len(np.unique(rows // EPISODE_ROWS)), _judged(one)


def told_once(score: Floats) -> Floats:
    """A score of any scale with repeats put last: a row that is not above all of the 120 before it. For detectors that
    have no such rule of their own."""
    lowest = float(score.min(initial=0.0)) - 1.0
    return np.where(score > recent_max(score - lowest, _TOLD_ROWS) + lowest, score, lowest)
