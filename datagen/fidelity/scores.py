"""SDMetrics' measures of columns and pairs of columns, on arrays: the same numbers, without its dependencies.

All scores are 0–1, high is alike; None where a measure is not defined. Definitions: SDMetrics 0.32 (KSComplement, TVComplement,
BoundaryAdherence, CorrelationSimilarity, ContingencySimilarity, QualityReport); `busyhour bench generate --peers` holds them
against the library itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from scipy.stats.contingency import association

from datagen.fidelity.columns import Compared, Values

CORRELATED, ASSOCIATED = 0.5, 0.3  # |Pearson| and Cramér's V of the real side above which a pair counts in the quality
_BINS = 10
_NEW_WORD = 1e-6  # SDMetrics' weight of a word that only the synthetic side has


@dataclass(frozen=True, slots=True)
class ColumnScore:
    """`boundary`: share of the synthetic numbers between the least and the greatest real one. Missing: shares of the rows."""

    name: str
    kind: str
    measure: str
    shape: float | None
    boundary: float | None
    missing_real: float
    missing_synthetic: float
    odd: int


@dataclass(frozen=True, slots=True)
class PairScore:
    """`strength`: Pearson's r or Cramér's V of the real side; `synthetic`: its r; `counts`: strong enough for the quality."""

    first: str
    second: str
    measure: str
    score: float | None
    strength: float | None
    synthetic: float | None
    counts: bool


def column_score(column: Compared) -> ColumnScore:
    number = column.kind == "number"
    real, synthetic = (values[~column.missing(values)] for values in (column.real, column.synthetic))
    shape = ks_complement(real, synthetic) if number else tv_complement(real, synthetic, len(column.words))
    return ColumnScore(
        column.name,
        column.kind,
        "KSComplement" if number else "TVComplement",
        shape,
        boundary_adherence(column.real, column.synthetic) if number else None,
        _share(column.missing(column.real)),
        _share(column.missing(column.synthetic)),
        column.odd,
    )


def _share(mask: Values) -> float:
    return float(mask.mean()) if mask.size else 0.0


def ks_complement(real: Values, synthetic: Values) -> float | None:
    """1 − D, the largest distance between two empirical distribution functions."""
    if not real.size or not synthetic.size:
        return None
    real, synthetic = np.sort(real), np.sort(synthetic)
    points = np.concatenate((real, synthetic))
    ours = np.searchsorted(real, points, side="right") / real.size
    theirs = np.searchsorted(synthetic, points, side="right") / synthetic.size
    return float(1 - np.abs(ours - theirs).max())


def tv_complement(real: Values, synthetic: Values, words: int) -> float | None:
    """1 − half the summed differences of the shares of words."""
    if not real.size or not synthetic.size:
        return None
    ours, theirs = (np.bincount(codes, minlength=words).astype(np.float64) for codes in (real, synthetic))
    ours[(ours == 0) & (theirs > 0)] = _NEW_WORD
    return float(1 - 0.5 * np.abs(ours / ours.sum() - theirs / theirs.sum()).sum())


def boundary_adherence(real: Values, synthetic: Values) -> float | None:
    """Missing values are left out where the real side has them too, and outside the bounds where it has none."""
    known = real[~np.isnan(real)]
    if known.size < real.size:
        synthetic = synthetic[~np.isnan(synthetic)]
    if not known.size or not synthetic.size:
        return None
    return float(((synthetic >= known.min()) & (synthetic <= known.max())).mean())


def pair_scores(columns: Sequence[Compared]) -> list[PairScore]:
    """Every pair of columns: two numbers by correlation, all others by contingency, numbers in ten bins of their side's range."""
    real = {column.name: _codes(column, column.real) for column in columns}
    synthetic = {column.name: _codes(column, column.synthetic) for column in columns}
    scores = []
    for first, second in combinations(columns, 2):
        if first.kind == second.kind == "number":
            scores.append(_correlation_pair(first, second))
            continue
        ours = _table(real[first.name], real[second.name])
        theirs = _table(synthetic[first.name], synthetic[second.name])
        strength = cramers_v(ours)
        score = _overlap(ours, theirs) if ours.sum() and theirs.sum() else None
        counts = strength is not None and strength > ASSOCIATED
        scores.append(PairScore(first.name, second.name, "ContingencySimilarity", score, strength, None, counts))
    return scores


def _correlation_pair(first: Compared, second: Compared) -> PairScore:
    name = "CorrelationSimilarity"
    ours, theirs = correlation(first.real, second.real), correlation(first.synthetic, second.synthetic)
    # As in SDMetrics, a column that is constant on one side takes its pairs out of the average.
    if _constant(first.synthetic) or _constant(second.synthetic):
        return PairScore(first.name, second.name, name, None, ours, None, False)
    score = None if ours is None or theirs is None else 1 - abs(ours - theirs) / 2
    return PairScore(first.name, second.name, name, score, ours, theirs, ours is not None and abs(ours) > CORRELATED)


def correlation(first: Values, second: Values) -> float | None:
    """Pearson's r over rows that have both; None where there are fewer than two or one of them is constant."""
    both = ~(np.isnan(first) | np.isnan(second))
    x, y = first[both], second[both]
    if x.size < 2 or _constant(first) or _constant(second):
        return None
    x, y = x - x.mean(), y - y.mean()
    scale = np.sqrt((x @ x) * (y @ y))
    return float(np.clip((x @ y) / scale, -1, 1)) if scale > 0 else None


def _constant(values: Values) -> bool:
    known = values[~np.isnan(values)]
    return bool(known.size) and bool((known == known[0]).all())


def _codes(column: Compared, values: Values) -> tuple[Values, int]:
    """Codes of a side from 0 on and how many there may be; a missing word is a word, a missing number is in the last bin."""
    if column.kind == "category":
        size = len(column.words)
        return np.where(values < 0, size, values), size + 1
    known = values[~np.isnan(values)]
    edges = np.histogram_bin_edges(known, bins=_BINS)
    return np.digitize(values, edges), edges.size + 1


def _table(first: tuple[Values, int], second: tuple[Values, int]) -> Any:
    counts = np.bincount(first[0] * second[1] + second[0], minlength=first[1] * second[1])
    return counts.reshape(first[1], second[1])


def _overlap(ours: Any, theirs: Any) -> float:
    return float(1 - np.abs(ours / ours.sum() - theirs / theirs.sum()).sum() / 2)


def cramers_v(table: Any) -> float | None:
    """Cramér's V of a table of counts without its empty rows and columns; None where only one row or column is left."""
    table = table[table.any(axis=1)][:, table.any(axis=0)]
    return float(association(table, method="cramer")) if min(table.shape) >= 2 else None


def mean(values: Sequence[float | None]) -> float | None:
    """Of those that are defined."""
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None
