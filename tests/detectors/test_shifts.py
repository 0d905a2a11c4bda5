"""Levels that shift by little and for days: told when they last, quiet about outages, never before they happen."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.entities import Entity
from detectors.judging import Judgement, find, train_all
from detectors.panel import Panel, from_frame, merged
from detectors.scorers import cusum
from detectors.subject import Kpi
from tests.detectors.simulator import KPIS, START, Network

UTC = ZoneInfo("UTC")
LOW, DAY, HOUR = int(START.timestamp() * 1000), 86_400_000, 3_600_000
TRAINED, WEEKS = 21, 35  # days


def _noise(days: int, series: int = 1, seed: int = 7) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 1, (series, days))


@pytest.mark.parametrize("high", [True, False])
def test_quiet_days_are_told_no_more_often_than_the_score_says(high: bool) -> None:
    scores = cusum.score(_noise(400, 2000), high=high).score
    for score, stated in ((30, 1e-2), (45, 1e-3)):
        over = scores >= score
        begins = over[:, 1:] & ~over[:, :-1]  # a sum that is high stays so for days: it is one alarm
        assert stated / 10 <= begins.mean() <= stated


def test_a_shift_of_two_deviations_is_told_in_ten_days_with_the_day_it_began() -> None:
    days = _noise(60, 200)
    days[:, 30:] -= 2.0
    found = cusum.score(days, high=False)
    told = (found.score[:, 30:] >= 80).argmax(axis=1)
    assert np.median(told) <= 9
    assert np.median(np.abs(found.begun[np.arange(200), 30 + told] - 30)) <= 1
    assert not (found.score[:, :30] >= 80).any()
    assert not (cusum.score(days, high=True).score >= 80).any()


def test_outages_are_no_level_however_deep() -> None:
    days = np.zeros((1, 40))
    days[0, ::5] = -40.0
    assert np.nanmax(cusum.score(days, high=False).score) < 60


def test_days_that_say_nothing_neither_help_nor_hinder() -> None:
    days = np.full((1, 24), -2.5)
    days[0, ::2] = np.nan
    found = cusum.score(days, high=False)
    assert np.isnan(found.score[0, ::2]).all()
    assert found.score[0, 23] >= 60


@given(st.lists(st.floats(-5, 5), min_size=2, max_size=40), st.integers(1, 39))
def test_a_day_is_judged_by_itself_and_the_days_before(values: list[float], cut: int) -> None:
    days = np.array([values])
    cut = min(cut, len(values) - 1)
    whole, part = cusum.score(days, high=True), cusum.score(days[:, :cut], high=True)
    assert np.array_equal(whole.score[:, :cut], part.score)
    assert np.array_equal(whole.begun[:, :cut], part.begun)


# On points


@pytest.fixture(scope="module")
def quiet() -> pd.DataFrame:
    return Network(61, days=WEEKS).frame()


def _poorer(frame: pd.DataFrame, first: int, days: int, share: float) -> pd.DataFrame:
    """The MOS behind fra-sbc is that many times what it was, on so many days."""
    bent = frame.copy()
    since = LOW + first * DAY
    rows = (bent["kpi"] == "voip.mos") & (bent["entity_id"] == "fra-sbc")
    rows &= bent["bucket"].between(since, since + days * DAY - 1)
    bent.loc[rows, ["value", "numerator"]] *= share
    return bent


def _judged(frame: pd.DataFrame, since: int = TRAINED * DAY, until: int = WEEKS * DAY) -> Judgement:
    def load(kpi: Kpi, step: int, since: int, until: int, entities: set[Entity] | None) -> Panel:
        whole = merged(from_frame(frame, kpi, 300, since, until), step, UTC)
        return whole.rows([row for row, one in enumerate(whole.series) if entities is None or one.entity in entities])

    kpis = [KPIS["voip.mos"]]
    return find(kpis, train_all(kpis, load, LOW, LOW + TRAINED * DAY, UTC), load, LOW + since, LOW + until, UTC)


def test_a_small_shift_stands_beside_the_incidents(quiet: pd.DataFrame) -> None:
    result = _judged(_poorer(quiet, 24, 9, 0.9955))
    (one,) = [each for each in result.anomalies if each.detector == "level"]
    assert (one.standing, one.direction, str(one.series.entity), one.severity) == (True, "low", "sbc:fra-sbc", 4)
    assert abs(one.start - (LOW + 24 * DAY)) <= DAY
    assert one.reason.startswith("MOS of SBC fra-sbc has been lower since ")
    assert one.reason.endswith("is usual, day after day")
    assert all(one.id not in {part.id for part in each.anomalies} for each in result.incidents)


def test_quiet_weeks_have_no_shifts(quiet: pd.DataFrame) -> None:
    assert not [one for one in _judged(quiet).anomalies if one.detector == "level"]


def test_rounds_of_a_day_tell_what_the_whole_time_tells_and_only_after_midnight(quiet: pd.DataFrame) -> None:
    bent = _poorer(quiet, 24, 9, 0.9955)
    (whole,) = [one for one in _judged(bent).anomalies if one.detector == "level"]
    end = 33 * DAY
    (round_,) = [one for one in _judged(bent, end - 26 * HOUR, end + HOUR).anomalies if one.detector == "level"]
    assert (round_.series, round_.start) == (whole.series, whole.start)
    assert not [one for one in _judged(bent, end - 14 * HOUR, end + 12 * HOUR).anomalies if one.detector == "level"]
