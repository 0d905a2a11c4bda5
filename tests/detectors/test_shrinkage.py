"""A trunk group's first day: judged by its service's shape and its own level, with few false alarms, and not blind."""

from __future__ import annotations

from dataclasses import replace
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from contracts.entities import Entity
from detectors.baseline import Baseline
from detectors.learning import learn
from detectors.panel import Panel
from detectors.resolution import resolution_of
from detectors.scorers import by_model
from detectors.shrinkage import FULL_DAYS
from detectors.subject import Kpi, Series

ZONE = ZoneInfo("Europe/Berlin")
MONDAY = 1_788_134_400_000
COUNT = Kpi("t.attempts", "attempts", "voip", "", "count", "both", "traffic")
RATIO = Kpi("t.asr", "ASR", "voip", "", "ratio", "both", "effectiveness")
TRUNKS, DAYS, BORN = 60, 28, 25  # a Friday: its first weekend is the second day


def points(kpi: Kpi, seed: int = 3) -> tuple[Panel, Panel]:
    """A service of four weeks, and trunk groups of which nothing exists before day 25; days stray together and alone."""
    rng = np.random.default_rng(seed)
    hour = np.arange(DAYS * 24)
    shape = (0.15 + np.exp(-((hour % 24 - 12) ** 2) / 18)) * np.where(hour // 24 % 7 >= 5, 0.6, 1.0)
    shape = shape * np.repeat(np.exp(rng.normal(0, 0.05, DAYS)), 24)
    share = rng.lognormal(-4, 0.5, (TRUNKS, 1))
    own = np.repeat(np.exp(rng.normal(0, 0.04, (TRUNKS, DAYS))), 24, axis=1)
    calls = rng.poisson(6000 * share * shape * own).astype(float)
    good = rng.binomial(calls.astype(int), np.clip(rng.normal(0.7, 0.02, (TRUNKS, 1)) + 0.0 * calls, 0, 1)).astype(
        float
    )
    parent = _panel(kpi, ["service:voip"], calls.sum(axis=0, keepdims=True), good.sum(axis=0, keepdims=True))
    trunks = _panel(kpi, [f"trunk_group:TG{n}" for n in range(TRUNKS)], calls, good)
    unborn = np.broadcast_to(hour < BORN * 24, calls.shape)
    arrays = {
        name: np.where(unborn, np.nan, getattr(trunks, name))
        for name in ("value", "numerator", "denominator", "samples")
    }
    return parent, replace(trunks, coverage=np.where(unborn, 0.0, 1.0), **arrays)


def _panel(kpi: Kpi, names: list[str], calls: np.ndarray, good: np.ndarray) -> Panel:
    starts = MONDAY - 7_200_000 + 3_600_000 * np.arange(calls.shape[1])
    series = tuple(Series(kpi.id, "voip", Entity.parse(name)) for name in names)
    value = calls if kpi.model == "count" else good / np.maximum(calls, 1)
    return Panel(
        kpi, 3600, series, starts, value=value, numerator=good, denominator=calls, samples=calls,
        coverage=np.ones_like(calls), silent=np.zeros(calls.shape, dtype=bool),
    )  # fmt: skip


def _until(panel: Panel, day: int) -> Panel:
    return panel.columns(np.arange(len(panel.starts)) < day * 24)


def learned(kpi: Kpi, day: int) -> tuple[Panel, Baseline]:
    parent, trunks = points(kpi)
    service = learn(_until(parent, day), ZONE)
    return trunks, learn(_until(trunks, day), ZONE, service.rows([0] * TRUNKS))


@pytest.mark.parametrize("kpi", [COUNT, RATIO], ids=lambda kpi: kpi.alias)
def test_second_day_of_a_new_trunk_is_judged_with_few_false_alarms(kpi: Kpi) -> None:
    trunks, baseline = learned(kpi, BORN + 1)
    assert np.isfinite(baseline.centre).all()
    next_days = trunks.columns(np.arange(len(trunks.starts)) >= (BORN + 1) * 24)
    score = by_model(next_days, baseline).score
    assert np.isfinite(score).mean() > 0.95  # some hours of the thinnest hold no call
    assert (score >= 75).sum() <= 3
    assert (score >= 45).sum() < 0.01 * np.isfinite(score).sum()


def test_new_trunk_that_loses_its_calls_on_the_second_day_is_found() -> None:
    trunks, baseline = learned(COUNT, BORN + 1)
    noon = (BORN + 1) * 24 + 12
    lost = trunks.columns(np.arange(len(trunks.starts)) == noon)
    lost = replace(lost, value=np.floor(lost.value * 0.15))
    score = by_model(lost, baseline).score[:, 0]
    assert (score[trunks.value[:, noon] >= 100] >= 75).mean() > 0.95


def test_doubt_goes_as_days_come_in() -> None:
    _, first = learned(COUNT, BORN + 1)
    _, third = learned(COUNT, BORN + 3)
    assert (np.median(third.between, axis=1) <= np.median(first.between, axis=1)).mean() > 0.9


def test_new_trunk_without_a_parent_is_insufficient_data() -> None:
    _, trunks = points(COUNT)
    assert not np.isfinite(learn(trunks, ZONE).centre).any()
    parent, _ = points(COUNT)
    unknown = learn(_until(parent, 2), ZONE)
    assert not np.isfinite(learn(trunks, ZONE, unknown.rows([0] * TRUNKS)).centre).any()


def test_two_hours_of_data_are_not_enough() -> None:
    parent, trunks = points(COUNT)
    service = learn(parent, ZONE).rows([0] * TRUNKS)
    few = np.arange(len(trunks.starts)) < BORN * 24 + 2
    assert not np.isfinite(learn(trunks.columns(few), ZONE, service).centre).any()


def test_series_of_a_week_and_more_are_as_they_were() -> None:
    parent, trunks = points(COUNT)
    service = learn(parent, ZONE).rows([0] * TRUNKS)
    whole = replace(trunks, **{name: np.nan_to_num(getattr(trunks, name), nan=5.0) for name in ("value", "samples")})
    whole = replace(whole, coverage=np.ones_like(whole.coverage))
    found = learn(whole, ZONE, service)
    assert (service.between > 0).all()
    assert (found.weeks.sum(axis=1) / 24 >= FULL_DAYS).all()
    assert np.isfinite(found.centre).all()


def test_resolution_of_a_new_trunk_follows_its_own_days() -> None:
    _, trunks = points(COUNT)
    busy = replace(trunks, value=trunks.value * 20, samples=trunks.samples * 20)
    assert set(resolution_of(busy, ZONE)) == {300}
