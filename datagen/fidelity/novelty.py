"""Whether rows are invented or copied: SDMetrics' NewRowSynthesis with its default tolerance, verbatim copies, and references."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from datagen.fidelity.columns import Compared, Values

TOLERANCE = 0.01  # a number matches one within this part of itself (SDMetrics' default)
MOST = 10_000  # rows of a side that are held against each other
SPLITS = 10  # halvings of the real rows, whose mean is the reference; fewer of many rows, which differ less
_HALVED = 20_000  # rows in all halvings together
_SEED = 20_261_117
_BLOCK = 2_000_000  # comparisons at once


@dataclass(frozen=True, slots=True)
class Novelty:
    """Shares of rows that are new, 0–1. `like_for_like`: synthetic rows against halves of the real ones, as the reference is.

    `copies`: share of synthetic rows equal to a real one in every cell. `lowest`, `highest`: the reference over the splits.
    """

    new: float | None
    reference: float | None
    lowest: float | None
    highest: float | None
    like_for_like: float | None
    leave_one_out: float | None
    copies: float | None
    reference_copies: float | None
    real_rows: int
    synthetic_rows: int


def novelty(columns: Sequence[Compared], real_used: Values, synthetic_used: Values) -> Novelty:
    """Of the rows that both masks leave; None where there are too few rows to say."""
    real, synthetic = _chosen(real_used), _chosen(synthetic_used)
    ours = _Rows(columns, [column.real[real] for column in columns])
    theirs = _Rows(columns, [column.synthetic[synthetic] for column in columns])
    splits = min(SPLITS, max(1, _HALVED // max(real.size, 1)))
    halves = [_halves(real.size, split) for split in range(splits)] if real.size >= 2 else []
    references = [
        _share(new_rows(ours.take(known), ours.take(held)))
        for first, second in halves
        for known, held in ((first, second), (second, first))
    ]
    alike = [_share(new_rows(ours.take(half), theirs)) for half, _ in halves] if synthetic.size else []
    return Novelty(
        new=_share(new_rows(ours, theirs)) if real.size and synthetic.size else None,
        reference=float(np.mean(references)) if references else None,
        lowest=min(references, default=None),
        highest=max(references, default=None),
        like_for_like=float(np.mean(alike)) if alike else None,
        leave_one_out=_share(new_rows(ours, ours, beside=1)) if real.size >= 2 else None,
        copies=_copies(ours, theirs) if real.size and synthetic.size else None,
        reference_copies=_repeats(ours) if real.size >= 2 else None,
        real_rows=int(real.size),
        synthetic_rows=int(synthetic.size),
    )


def share_of_first(columns: Sequence[Compared], real_used: Values, synthetic_used: Values, rows: int) -> float:
    """Share of the first `rows` synthetic rows of a mask that are new, to hold against another library's figure."""
    real, synthetic = np.flatnonzero(real_used), np.flatnonzero(synthetic_used)[:rows]
    ours = _Rows(columns, [column.real[real] for column in columns])
    return _share(new_rows(ours, _Rows(columns, [column.synthetic[synthetic] for column in columns])))


def _chosen(used: Values) -> Values:
    """Indices of at most MOST rows of a mask, always the same ones, in order."""
    rows = np.flatnonzero(used)
    if rows.size <= MOST:
        return rows
    return np.sort(np.random.default_rng(_SEED).permutation(rows)[:MOST])


def _halves(count: int, split: int) -> tuple[Values, Values]:
    shuffled = np.random.default_rng((_SEED, split)).permutation(count)
    return shuffled[: count // 2], shuffled[count // 2 :]


def _share(new: Values) -> float:
    return float(new.mean()) if new.size else 0.0


class _Rows:
    """Rows as a key of their words and of which numbers are missing, and a matrix of their numbers (NaN as 0)."""

    def __init__(self, columns: Sequence[Compared], values: Sequence[Values]) -> None:
        count = values[0].size if values else 0
        keys, numbers = [np.zeros(count, np.int64)], []
        for column, own in zip(columns, values, strict=True):
            missing = column.missing(own)
            keys.append(missing.astype(np.int64) if column.kind == "number" else own)
            if column.kind == "number":
                numbers.append(np.where(missing, 0.0, own))
        self.keys = np.column_stack(keys)
        self.numbers = np.column_stack(numbers) if numbers else np.zeros((count, 0))

    def take(self, rows: Values) -> _Rows:
        taken = object.__new__(_Rows)
        taken.keys, taken.numbers = self.keys[rows], self.numbers[rows]
        return taken

    @property
    def count(self) -> int:
        return int(self.keys.shape[0])


def new_rows(known: _Rows, rows: _Rows, beside: int = 0) -> Values:
    """A mask of `rows`: those that match at most `beside` of `known` (1: the row itself, for a table against itself)."""
    _, group = np.unique(np.concatenate((known.keys, rows.keys)), axis=0, return_inverse=True)
    group = group.ravel()
    ours, theirs = group[: known.count], group[known.count :]
    matches = np.zeros(rows.count, np.int64)
    order = np.argsort(ours, kind="stable")
    starts, ends = (np.searchsorted(ours[order], theirs, side=side) for side in ("left", "right"))
    for key in np.unique(theirs[ends > starts]):
        asked = np.flatnonzero(theirs == key)
        group_rows = order[starts[asked[0]] : ends[asked[0]]]
        matches[asked] = _matching(known.numbers[group_rows], rows.numbers[asked])
    return matches <= beside


def _matching(known: Values, rows: Values) -> Values:
    """How many of `known` each of `rows` matches in every number: |known − row| ≤ tolerance × |row|."""
    if not known.shape[1]:
        return np.full(rows.shape[0], known.shape[0], np.int64)
    widest = max(range(known.shape[1]), key=lambda column: np.unique(known[:, column]).size)
    known = known[np.argsort(known[:, widest], kind="stable")]
    reach = np.abs(TOLERANCE * rows)
    slack = 1e-9 * (1 + np.abs(rows[:, widest]))  # the bounds only narrow the search; the test below decides
    low = np.searchsorted(known[:, widest], rows[:, widest] - reach[:, widest] - slack, side="left")
    high = np.searchsorted(known[:, widest], rows[:, widest] + reach[:, widest] + slack, side="right")
    found = np.zeros(rows.shape[0], np.int64)
    for begin, end in _blocks(high - low):
        counts = (high - low)[begin:end]
        asked = np.repeat(np.arange(begin, end), counts)
        offsets = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        near = (np.abs(known[low[asked] + offsets] - rows[asked]) <= reach[asked]).all(axis=1)
        found[begin:end] = np.bincount(asked[near] - begin, minlength=end - begin)
    return found


def _blocks(counts: Values) -> list[tuple[int, int]]:
    """Ranges of rows with about _BLOCK comparisons each."""
    total = np.cumsum(counts)
    cuts = [0]
    while cuts[-1] < counts.size:
        before = total[cuts[-1] - 1] if cuts[-1] else 0
        cuts.append(max(int(np.searchsorted(total, before + _BLOCK, side="right")), cuts[-1] + 1))
    return list(pairwise(cuts))


def _copies(known: _Rows, rows: _Rows) -> float:
    """Share of `rows` that are equal to one of `known` in every cell."""
    same = {row.tobytes() for row in _exact(known)}
    return sum(row.tobytes() in same for row in _exact(rows)) / rows.count


def _repeats(rows: _Rows) -> float:
    """Share of rows that have an equal one beside them."""
    _, group, counts = np.unique(_exact(rows), axis=0, return_inverse=True, return_counts=True)
    return float((counts[group.ravel()] > 1).mean())


def _exact(rows: _Rows) -> Values:
    return np.ascontiguousarray(np.column_stack((rows.keys.astype(np.float64), rows.numbers + 0.0)))
