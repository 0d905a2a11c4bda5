"""New rows and copies, held against the definition written out."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datagen.fidelity.columns import Compared
from datagen.fidelity.novelty import MOST, TOLERANCE, novelty
from tests.datagen.fidelity_tables import HEADER, rows, scored, write

Row = tuple[int, float | None, float | None]
cell = st.one_of(st.none(), st.sampled_from((0.0, 100.0, 100.9, 101.0, 101.2, -100.5, 5.0, 5.04, 7.0)))
table = st.lists(st.tuples(st.integers(-1, 2), cell, cell), min_size=2, max_size=25)


def side(found: list[Row], place: int) -> np.ndarray:
    return np.array([np.nan if row[place] is None else row[place] for row in found], np.float64)


def columns(real: list[Row], synthetic: list[Row]) -> list[Compared]:
    words = [np.array([row[0] for row in found], np.int64) for found in (real, synthetic)]
    numbers = [Compared(f"n{place}", "number", side(real, place), side(synthetic, place)) for place in (1, 2)]
    return [Compared("word", "category", words[0], words[1], ("a", "b", "c")), *numbers]


def matches(known: Row, row: Row) -> bool:
    """SDMetrics' NewRowSynthesis: words equal, missing with missing, numbers within the tolerance of the synthetic one."""
    if known[0] != row[0]:
        return False
    for ours, theirs in zip(known[1:], row[1:], strict=True):
        if ours is None or theirs is None:
            if ours is not theirs:
                return False
        elif abs(ours - theirs) > abs(TOLERANCE * theirs):
            return False
    return True


def everything(found: list[Row]) -> np.ndarray:
    return np.ones(len(found), np.bool_)


@given(table, table)
@settings(max_examples=80, deadline=None)
def test_new_rows_are_those_that_match_no_real_row(real: list[Row], synthetic: list[Row]) -> None:
    found = novelty(columns(real, synthetic), everything(real), everything(synthetic))
    new = [not any(matches(known, row) for known in real) for row in synthetic]
    copies = [row in real for row in synthetic]
    alone = [sum(matches(known, row) for known in real) <= 1 for row in real]
    assert found.new == pytest.approx(sum(new) / len(new))
    assert found.copies == pytest.approx(sum(copies) / len(copies))
    assert found.leave_one_out == pytest.approx(sum(alone) / len(alone))


@given(table)
@settings(max_examples=30, deadline=None)
def test_new_rows_of_a_table_against_itself_are_none(real: list[Row]) -> None:
    found = novelty(columns(real, real), everything(real), everything(real))
    assert (found.new, found.copies) == (0.0, 1.0)
    assert found.reference is not None
    assert found.lowest is not None
    assert found.highest is not None
    assert found.lowest <= found.reference <= found.highest


def test_new_rows_are_not_defined_where_a_side_has_too_few() -> None:
    one: list[Row] = [(0, 1.0, 2.0)]
    found = novelty(columns(one, one), everything(one), np.zeros(1, np.bool_))
    assert (found.new, found.reference, found.copies, found.synthetic_rows) == (None, None, None, 0)


def test_new_rows_of_many_are_of_a_part_that_is_always_the_same() -> None:
    rng = np.random.default_rng(1)
    many = MOST + 1000
    values = rng.normal(0, 1e5, many).round()
    column = Compared("x", "number", values, values + 0.0)
    mask = np.ones(many, np.bool_)
    one, other = novelty([column], mask, mask), novelty([column], mask, mask)
    assert one == other
    assert one.real_rows == one.synthetic_rows == MOST


def test_new_rows_are_of_answered_calls_where_the_layout_has_a_disposition(tmp_path: Path) -> None:
    sample = Path(__file__).resolve().parents[2] / "sample_data" / "voip-public.csv"
    found = scored(sample, sample)
    answered = sum(",answered," in line for line in sample.read_text().splitlines())
    assert found.tables.used == "answered calls"
    assert found.novelty.real_rows == found.novelty.synthetic_rows == answered
    plain = scored(write(tmp_path / "a.csv", rows(50)), write(tmp_path / "b.csv", rows(50, seed=2)))
    assert plain.tables.used == "all rows"
    assert plain.novelty.real_rows == 50


def test_new_rows_fall_as_rows_are_copied(tmp_path: Path) -> None:
    real, fresh = rows(200), rows(200, seed=2)
    shares = []
    for copied in (0, 50, 100, 200):
        found = scored(write(tmp_path / "a.csv", real), write(tmp_path / "b.csv", real[:copied] + fresh[copied:]))
        assert found.novelty.new is not None
        assert found.novelty.copies is not None
        assert found.novelty.copies >= copied / 200
        shares.append(found.novelty.new)
    assert shares == sorted(shares, reverse=True)
    assert math.isclose(shares[-1], 0.0)
    assert len(HEADER) == 6
