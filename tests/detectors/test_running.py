"""Running windows: calibrated on quiet data, quick on thin series, silent about what is over."""

from __future__ import annotations

from dataclasses import replace
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from contracts.clock import HOURS_OF_WEEK
from contracts.entities import Entity
from detectors.anomalies import Told, deviations
from detectors.baseline import Baseline
from detectors.evidence import judge
from detectors.panel import Floats, Panel
from detectors.scales import to_scale
from detectors.scorers import running
from detectors.subject import Kpi, Series
from tests.detectors.simulator import KPIS, START

ZONE = ZoneInfo("UTC")
LOW = int(START.timestamp() * 1000)
BUCKETS = 2016
COUNT, RATIO, MEAN = KPIS["voip.attempts"], KPIS["voip.ner"], KPIS["voip.mos"]


def _series(kpi: Kpi, count: int) -> tuple[Series, ...]:
    return tuple(Series(kpi.id, kpi.service, Entity("trunk_group", f"TG{number}")) for number in range(count))


def _baseline(
    kpi: Kpi, count: int, value: float, *, within: float = 1.0, between: float = 0.0, tail: float = 1e6
) -> Baseline:
    cells, each = (count, HOURS_OF_WEEK), np.ones(count)
    centre = np.broadcast_to(to_scale(kpi, np.array(value)), cells).copy()
    return Baseline(
        kpi, 300, ZONE, _series(kpi, count), centre, np.full(cells, between), within * each, tail * each, 1e-9 * each,
        np.full(cells, 20.0), np.full(cells, 8.0),
    )  # fmt: skip


def _panel(kpi: Kpi, part: Floats, whole: Floats | None = None, samples: Floats | None = None) -> Panel:
    starts = LOW + 300_000 * np.arange(part.shape[1], dtype=np.int64)
    value = part if whole is None else part / np.where(whole > 0, whole, np.nan)
    nothing = np.full(part.shape, np.nan)
    return Panel(
        kpi, 300, _series(kpi, len(part)), starts, value, part if whole is not None else nothing,
        nothing if whole is None else whole, part if samples is None else samples, np.ones(part.shape),
        np.zeros(part.shape, dtype=bool),
    )  # fmt: skip


def _quiet(model: str, rng: np.random.Generator, rows: int = 60) -> tuple[Panel, Baseline]:
    shape = (rows, BUCKETS)
    if model == "count":
        return _panel(COUNT, rng.poisson(12.0, shape).astype(float)), _baseline(COUNT, rows, 12.0)
    calls = rng.poisson(12.0, shape).astype(float)
    if model == "ratio":
        answered = rng.binomial(calls.astype(int), 0.97).astype(float)
        return _panel(RATIO, answered, calls, calls), _baseline(RATIO, rows, 0.97)
    total = 4.1 * calls + rng.normal(0, 0.35, shape) * np.sqrt(calls)
    return _panel(MEAN, total, calls, calls), _baseline(MEAN, rows, 4.1, within=0.35**2)


@pytest.mark.parametrize("model", ["count", "ratio", "continuous"])
@pytest.mark.parametrize("slow", [False, True])
def test_a_score_is_reached_about_as_often_on_quiet_data_as_it_states(model: str, slow: bool) -> None:
    panel, baseline = _quiet(model, np.random.default_rng(5))
    judged = judge(panel, baseline)
    without = np.zeros(panel.value.shape, dtype=bool) if slow else None
    score = running.score(panel, baseline, judged.expected, high=False, without=without).score
    stated = {30: 1e-2, 45: 1e-3, 60: 1e-4}
    for least, rate in stated.items():
        assert np.mean(score >= least) <= 3 * rate, least
    assert np.mean(score >= 30) >= 0.1 * stated[30]


@pytest.mark.parametrize("model", ["count", "ratio", "continuous"])
def test_a_score_of_75_is_about_as_rare_as_it_states(model: str) -> None:
    reached, looks = 0, 0
    for seed in range(3):
        panel, baseline = _quiet(model, np.random.default_rng(100 + seed), rows=150)
        for high in (False, True):
            score = running.score(panel, baseline, judge(panel, baseline).expected, high=high).score
            reached, looks = reached + int((score >= 75).sum()), looks + score.size
    assert looks > 1_800_000
    assert 0.1e-5 <= reached / looks <= 3e-5  # stated: one in 100,000; windows overlap, so that looks come in runs


def test_a_thin_series_is_told_within_a_quarter_of_an_hour_when_a_third_of_its_calls_fail() -> None:
    rng = np.random.default_rng(6)
    calls = rng.poisson(8.0, (1, BUCKETS)).astype(float)
    good = np.full(BUCKETS, 0.995)
    good[1000:1036] = 0.65
    panel = _panel(RATIO, rng.binomial(calls.astype(int), good).astype(float), calls, calls)
    found = deviations(judge(panel, _baseline(RATIO, 1, 0.995)), ZONE)
    (one,) = found
    first = LOW + 1000 * 300_000
    assert one.start in range(first - 600_000, first + 600_001)
    assert one.detected <= first + 900_000
    assert one.end <= first + 36 * 300_000 + 3_600_000
    assert one.lower < one.expected <= one.upper
    assert one.actual < one.lower
    assert "NER of trunk group TG0 is 0." in one.reason


def test_what_is_over_is_not_told_again_by_the_windows_of_a_day() -> None:
    rng = np.random.default_rng(7)
    calls = rng.poisson(8.0, (1, BUCKETS)).astype(float)
    good = np.full(BUCKETS, 0.995)
    good[1000:1036] = 0.2
    judged = judge(
        _panel(RATIO, rng.binomial(calls.astype(int), good).astype(float), calls, calls), _baseline(RATIO, 1, 0.995)
    )
    sudden = deviations(judged, ZONE)
    assert len(sudden) == 1
    assert deviations(judged, ZONE, Told(sudden)) == []


def test_a_small_shift_is_told_within_a_day_when_no_hour_shows_it() -> None:
    rng = np.random.default_rng(8)
    calls = rng.poisson(8.0, (1, BUCKETS)).astype(float)
    good = np.full(BUCKETS, 0.99)
    good[1000:] = 0.97
    judged = judge(
        _panel(RATIO, rng.binomial(calls.astype(int), good).astype(float), calls, calls), _baseline(RATIO, 1, 0.99)
    )
    slow = deviations(judged, ZONE, Told([]))
    assert slow
    first = LOW + 1000 * 300_000
    assert min(one.start for one in slow) >= first - 6 * 3_600_000
    assert min(one.detected for one in slow) <= first + 86_400_000


@pytest.mark.parametrize("worse", [0, 2, 5, 9])
def test_a_worse_bucket_never_lowers_the_score(worse: int) -> None:
    calls = np.full((1, 50), 20.0)
    good = np.full((1, 50), 20.0)
    good[0, 40] -= worse
    baseline = _baseline(RATIO, 1, 0.97)
    scores = []
    for more in (0.0, 1.0):
        part = good.copy()
        part[0, 40] -= more
        panel = _panel(RATIO, part, calls, calls)
        scores.append(running.score(panel, baseline, judge(panel, baseline).expected, high=False).score[0, 40:46])
    assert (scores[1] >= scores[0] - 1e-9).all()


def test_nothing_is_judged_where_there_is_no_baseline_and_absent_buckets_add_nothing() -> None:
    panel, baseline = _quiet("ratio", np.random.default_rng(9), rows=2)
    unknown = replace(baseline, centre=np.full_like(baseline.centre, np.nan))
    assert np.isnan(running.score(panel, unknown, judge(panel, unknown).expected, high=False).score).all()
    holes = panel.value.copy()
    holes[:, 500:600] = np.nan
    absent = replace(panel, value=holes, numerator=np.where(np.isnan(holes), np.nan, panel.numerator),
                     denominator=np.where(np.isnan(holes), np.nan, panel.denominator))  # fmt: skip
    score = running.score(absent, baseline, judge(absent, baseline).expected, high=False).score
    assert (score[:, 513:600] == 0).all()
