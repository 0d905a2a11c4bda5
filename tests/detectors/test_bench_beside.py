"""Public detectors beside ours: the same points, quiet weeks, grouping and evaluation."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from contracts.clock import epoch_ms
from contracts.errors import UserError
from detectors.bench.alarms import Scored, incidents_of
from detectors.bench.beside import FIGURES, beside, chosen
from detectors.bench.points import Points
from detectors.bench.scoring import Scorer, seen_values
from detectors.bench.world import World
from detectors.evaluation import Labelled
from detectors.evidence import Evidence
from detectors.judging import Judgement, find, train_all
from detectors.panel import Panel, from_frame
from tests.detectors.simulator import KPIS, START, Incident, Network, at

OUTAGE = Incident("trunk_outage", "voip", "trunk_group:TG2", at(23, 10), at(23, 13), 0.9)
SILENCE = Incident("silent_feed", "voip", "service:voip", at(25, 10), at(25, 12), 1.0)
CHOSEN = ("voip.attempts", "voip.ner")
TRUTH = [
    Labelled("outage", "trunk_outage", "voip", ("trunk_group:TG2",), OUTAGE.start, OUTAGE.end),
    Labelled("silence", "silent_feed", "voip", ("service:voip",), SILENCE.start, SILENCE.end),
]


@pytest.fixture(scope="module")
def world() -> World:
    """Three quiet weeks and one with an outage and a silent feed, of two KPIs."""
    frame = Network(3, 28, 3.0, (OUTAGE, SILENCE)).frame()
    begin, end = epoch_ms(START), epoch_ms(START + timedelta(days=28))
    kpis = {name: KPIS[name] for name in CHOSEN}
    panels = {(name, step): from_frame(frame, kpi, 300, begin, end) for name, kpi in kpis.items() for step in (0, 300)}
    points = Points(panels, ZoneInfo("UTC"))
    return World(1, kpis, {}, (), {}, points, points, begin, epoch_ms(at(21, 0)), end)


@pytest.fixture(scope="module")
def judgement(world: World) -> Judgement:
    kpis, load = list(world.kpis.values()), world.points.load
    baselines = train_all(kpis, load, world.start_ms, world.judged_ms, world.points.zone)
    return find(kpis, baselines, load, world.judged_ms, world.end_ms, world.points.zone)


def test_an_unknown_detector_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UserError, match="no such detector: oracle") as error:
        chosen(["ecod", "oracle"])
    assert "seasonal_zscore" in str(error.value.remedy)


def test_all_that_can_run_are_chosen_where_none_is_named() -> None:
    assert {"seasonal_zscore", "windowed_gaussian", "harmonic_regression"} <= set(chosen([]))
    assert chosen(["seasonal_zscore", "seasonal_zscore"]) == ["seasonal_zscore"]


def test_peers_and_ours_are_figured_on_the_same_series_at_both_resolutions(world: World, judgement: Judgement) -> None:
    found = beside(world, TRUTH, judgement, ["seasonal_zscore"], say=lambda _: None, processes=1)
    for step in ("as_kept", "by_the_hour"):
        rows = found[step]["detectors"]
        assert list(rows) == ["busyhour", "seasonal_zscore"]
        assert found[step]["series"] == 14  # attempts and NER of the service, four trunk groups, two SBCs
        assert rows["busyhour"]["recall"] == 1.0
        assert rows["seasonal_zscore"]["recall"] == 1.0  # both are gross: whoever misses them was not asked fairly
        assert all(0 <= row["f1_quiet"] <= row["f1"] <= 1 for row in rows.values())
        assert set(FIGURES) < set(rows["seasonal_zscore"])
    delays = [found[step]["detectors"]["busyhour"]["median_delay_s"] for step in ("as_kept", "by_the_hour")]
    assert delays[0] < 3600 <= delays[1]


def test_a_peer_sees_a_silent_feed_as_a_count_of_zero(world: World) -> None:
    panel = world.points.panels["voip.attempts", 300]
    values = seen_values(panel)
    assert panel.silent.any()
    assert (values[panel.silent] == 0).all()
    assert np.isnan(panel.value[panel.silent]).all()


def _scored(panel: Panel, world: World, hits: list[tuple[int, int]], above: float) -> Scored:
    times = np.zeros(panel.value.shape)
    first = int((panel.starts < world.judged_ms).sum())
    for row, column in hits:
        times[row, first + column] = 2.0
    return Scored(panel, times, np.full(panel.value.shape, above))


def test_alarms_over_holes_of_an_hour_are_one_anomaly_and_the_good_direction_is_none(
    world: World, judgement: Judgement
) -> None:
    panel, evidence = world.points.panels["voip.ner", 300], Evidence(judgement.judged)
    row = [str(one.entity) for one in panel.series].index("trunk_group:TG2")
    bucket = (epoch_ms(OUTAGE.start) - world.judged_ms) // 300_000
    hits = [(row, bucket), (row, bucket + 12), (row, bucket + 30)]
    low = incidents_of([_scored(panel, world, hits, 0.0)], 1.0, 1.0, evidence, world.judged_ms)
    assert low is not None
    assert sum(len(one.anomalies) for one in low) == 2
    assert str(low[0].entities[0]) == "trunk_group:TG2"
    assert low[0].detected == world.judged_ms + (bucket + 1) * 300_000
    assert incidents_of([_scored(panel, world, hits, 1.0)], 1.0, 1.0, evidence, world.judged_ms) == []
    assert incidents_of([_scored(panel, world, hits, 0.0)], 2.1, 2.1, evidence, world.judged_ms) == []


def test_a_threshold_with_too_many_anomalies_is_left_out(
    world: World, judgement: Judgement, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("detectors.bench.alarms.MOST", 1)
    panel, evidence = world.points.panels["voip.ner", 300], Evidence(judgement.judged)
    row = [str(one.entity) for one in panel.series].index("trunk_group:TG2")
    bucket = (epoch_ms(OUTAGE.start) - world.judged_ms) // 300_000
    hits = [(row, bucket), (row, bucket + 24)]
    assert incidents_of([_scored(panel, world, hits, 0.0)], 1.0, 1.0, evidence, world.judged_ms) is None


def test_scores_are_put_on_one_footing_by_the_quiet_weeks(world: World) -> None:
    panel = world.points.load(KPIS["voip.ner"], 3600, world.start_ms, world.end_ms, None)
    (scored,) = Scorer(None).of("seasonal_zscore", [panel], world.judged_ms)
    learned = panel.starts < world.judged_ms
    assert scored.times.shape == panel.value.shape
    quiet = scored.times[:, learned][:, learned.sum() // 3 :]
    assert np.allclose(quiet.max(axis=1), 1.0)
    row = [str(one.entity) for one in panel.series].index("trunk_group:TG2")
    assert (
        scored.times[row].argmax() == np.flatnonzero(panel.starts == epoch_ms(at(23, 10)))[0]
        or scored.times[row].max() > 3
    )
