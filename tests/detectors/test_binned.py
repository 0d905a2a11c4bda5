"""Bins of percentiles: chosen, counted beyond a limit, merged over windows."""

from __future__ import annotations

import numpy as np
import pytest

from detectors.binned import binned
from kpis import bins

EDGE = 1000.0


def _points(rng: np.random.Generator) -> tuple[list[int], list[int], list[str], dict[tuple[int, int], list[float]]]:
    values = {(row, column): rng.lognormal(6.5, 0.5, 30).tolist() for row in range(3) for column in range(4)}
    texts = []
    for samples in values.values():
        counts: dict[int, int] = {}
        for value in samples:
            index = bins.index(value, EDGE)
            counts[index] = counts.get(index, 0) + 1
        texts.append(bins.encode(counts))
    rows, columns = zip(*values, strict=True)
    return list(rows), list(columns), texts, values


def test_samples_beyond_a_limit_are_those_of_the_values_to_a_bin() -> None:
    rows, columns, texts, values = _points(np.random.default_rng(1))
    found = binned(np.array(rows), np.array(columns), texts).beyond(np.full((3, 4), 900.0), EDGE)
    for (row, column), samples in values.items():
        assert found[row, column] == sum(bins.index(value, EDGE) > bins.index(900.0, EDGE) for value in samples)


def test_rows_and_columns_choose_repeat_and_leave_out() -> None:
    rows, columns, texts, _ = _points(np.random.default_rng(2))
    whole = binned(np.array(rows), np.array(columns), texts)
    limit = np.full((4, 4), 700.0)
    everything = whole.beyond(limit[:3], EDGE)
    chosen = whole.rows(np.array([2, -1, 0, 0]))
    np.testing.assert_array_equal(chosen.beyond(limit, EDGE), everything[[2, 0, 0, 0]] * [[1], [0], [1], [1]])
    kept = np.array([False, True, False, True])
    np.testing.assert_array_equal(whole.columns(kept).beyond(limit[:3, :2], EDGE), everything[:, kept])


def test_a_percentile_over_buckets_is_that_of_all_their_samples() -> None:
    rows, columns, texts, values = _points(np.random.default_rng(3))
    whole = binned(np.array(rows), np.array(columns), texts)
    samples = sorted(values[1, 0] + values[1, 2])
    exact = samples[int(np.ceil(0.95 * len(samples))) - 1]
    assert whole.percentile(1, np.array([0, 2]), 0.95, EDGE) == pytest.approx(exact, rel=0.02)
    assert whole.percentile(7, np.array([0]), 0.95, EDGE) is None
