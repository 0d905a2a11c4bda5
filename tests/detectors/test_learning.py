"""Baselines: calibrated with three weeks of data, not moved by incidents, silent where they know nothing."""

from __future__ import annotations

from dataclasses import replace
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from contracts.entities import Entity
from detectors.baseline import expected_at, finer
from detectors.learning import learn
from detectors.panel import Panel, from_frame, merged
from detectors.resolution import resolution_of
from detectors.scales import from_scale
from detectors.scorers import by_model
from tests.detectors.simulator import KPIS, START, Incident, Network, at

ZONE = ZoneInfo("UTC")
DAY = 86_400_000
LOW = int(START.timestamp() * 1000)


@pytest.fixture(scope="module")
def quiet() -> pd.DataFrame:
    return Network(21, days=42).frame()


def _panel(frame: pd.DataFrame, kpi: str, step: int, first: int, last: int) -> Panel:
    fine = from_frame(frame, KPIS[kpi], 300, LOW + first * DAY, LOW + last * DAY)
    return merged(fine, step, ZONE)


@pytest.mark.parametrize("step", [300, 3600])
@pytest.mark.parametrize(
    "kpi",
    [
        "voip.attempts",
        "voip.asr",
        "voip.ner",
        "voip.jitter_within_target",
        "voip.packet_loss",
        "voip.mos",
        "epc.volume",
    ],
)
def test_scores_are_calibrated_when_three_weeks_were_learned(quiet: pd.DataFrame, kpi: str, step: int) -> None:
    seen = _panel(quiet, kpi, step, 21, 42)
    baseline = learn(_panel(quiet, kpi, step, 0, 21), ZONE)
    both = replace(seen, kpi=replace(seen.kpi, bad="both"))
    score = by_model(both, baseline).score
    judged = np.isfinite(score).sum()
    assert judged > 0.8 * score.size
    assert (score >= 45).sum() <= 4 * 1e-3 * judged + 3
    assert (score >= 75).sum() <= 20 * 1e-5 * judged + 2


def test_expected_count_follows_the_hours_when_traffic_rises(quiet: pd.DataFrame) -> None:
    panel = _panel(quiet, "voip.attempts", 300, 0, 21)
    baseline = learn(panel, ZONE)
    expected = expected_at(baseline, panel).value
    whole = panel.value[[one.entity.type == "service" for one in panel.series].index(True)]
    fit = expected[[one.entity.type == "service" for one in panel.series].index(True)]
    busy = fit > 5
    assert np.abs((whole[busy] - fit[busy]) / np.sqrt(fit[busy] + 0.01 * fit[busy] ** 2)).mean() < 1.2
    assert abs(whole.sum() / fit.sum() - 1) < 0.05


def test_learning_is_not_moved_by_incidents_in_the_training_data() -> None:
    incidents = tuple(
        Incident(kind, "voip", "trunk_group:TG2", at(day, 9), at(day, 15), 0.8)
        for kind, day in (("trunk_outage", 3), ("trunk_vanish", 8), ("trunk_outage", 16))
    )
    clean, spoilt = Network(22, days=21).frame(), Network(22, days=21, incidents=incidents).frame()
    for kpi in ("voip.ner", "voip.attempts"):
        ours = {}
        for name, frame in (("clean", clean), ("spoilt", spoilt)):
            panel = _panel(frame, kpi, 3600, 0, 21)
            baseline = learn(panel, ZONE)
            row = [str(one.entity) for one in panel.series].index("trunk_group:TG2")
            ours[name] = from_scale(baseline.kpi, baseline.centre[row]), baseline.between[row]
        change = np.abs(ours["spoilt"][0] / ours["clean"][0] - 1)
        assert np.median(change) < 0.05
        spoilt_hours = np.r_[3 * 24 + 9 : 3 * 24 + 15, 24 + 9 : 24 + 15, 2 * 24 + 9 : 2 * 24 + 15]
        assert change[spoilt_hours].max() < 0.25
        assert np.median(ours["spoilt"][1]) < 3 * np.median(ours["clean"][1]) + 0.01


@pytest.mark.parametrize("days", [0, 1, 6])
def test_learning_is_insufficient_when_history_is_short(quiet: pd.DataFrame, days: int) -> None:
    panel = _panel(quiet, "voip.ner", 3600, 0, days)
    baseline = learn(panel, ZONE)
    assert len(baseline.series) == len(panel.series)
    assert np.isnan(baseline.centre).all()
    seen = _panel(quiet, "voip.ner", 3600, 21, 22)
    assert np.isnan(by_model(seen, baseline.aligned(seen.series)).score).all()


def test_hours_are_unknown_when_no_such_day_was_seen(quiet: pd.DataFrame) -> None:
    days = _panel(quiet, "voip.ner", 3600, 0, 12)
    weekend = (days.starts - LOW) // DAY % 7 >= 5
    for name in ("value", "numerator", "denominator", "samples"):
        getattr(days, name)[:, weekend] = np.nan
    baseline = learn(days, ZONE)
    assert np.isfinite(baseline.centre[:, :120]).all()
    assert np.isnan(baseline.centre[:, 120:]).all()


def test_a_parents_shape_speaks_for_hours_a_part_has_not_seen(quiet: pd.DataFrame) -> None:
    panel = _panel(quiet, "voip.attempts", 3600, 0, 21)
    whole = [one.entity == Entity("service", "voip") for one in panel.series].index(True)
    trunk = [one.entity == Entity("trunk_group", "TG3") for one in panel.series].index(True)
    parent = learn(panel.rows([whole]), ZONE)
    young = panel.rows([trunk]).between(LOW + 8 * DAY, LOW + 18 * DAY)
    one_day_type = (young.starts - LOW) // DAY % 7 >= 5
    for name in ("value", "samples"):
        getattr(young, name)[:, one_day_type] = np.nan
    alone, helped = learn(young, ZONE), learn(young, ZONE, parent)
    assert np.isnan(alone.centre[:, 120:]).all()
    full = learn(panel.rows([trunk]), ZONE, parent)
    busy = np.r_[128:142]
    assert np.abs(helped.centre[0, busy] - full.centre[0, busy]).max() < 0.35


def test_constant_series_scores_nothing_when_it_stays_constant() -> None:
    starts = LOW + 3_600_000 * np.arange(24 * 28)
    frame = pd.DataFrame(
        {
            "kpi": "voip.mos", "service": "voip", "entity_type": "service", "entity_id": "voip", "bucket": starts,
            "value": 4.0, "numerator": 400.0, "denominator": 100.0, "samples": 100.0, "state": "ok",
        }
    )  # fmt: skip
    panel = from_frame(frame, KPIS["voip.mos"], 3600, LOW, LOW + 28 * DAY)
    baseline = learn(panel.between(LOW, LOW + 21 * DAY), ZONE)
    assert (by_model(panel, baseline).score < 10).all()


def test_missing_values_are_not_judged() -> None:
    starts = LOW + 3_600_000 * np.arange(24 * 28)
    frame = pd.DataFrame(
        {
            "kpi": "voip.mos", "service": "voip", "entity_type": "service", "entity_id": "voip", "bucket": starts,
            "value": np.nan, "numerator": np.inf, "denominator": np.nan, "samples": np.nan, "state": "ok",
        }
    )  # fmt: skip
    panel = from_frame(frame, KPIS["voip.mos"], 3600, LOW, LOW + 28 * DAY)
    baseline = learn(panel, ZONE)
    assert np.isnan(baseline.centre).all()
    assert np.isnan(by_model(panel, baseline).score).all()


def test_resolution_asks_for_more_samples_when_it_is_a_percentile(quiet: pd.DataFrame) -> None:
    hourly = _panel(quiet, "voip.pdd_p95", 3600, 0, 21)
    chosen = {str(one.entity): step for one, step in zip(hourly.series, resolution_of(hourly, ZONE), strict=True)}
    assert chosen["service:voip"] == 3600
    assert chosen["trunk_group:TG4"] == 86400


def test_an_hourly_baseline_speaks_for_5_minutes_when_made_finer(quiet: pd.DataFrame) -> None:
    hours, fine = _panel(quiet, "sms.volume", 3600, 0, 21), _panel(quiet, "sms.volume", 300, 21, 22)
    expected = expected_at(finer(learn(hours, ZONE), 300), fine).value
    assert expected.sum() == pytest.approx(np.nansum(fine.value), rel=0.15)


def test_resolution_follows_traffic(quiet: pd.DataFrame) -> None:
    hourly = _panel(quiet, "voip.attempts", 3600, 0, 21)
    chosen = {str(one.entity): step for one, step in zip(hourly.series, resolution_of(hourly, ZONE), strict=True)}
    assert chosen["service:voip"] == 300
    assert chosen["trunk_group:TG4"] == 3600
    thin = _panel(Network(5, days=14, scale=0.001).frame(), "voip.attempts", 3600, 0, 14)
    assert set(resolution_of(thin, ZONE)) == {86400}
