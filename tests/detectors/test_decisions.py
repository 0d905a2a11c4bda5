"""When scores become an anomaly, and when it is over."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.decisions import RULES, Rule, Run, rule_for, runs
from tests.detectors.simulator import KPIS

RULE = Rule(extreme=92, pair=75, long=60, long_count=4, close=40, gap_sec=1200)


def _runs(*scores: float) -> list[Run]:
    array = np.array(scores, dtype=float)
    return list(runs(array, np.arange(len(array), dtype=np.int64) * 300_000, 300, RULE))


@pytest.mark.parametrize(
    ("scores", "decided"),
    [
        ((0, 95, 0), 1),
        ((0, 80, 80, 0), 2),
        ((0, 80, 50, 80, 0), None),
        ((0, 62, 63, 61, 60, 0), 4),
        ((0, 62, 63, 61, 0), None),
        ((0, 85, 0, 0), None),
        ((0, 80, np.nan, 80), 3),
    ],
)
def test_runs_decide_by_one_extreme_or_several_in_a_row(scores: tuple[float, ...], decided: int | None) -> None:
    found = _runs(*scores)
    assert [run.decided for run in found] == ([] if decided is None else [decided])


def test_runs_begin_with_the_first_bucket_that_strays_when_a_later_one_decides() -> None:
    (run,) = _runs(0, 45, 50, 95, 60, 41, 10)
    assert run.columns.tolist() == [1, 2, 3, 4, 5]
    assert (run.decided, run.peak) == (3, 3)


def test_runs_merge_when_the_hole_is_short_and_part_when_it_is_long() -> None:
    assert len(_runs(95, 0, 0, 0, 0, 95)) == 1
    assert len(_runs(95, 0, 0, 0, 0, 0, 95)) == 2


@given(st.lists(st.floats(0, 100) | st.just(float("nan")), max_size=60))
def test_runs_are_made_of_hot_buckets_only(scores: list[float]) -> None:
    found = _runs(*scores)
    seen = [column for run in found for column in run.columns]
    assert len(seen) == len(set(seen))
    assert all(scores[column] >= RULE.close for column in seen)
    assert all(run.decided in run.columns and scores[run.peak] == max(scores[c] for c in run.columns) for run in found)


@given(st.lists(st.floats(0, 100), min_size=1, max_size=40), st.data())
def test_runs_never_get_fewer_buckets_when_a_score_rises(scores: list[float], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(scores) - 1))
    worse = [*scores]
    worse[place] = 100.0
    before = {column for run in _runs(*scores) for column in run.columns}
    after = {column for run in _runs(*worse) for column in run.columns}
    assert before <= after


def test_no_single_bucket_of_a_percentile_decides() -> None:
    percentile, ratio = (rule_for(KPIS[name], 3600) for name in ("voip.pdd_p95", "voip.ner"))
    for rule, decided in ((percentile, False), (ratio, True)):
        found = list(runs(np.array([0.0, 99.0, 0.0]), 3_600_000 * np.arange(3), 3600, rule))
        assert bool(found) is decided
    assert list(runs(np.array([0.0, 99.0, 80.0, 0.0]), 3_600_000 * np.arange(4), 3600, percentile))


def test_rules_ask_for_less_when_buckets_are_longer() -> None:
    fine, hour, day = (RULES[step] for step in (300, 3600, 86400))
    assert fine.extreme > hour.extreme > day.extreme
    assert fine.pair > hour.pair > day.pair
