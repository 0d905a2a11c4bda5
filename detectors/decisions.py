"""From scores to anomalies: when does a deviation begin to count, and when is it over.

Running windows (`scorers.running`) hold their own neighbours already, so one score decides; a run goes on while the long
window is still anomalous *and* a shorter one shows that it is not only its past, and begins where the first window begins.

Scores of buckets by themselves (targets, silence, percentiles without bins):

A run is a stretch of judged buckets at or above `close`, holes shorter than `gap_sec` forgiven (hysteresis; neighbours
merge). It becomes an anomaly when one bucket reaches `extreme`, or `pair` follows `pair`, or `long_count` in a row
reach `long`: the fewer buckets, the surer each must be. Its start is the run's first bucket, however early; what
decided is the bucket at whose end it became known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from detectors.panel import Bools, Floats, Ints
from detectors.subject import Kpi


@dataclass(frozen=True, slots=True)
class Rule:
    """Scores 0–100; `gap_sec`: longest hole inside one anomaly, and how long after its last bucket it still may go on."""

    extreme: float
    pair: float
    long: float
    long_count: int
    close: float
    gap_sec: int


NEVER = 101.0
# At 5 minutes there are 2,000 buckets a week and series, at an hour 168: an hour needs less proof to be as rare.
RULES = {
    300: Rule(extreme=92, pair=75, long=60, long_count=4, close=40, gap_sec=1800),
    3600: Rule(extreme=82, pair=62, long=55, long_count=3, close=40, gap_sec=7200),
    86400: Rule(extreme=78, pair=60, long=50, long_count=3, close=40, gap_sec=86400),
}


# Windows overlap and are many: only what quiet traffic shows once in 80 million looks is told.
RUNNING = Rule(extreme=86, pair=NEVER, long=NEVER, long_count=1, close=40, gap_sec=3600)
STILL = 0.8  # −log10 p of the recent past that says it goes on


def rule_for(kpi: Kpi, step_sec: int) -> Rule:
    """A percentile jumps with the one value that it happens to be: no single bucket of it decides, however extreme."""
    rule = RULES[step_sec]
    return rule if kpi.mergeable else replace(rule, extreme=NEVER, pair=max(rule.pair, 75))


class Run(NamedTuple):
    """Column numbers of one anomaly in its panel: all its anomalous buckets, the one that decided, the highest.

    `width`: buckets of the window at the highest.
    """

    columns: Ints
    decided: int
    peak: int
    width: int = 1


def runs(score: Floats, starts: Ints, step_sec: int, rule: Rule) -> Iterator[Run]:
    """Runs of one series that deserve to be an anomaly. `score`: (buckets,), NaN: not judged."""
    with np.errstate(invalid="ignore"):
        hot = np.flatnonzero(score >= rule.close)
    if not len(hot):
        return
    holes = (starts[hot[1:]] - starts[hot[:-1]]) // 1000 - step_sec
    for columns in np.split(hot, np.flatnonzero(holes > rule.gap_sec) + 1):
        decided = _decided(score, columns, rule)
        if decided is not None:
            yield Run(columns, decided, int(columns[np.argmax(score[columns])]))


def running_runs(
    score: Floats,
    width: Ints,
    recent: Floats,
    starts: Ints,
    step_sec: int,
    rule: Rule,
    onset: Callable[[int, int], int],
) -> Iterator[Run]:
    """Runs of one series under running windows; arrays as `scorers.running.Running`, of one row.

    `onset`: (earliest column, column of the peak) → where the deviation begins.
    """
    with np.errstate(invalid="ignore"):
        hot = np.flatnonzero((score >= rule.close) & (recent >= STILL))
        sure = score >= rule.extreme
    if not len(hot):
        return
    holes = (starts[hot[1:]] - starts[hot[:-1]]) // 1000 - step_sec
    before = -1
    for columns in np.split(hot, np.flatnonzero(holes > rule.gap_sec) + 1):
        deciding = columns[sure[columns]]
        if len(deciding):
            peak = int(columns[np.argmax(score[columns])])
            earliest = max(int(columns[0]) - int(width[columns[0]]) + 1, before + 1)
            begin = min(onset(earliest, int(deciding[0])), int(columns[0]))
            yield Run(np.r_[begin : columns[0], columns], int(deciding[0]), peak, int(width[peak]))
            before = int(columns[-1])


def _decided(score: Floats, columns: Ints, rule: Rule) -> int | None:
    """First bucket at which the run is sure; consecutive means without a judged bucket between."""
    judged = np.flatnonzero(np.isfinite(score[columns[0] : columns[-1] + 1])) + columns[0]
    values = score[judged]
    sure = values >= rule.extreme
    sure |= _in_a_row(values >= rule.pair, 2)
    sure |= _in_a_row(values >= rule.long, rule.long_count)
    first = np.flatnonzero(sure)
    return int(judged[first[0]]) if len(first) else None


def _in_a_row(reached: Bools, count: int) -> Bools:
    """True where this bucket and the `count` − 1 before it all reach."""
    row = reached.copy()
    for back in range(1, count):
        row[back:] &= reached[:-back]
        row[:back] = False
    return row
