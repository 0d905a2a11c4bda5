"""MOS of an R-factor (ITU-T G.107 annex B), loss ratio; and that Ruby gives the same doubles."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediation.enrich.quality import mos_of_r_factor, share
from tests.enrich.rendered import run_script

counts = st.integers(-5, 10**12)


@pytest.mark.parametrize(
    ("r_factor", "mos"),
    [(90, 4.34), (80, 4.03), (70, 3.60), (60, 3.10), (50, 2.58)],  # G.107, table B.1
)
def test_mos_is_that_of_the_recommendations_table(r_factor: float, mos: float) -> None:
    assert mos_of_r_factor(r_factor) == pytest.approx(mos, abs=0.0061)  # it prints 4.03 for 4.024


@pytest.mark.parametrize(
    ("r_factor", "mos"), [(-3, 1.0), (0, 1.0), (3, 1.0), (6.4, 1.0), (100, 4.5), (107.2, 4.5), (93.2, 4.409)]
)
def test_mos_is_clamped_to_its_range(r_factor: float, mos: float) -> None:
    assert mos_of_r_factor(r_factor) == mos


@given(st.floats(-10, 120), st.floats(-10, 120))
def test_mos_grows_with_the_rating_and_has_three_digits(one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert 1.0 <= mos_of_r_factor(low) <= mos_of_r_factor(high) <= 4.5
    assert mos_of_r_factor(one) == round(mos_of_r_factor(one), 3)


@given(counts, counts)
def test_share_is_a_ratio_or_nothing(part: int, whole: int) -> None:
    found = share(part, whole)
    assert found is None if part < 0 or whole <= 0 or part > whole else 0 <= (found or 0.0) <= 1
    assert share(whole, whole) == (1.0 if whole > 0 else None)


def test_script_gives_the_same_doubles() -> None:
    rng = random.Random(7)
    ratings = [round(rng.uniform(-5, 110), rng.randrange(16)) for _ in range(5_000)] + list(range(-2, 103))
    params = {"field": "[out]", "kind": "mos_of_r_factor", "sources": ["[r]"]}
    out = run_script("quality", params, [{"r": rating} for rating in ratings])
    assert [event["out"] for event in out] == [mos_of_r_factor(rating) for rating in ratings]

    pairs = [
        (rng.randrange(-2, 10 ** rng.randrange(1, 13)), rng.randrange(10 ** rng.randrange(1, 13))) for _ in range(5_000)
    ]
    pairs += [(0, 0), (0, 5), (5, 5), (6, 5)]
    params = {"field": "[out]", "kind": "ratio", "sources": ["[lost]", "[expected]"]}
    out = run_script("quality", params, [{"lost": lost, "expected": expected} for lost, expected in pairs])
    assert [event.get("out") for event in out] == [share(lost, expected) for lost, expected in pairs]
