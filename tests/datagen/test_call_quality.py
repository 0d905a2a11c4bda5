"""The E-model: scores of G.107 Table B.1, delays worked out by hand from §7.4.3."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from datagen.quality import BEST_R, delay_impairment, late_share, mos, r_factor


@pytest.mark.parametrize(("r", "score"), [(93.2, 4.41), (90, 4.34), (80, 4.03), (70, 3.60), (60, 3.10), (50, 2.58)])
def test_mos_is_that_of_g107_annex_b(r: float, score: float) -> None:
    assert mos(np.array([r]))[0] == pytest.approx(score, abs=0.007)


@pytest.mark.parametrize(("delay", "impairment"), [(0, 0), (100, 0), (150, 0.08), (200, 3.0), (300, 14.7), (400, 24.0)])
def test_delay_impairment_is_that_of_g107(delay: float, impairment: float) -> None:
    assert delay_impairment(np.array([float(delay)]))[0] == pytest.approx(impairment, abs=0.6)


def test_r_factor_is_the_best_without_delay_and_loss() -> None:
    zero = np.zeros(1)
    assert r_factor(zero, zero, zero, np.array([25.1]))[0] == BEST_R


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1000), st.floats(0, 1000))
def test_r_factor_falls_with_loss_and_delay(loss: float, more: float, delay: float, longer: float) -> None:
    low, high = sorted((loss, more))
    near, far = sorted((delay, longer))
    codec = (np.zeros(1), np.array([25.1]))
    better = r_factor(np.array([near]), np.array([low]), *codec)
    worse = r_factor(np.array([far]), np.array([high]), *codec)
    assert 0 <= worse[0] <= better[0] + 1e-9 <= BEST_R + 1e-9
    assert 1 <= mos(worse)[0] <= mos(better)[0] + 0.05  # the published polynomial dips below 1 near R = 6


def test_late_share_rises_with_jitter() -> None:
    shares = late_share(np.array([0.0, 5.0, 20.0, 60.0]), 60)
    assert (np.diff(shares) > 0).all()
    assert 0 <= shares[0] < 1e-6
    assert shares[-1] < 0.5
