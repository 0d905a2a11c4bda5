"""The season of a series, if it has one, and what is usual at this point of it.

Candidates are the day and the week by the clock, and the row count at which the past is most like itself
(autocorrelation). At fixed row counts the one that explains the past best is taken, or none; so the choice rests on the
past alone.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from scipy import fft

from detectors.series.clock import DAY_SEC, WEEK_SEC, step
from detectors.series.windows import Floats, past_median, recent_median

_FIRST_CHOICE, _GROWTH = 128, 1.5  # rows at which a season is chosen, and chosen anew
_FEWEST_ROWS = 6  # in a period
_LEAST_GAIN = 0.15  # share of the spread that a season must explain
_LEAST_LIKENESS = 0.3  # autocorrelation
_BETTER = 0.05  # by which another season must explain more than the nearer at hand
_LOOK_BACK = {DAY_SEC: 7, WEEK_SEC: 4}
_LOOK_BACK_FOUND = 5


def expected(values: Floats, clock: Floats) -> tuple[Floats, Floats]:
    """What each row should be by the season, and the rows of that season; NaN and 0 while none is known."""
    rows = len(values)
    usual, period = np.full(rows, np.nan), np.zeros(rows)
    for start, end in _spans(rows):
        chosen = _choose(values[:start], clock[:start])
        if chosen is not None:
            span, by_clock, length = chosen
            time = clock if by_clock else np.arange(rows, dtype=float)
            usual[start:end] = _usual(values[:end], time[:end], span, start)[start:]
            period[start:end] = length
    return usual, period


def _spans(rows: int) -> list[tuple[int, int]]:
    edges = [_FIRST_CHOICE]
    while edges[-1] < rows:
        edges.append(int(edges[-1] * _GROWTH))
    return [(start, min(end, rows)) for start, end in pairwise(edges)]


def _choose(values: Floats, clock: Floats) -> tuple[float, bool, int] | None:
    """Period, whether it is in seconds of the clock (else in rows), and its rows; None: no season."""
    best, gain = None, _LEAST_GAIN
    spread = np.nanmedian(np.abs(values - past_median(values, 1)))
    if not spread > 0:
        return None
    for span, by_clock, length in _candidates(values, clock):
        time = clock if by_clock else np.arange(len(values), dtype=float)
        away = np.abs(values - _usual(values, time, span, 0))
        known = away[np.isfinite(away)]
        if len(known) < length:
            continue
        explains = 1.0 - float(np.median(known)) / float(spread)
        if explains > gain + (_BETTER if best else 0.0):
            best, gain = (span, by_clock, length), explains
    return best


def _candidates(values: Floats, clock: Floats) -> list[tuple[float, bool, int]]:
    seconds = step(clock)
    known = []
    for span in (DAY_SEC, WEEK_SEC):
        length = round(span / seconds) if seconds > 0 else 0
        if length >= _FEWEST_ROWS and 3 * length <= len(values):
            known.append((span, True, length))
    found = _most_alike(values)
    if found and all(abs(found - length) > 0.05 * length for _, _, length in known):
        known.append((float(found), False, found))
    return known


def _most_alike(values: Floats) -> int:
    """Rows after which the series is most like itself; 0 where it never is. Ranks, so that a spike does not rule."""
    rows = len(values)
    ranks = np.argsort(np.argsort(values, kind="stable"), kind="stable").astype(float)
    ranks -= recent_median(ranks, max(rows // 3, 1), 1)
    ranks -= ranks.mean()
    power = np.abs(fft.rfft(ranks, 2 * rows)) ** 2
    likeness = fft.irfft(power)[: rows // 3]
    if len(likeness) <= _FEWEST_ROWS + 1 or not likeness[0] > 0:
        return 0
    likeness = likeness / likeness[0] * rows / (rows - np.arange(len(likeness)))
    middle = likeness[1:-1]
    peaks = np.flatnonzero((middle >= likeness[:-2]) & (middle > likeness[2:]) & (middle > _LEAST_LIKENESS)) + 1
    peaks = peaks[peaks >= _FEWEST_ROWS]
    if not len(peaks):
        return 0
    strong = peaks[likeness[peaks] > 0.9 * likeness[peaks].max()]
    return int(strong[0])  # the shortest of the multiples


def _usual(values: Floats, time: Floats, period: float, start: int) -> Floats:
    """Median over the periods before of the rows at the same point; from row `start`, NaN where fewer than two are known."""
    smooth = recent_median(values, 3, 1)
    slack = 1.5 * max(step(time), 1e-9)
    most = _LOOK_BACK.get(period, _LOOK_BACK_FOUND)
    table = np.full((most, len(values) - start), np.nan)
    for number in range(1, most + 1):
        wanted = time[start:] - number * period
        row = np.searchsorted(time, wanted + slack / 3, side="right") - 1
        there = (row >= 0) & (np.abs(time[np.maximum(row, 0)] - wanted) <= slack)
        table[number - 1] = np.where(there, smooth[np.maximum(row, 0)], np.nan)
    return np.concatenate([np.full(start, np.nan), _column_median(table)])


def _column_median(table: Floats) -> Floats:
    """Median of each column's numbers; NaN where there are fewer than two."""
    table.sort(axis=0)  # NaN last
    count = np.isfinite(table).sum(axis=0)
    column = np.arange(table.shape[1])
    low, high = table[np.maximum(count - 1, 0) // 2, column], table[np.minimum(count // 2, len(table) - 1), column]
    return np.asarray(np.where(count >= 2, (low + high) / 2, np.nan), dtype=float)
