"""The scores: laws that hold for any table, and SDMetrics' own numbers for files that everybody has."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import pearsonr

from datagen.fidelity import Fidelity
from datagen.fidelity.scores import boundary_adherence, correlation, cramers_v, ks_complement, tv_complement
from tests.datagen.fidelity_tables import HEADER, Rows, rows, scored, write

SAMPLES = Path(__file__).resolve().parents[2] / "sample_data"
# By SDMetrics 0.32.0 (QualityReport, BoundaryAdherence) from the same columns; `bench generate --peers` compares again.
SDMETRICS = {
    "public": (0.9290099897091286, 0.9335416666666667, 0.9244783127515904, 0.9981481481481482),
    "busyhour": (0.8844461568665725, 0.9131068165306397, 0.8557854972025053, 0.9898362507058159),
}
finite = st.integers(-20, 20).map(float) | st.floats(-1e6, 1e6)


def compared(folder: Path, real: Rows, synthetic: Rows) -> Fidelity:
    return scored(write(folder / "real.csv", real), write(folder / "synthetic.csv", synthetic))


def test_fidelity_of_a_file_against_itself_is_whole(tmp_path: Path) -> None:
    found = compared(tmp_path, rows(300), rows(300))
    assert found.quality == found.column_shapes == found.column_pairs == found.boundaries == 1.0
    assert found.novelty.new == 0.0
    assert found.novelty.copies == 1.0
    assert [column.shape for column in found.columns] == [1.0] * len(HEADER)


def test_fidelity_does_not_depend_on_the_order_of_rows(tmp_path: Path) -> None:
    real, synthetic = rows(300), rows(200, seed=2)
    one = compared(tmp_path, real, synthetic)
    random.Random(3).shuffle(real)
    random.Random(4).shuffle(synthetic)
    other = compared(tmp_path, real, synthetic)
    assert (one.column_shapes, one.boundaries) == (other.column_shapes, other.boundaries)
    assert one.column_pairs == pytest.approx(other.column_pairs, abs=1e-12)
    assert (one.novelty.new, one.novelty.copies) == (other.novelty.new, other.novelty.copies)


def test_fidelity_loses_pairs_and_keeps_shapes_when_columns_are_shuffled_apart(tmp_path: Path) -> None:
    real = rows(600)
    rng = random.Random(5)
    columns = [list(column) for column in zip(*real, strict=True)]
    for column in columns:
        rng.shuffle(column)
    found = compared(tmp_path, real, [list(row) for row in zip(*columns, strict=True)])
    assert found.column_shapes == pytest.approx(1.0)
    assert found.column_pairs is not None
    assert found.column_pairs < 0.85
    assert found.novelty.new is not None
    assert found.novelty.new > 0.5


def test_fidelity_of_another_sample_of_the_same_traffic_is_high(tmp_path: Path) -> None:
    found = compared(tmp_path, rows(2000), rows(2000, seed=9))
    assert found.quality is not None
    assert found.quality > 0.95
    assert found.novelty.copies is not None
    assert found.novelty.copies < 0.35  # unanswered calls repeat


@pytest.mark.parametrize("files", ["public", "busyhour"])
def test_fidelity_scores_are_those_of_sdmetrics(files: str, tmp_path: Path) -> None:
    real, synthetic = SAMPLES / "voip-public.csv", SAMPLES / "voip-public-undated.csv"
    if files == "busyhour":
        lines = (SAMPLES / "voip-busyhour.csv").read_text().splitlines(keepends=True)
        real, synthetic = tmp_path / "a.csv", tmp_path / "b.csv"
        real.write_text("".join(lines[:161]))
        synthetic.write_text("".join([lines[0], *lines[161:]]))
    found = scored(real, synthetic)
    scores = (found.quality, found.column_shapes, found.column_pairs, found.boundaries)
    assert scores == pytest.approx(SDMETRICS[files], abs=1e-12)


@given(st.lists(finite, min_size=1, max_size=30), st.lists(finite, min_size=1, max_size=30))
def test_ks_complement_is_one_less_the_widest_gap_of_the_shares_below_a_value(
    real: list[float], synthetic: list[float]
) -> None:
    def below(values: list[float], bound: float) -> float:
        return sum(value <= bound for value in values) / len(values)

    expected = 1 - max(abs(below(real, bound) - below(synthetic, bound)) for bound in real + synthetic)
    assert ks_complement(np.array(real), np.array(synthetic)) == pytest.approx(expected)


@given(st.lists(st.integers(0, 5), min_size=1, max_size=60), st.lists(st.integers(0, 5), min_size=1, max_size=60))
def test_tv_complement_is_the_overlap_of_shares(real: list[int], synthetic: list[int]) -> None:
    expected = sum(min(real.count(v) / len(real), synthetic.count(v) / len(synthetic)) for v in range(6))
    assert tv_complement(np.array(real), np.array(synthetic), 6) == pytest.approx(expected, abs=1e-4)


@given(st.lists(st.tuples(st.integers(-50, 50), st.integers(-50, 50)), min_size=3, max_size=60))
def test_correlation_is_pearsons_where_neither_is_constant(pairs: list[tuple[int, int]]) -> None:
    x, y = (np.array(values, np.float64) for values in zip(*pairs, strict=True))
    found = correlation(x, y)
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        assert found is None
    else:
        assert found == pytest.approx(pearsonr(x, y).statistic, abs=1e-9)


def test_correlation_leaves_out_rows_with_a_missing_number() -> None:
    x = np.array([1.0, 2.0, 3.0, np.nan, 5.0])
    y = np.array([2.0, 4.0, 6.0, 100.0, np.nan])
    assert correlation(x, y) == pytest.approx(1.0)


def test_cramers_v_is_one_for_a_table_that_decides_and_zero_for_one_that_does_not() -> None:
    assert cramers_v(np.array([[30, 0, 0], [0, 20, 0]])) == pytest.approx(1.0)
    assert cramers_v(np.array([[30, 20], [60, 40]])) == pytest.approx(0.0)
    assert cramers_v(np.array([[30, 20], [0, 0]])) is None


def test_boundary_adherence_counts_a_missing_number_against_the_synthetic_side_only_where_the_real_one_has_none() -> (
    None
):
    synthetic = np.array([1.0, 5.0, np.nan, 11.0])
    assert boundary_adherence(np.array([0.0, 10.0]), synthetic) == pytest.approx(0.5)
    assert boundary_adherence(np.array([0.0, 10.0, np.nan]), synthetic) == pytest.approx(2 / 3)
