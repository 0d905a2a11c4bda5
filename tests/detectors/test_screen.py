"""What learning asks of the scorers, for a fraction of the time: the answer must be theirs."""

from __future__ import annotations

from dataclasses import replace
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.entities import Entity
from contracts.errors import InternalError
from detectors.baseline import Baseline, empty
from detectors.panel import Panel
from detectors.scorers import by_model
from detectors.scorers.screen import stands_out
from detectors.subject import Kpi, Series

KPIS = (
    Kpi("t.attempts", "attempts", "voip", "", "count", "low", "traffic"),
    Kpi("t.asr", "ASR", "voip", "", "ratio", "low", "effectiveness"),
    Kpi("t.delay", "delay", "voip", "ms", "continuous", "high", "delay", logarithmic=True),
    Kpi("t.mos", "MOS", "voip", "", "continuous", "low", "quality"),
)


def judged(kpi: Kpi, seed: int) -> tuple[Panel, Baseline]:
    """Three series over two days, quiet and wild, thin and dense, with holes, and what might be normal for them."""
    rng = np.random.default_rng(seed)
    shape = (3, 576)
    zone = ZoneInfo("Europe/Berlin")
    series = tuple(Series(kpi.id, "voip", Entity("trunk_group", f"TG{row}")) for row in range(3))
    level = np.array([[0.3], [20.0], [5000.0]]) * rng.lognormal(0, 0.5, shape)
    counts = rng.poisson(level).astype(float)
    share = np.clip(rng.beta(9, 1, (3, 1)) * np.where(rng.random(shape) < 0.05, 0.5, 1.0), 0, 1)
    hits = rng.binomial(counts.astype(int), share).astype(float)
    value = counts if kpi.model == "count" else rng.lognormal(1, 0.5, shape)
    value[rng.random(shape) < 0.05] = np.nan
    panel = Panel(
        kpi, 300, series, 1_788_134_400_000 + 300_000 * np.arange(shape[1]), value=value, numerator=hits, denominator=counts,
        samples=counts, coverage=rng.choice([1.0, 0.7, 0.3], shape), silent=np.zeros(shape, dtype=bool),
    )  # fmt: skip
    centre = {"count": np.log(level.mean(axis=1)), "ratio": np.full(3, 2.0), "continuous": np.full(3, 1.0)}[kpi.model]
    weekly = np.repeat(centre[:, None], 168, axis=1) + rng.normal(0, 0.2, (3, 168))
    weekly[0, 10:20] = np.nan
    known = replace(
        empty(kpi, 300, zone, series), centre=weekly, between=rng.choice([0.0, 1e-6, 0.01, 0.3], (3, 168)),
        within=rng.choice([1.0, 5.0], 3), tail=rng.choice([2.0, 8.0, 1e6], 3), floor=np.full(3, 0.1),
        samples=np.full((3, 168), 20.0), weeks=np.full((3, 168), 8.0),
    )  # fmt: skip
    return panel, known


@pytest.mark.parametrize("kpi", KPIS, ids=lambda kpi: kpi.alias)
@given(seed=st.integers(0, 10**6), least=st.sampled_from([45.0, 60.0, 75.0]))
@settings(max_examples=40)
def test_stands_out_says_what_the_scorer_says(kpi: Kpi, seed: int, least: float) -> None:
    panel, known = judged(kpi, seed)
    both = replace(panel, kpi=replace(kpi, bad="both"))
    with np.errstate(invalid="ignore"):
        expected = by_model(both, known).score >= least
    assert (stands_out(panel, known, least) == expected).all()


def test_stands_out_refuses_what_it_cannot_screen() -> None:
    panel, known = judged(KPIS[0], 1)
    with pytest.raises(InternalError):
        stands_out(panel, known, 10.0)
