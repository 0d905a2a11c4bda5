"""Judging without a store: standing targets, silence, and what explains what."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from contracts.entities import Entity
from detectors.evidence import Evidence
from detectors.judging import Judgement, find, train_all
from detectors.panel import Panel, from_frame, merged
from detectors.subject import Kpi
from tests.detectors.simulator import KPIS, START, Incident, Network, at

ZONE = ZoneInfo("UTC")
LOW = int(START.timestamp() * 1000)
DAY = 86_400_000


def _judged(frame: pd.DataFrame, *names: str, trained: int = 21, days: int = 23) -> Judgement:
    def load(kpi: Kpi, step: int, since: int, until: int, entities: set[Entity] | None) -> Panel:
        return merged(from_frame(frame, kpi, 300, since, until), step, ZONE)

    kpis = [KPIS[name] for name in names]
    baselines = train_all(kpis, load, LOW, LOW + trained * DAY, ZONE) if trained else []
    return find(kpis, baselines, load, LOW + trained * DAY, LOW + days * DAY, ZONE)


@pytest.fixture(scope="module")
def quiet() -> pd.DataFrame:
    return Network(41, days=23).frame()


def test_a_target_never_kept_stands_and_makes_no_incident(quiet: pd.DataFrame) -> None:
    result = _judged(quiet, "voip.ner")  # 0.97 is usual, 0.99 promised
    assert result.incidents == []
    standing = [one for one in result.anomalies if one.standing]
    assert standing
    assert len({one.series for one in standing}) == len(standing)
    assert all(one.severity == 4 and "is usual here" in one.reason for one in standing)


def test_a_target_missed_is_one_long_incident_when_nothing_was_trained(quiet: pd.DataFrame) -> None:
    result = _judged(quiet, "voip.ner", trained=0, days=2)
    assert len(result.incidents) <= 2
    assert {one.detector for one in result.anomalies} == {"threshold"}
    assert not any(one.standing for one in result.anomalies)


def test_silence_is_known_within_minutes_when_the_count_is_judged_by_the_hour() -> None:
    silence = Incident("silent_feed", "sms", "service:sms", at(21, 10), at(21, 13), 1.0)
    result = _judged(Network(42, days=23, scale=0.6, incidents=(silence,)).frame(), "sms.volume")
    (one,) = result.incidents
    (anomaly,) = one.anomalies
    assert anomaly.detector == "feed"
    assert anomaly.step_sec == 300
    assert anomaly.detected <= int(at(21, 10).timestamp() * 1000) + 1_200_000
    assert (anomaly.start, anomaly.end) == tuple(int(at(21, hour).timestamp() * 1000) for hour in (10, 13))


def test_zeros_are_a_deviation_and_not_silence_when_the_feed_is_alive() -> None:
    frame = Network(43, days=23).frame()
    gone = (frame["kpi"] == "voip.attempts") & (frame["entity_id"] == "TG2")
    gone &= frame["bucket"].between(LOW + 21 * DAY + 36_000_000, LOW + 21 * DAY + 46_800_000, inclusive="left")
    frame.loc[gone, ["value", "samples"]] = 0.0
    result = _judged(frame, "voip.attempts")
    (one,) = result.anomalies
    assert (one.detector, one.direction, str(one.series.entity), one.actual) == (
        "baseline",
        "low",
        "trunk_group:TG2",
        0,
    )


def test_strength_is_highest_where_the_cause_is() -> None:
    outage = Incident("trunk_outage", "voip", "trunk_group:TG2", at(21, 10), at(21, 13), 0.7)
    judgement = _judged(Network(44, days=23, incidents=(outage,)).frame(), "voip.ner")
    evidence = Evidence(judgement.judged)
    series = next(one for part in judgement.judged for one in part.panel.series if one.entity.type == "service")
    start, end = (int(moment.timestamp() * 1000) for moment in (outage.start, outage.end))
    places = [
        Entity("trunk_group", "TG2"),
        Entity("service", "voip"),
        Entity("trunk_group", "TG1"),
        Entity("sbc", "lon-sbc"),
    ]
    strengths = [evidence.strength(series, place, start, end) for place in places]
    assert strengths[0] == pytest.approx(0.7, abs=0.1)
    assert strengths[0] > 3 * max(strengths[1:])
    assert np.isnan(evidence.strength(series, Entity("trunk_group", "TG9"), start, end))


def test_nothing_is_found_when_there_are_no_points() -> None:
    empty = Network(45, days=1).frame().iloc[:0]
    result = _judged(empty, "voip.ner", "voip.attempts")
    assert (result.anomalies, result.incidents) == ([], [])
