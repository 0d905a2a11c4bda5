"""Bins of a percentile's points, sparse: what tells how many samples lay beyond a limit, in any window."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kpis import bins

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Binned:
    """One entry a bin of a point: its series' row, its bucket's column, the bin (`kpis.bins`), its samples. Sorted by row."""

    row: Ints
    column: Ints
    index: Ints
    count: Ints

    def rows(self, chosen: Ints) -> Binned:
        """Entries of the rows `chosen`, which may repeat; −1: a row without any."""
        first, last = np.searchsorted(self.row, chosen, side="left"), np.searchsorted(self.row, chosen, side="right")
        sizes = np.where(chosen < 0, 0, last - first)
        entries = np.repeat(first - np.r_[0, np.cumsum(sizes)[:-1]], sizes) + np.arange(sizes.sum())
        row = np.repeat(np.arange(len(chosen)), sizes)
        return Binned(row, self.column[entries], self.index[entries], self.count[entries])

    def columns(self, chosen: Bools) -> Binned:
        """Entries of some buckets."""
        place = np.cumsum(chosen) - 1
        kept = chosen[self.column]
        return Binned(self.row[kept], place[self.column[kept]], self.index[kept], self.count[kept])

    def beyond(self, limit: Floats, edge: float) -> Floats:
        """Samples above `limit` (same unit as `edge`), shape of `limit` (series, buckets); NaN limits: none."""
        over = np.zeros(limit.shape)
        with np.errstate(invalid="ignore", divide="ignore"):
            highest = np.ceil(np.log10(np.maximum(limit / edge, bins.FLOOR)) * bins.SCALE - bins.TOLERANCE)
        kept = self.index > highest[self.row, self.column]
        np.add.at(over, (self.row[kept], self.column[kept]), self.count[kept])
        return over

    def percentile(self, row: int, columns: Ints, share: float, edge: float) -> float | None:
        """The percentile of one series over some buckets together; None without samples."""
        kept = (self.row == row) & np.isin(self.column, columns)
        total: dict[int, int] = {}
        for index, count in zip(self.index[kept].tolist(), self.count[kept].tolist(), strict=True):
            total[index] = total.get(index, 0) + count
        return bins.percentile(total, share, edge)


def binned(rows: Ints, columns: Ints, texts: Iterable[str]) -> Binned:
    """From points' stored text (`kpis.bins.encode`)."""
    parts = [
        (row, column, index, count)
        for row, column, text in zip(rows.tolist(), columns.tolist(), texts, strict=True)
        for index, count in bins.decode(text or "").items()
    ]
    table = np.array(parts, dtype=np.int64).reshape(-1, 4)
    table = table[np.argsort(table[:, 0], kind="stable")]
    return Binned(*(table[:, part] for part in range(4)))
