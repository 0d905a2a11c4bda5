"""What a series showed over some of its buckets together, beside what was normal for them: the numbers of a reason."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from detectors.baseline import band
from detectors.evidence import Judged
from detectors.panel import Bools, Floats, Ints
from detectors.scales import to_scale
from detectors.scorers import running
from detectors.subject import Kpi


class Shown(NamedTuple):
    """In the KPI's unit; `samples`: behind it."""

    actual: float
    expected: float
    lower: float
    upper: float
    samples: float


def shown_over(judged: Judged, row: int, columns: Ints) -> Shown:
    """One series over neighbouring buckets, merged from their parts."""
    panel, kpi = judged.panel, judged.panel.kpi
    one = panel.rows([row]).columns(_mask(len(panel.starts), columns))
    expected = type(judged.expected)(*(array[row : row + 1, columns] for array in judged.expected))
    samples = float(np.nansum(one.samples))
    if not kpi.mergeable:
        return _percentile(judged, row, columns, expected.centre, samples)
    part = running.Sums(*(total[:, -1:] for total in running.sums_of(one, judged.baseline.rows([row]), expected)))
    whole, due, seen = (float(array[0, 0]) for array in (part.whole, part.due, part.seen))
    if whole <= 0:
        nothing = float("nan")
        return Shown(nothing, nothing, nothing, nothing, samples)
    is_count = kpi.model == "count"
    between = float(part.between[0, 0]) / (due if is_count and due > 0 else whole)
    trials = whole if kpi.model == "ratio" else max(float(part.samples[0, 0]), 1.0)
    mean = due if is_count else due / whole
    lower, upper = _band(judged, row, mean, between, trials, kpi)
    factor = len(columns) if kpi.additive else 1
    return Shown((seen if is_count else seen / whole) * factor, mean * factor, lower * factor, upper * factor, samples)


def _band(judged: Judged, row: int, mean: float, between: float, trials: float, kpi: Kpi) -> tuple[float, float]:
    baseline, one = judged.baseline, slice(row, row + 1)
    centre: Floats = to_scale(kpi, np.array([mean]), 1e-12)
    lower, upper = band(kpi, centre, baseline.within[one], np.array([between]), baseline.tail[one], np.array([trials]))
    return float(lower[0]), float(upper[0])


def _percentile(judged: Judged, row: int, columns: Ints, centre: Floats, samples: float) -> Shown:
    panel, kpi = judged.panel, judged.panel.kpi
    actual = None
    if panel.bins is not None:
        actual = panel.bins.percentile(row, columns, kpi.percentile, kpi.edge)
    if actual is None:
        actual = float(panel.value[row, columns[-1]])
    expected = float(np.exp(np.nanmean(centre))) if kpi.logarithmic else float(np.nanmean(centre))
    between = float(np.nanmean(judged.expected.between[row, columns]))
    lower, upper = _band(judged, row, expected, between, max(samples, 1.0), kpi)
    return Shown(actual, expected, lower, upper, samples)


def _mask(size: int, columns: Ints) -> Bools:
    mask = np.zeros(size, dtype=bool)
    mask[columns] = True
    return mask
