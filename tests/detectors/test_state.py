"""Laws of the service state: quiet is 100, worse never raises it, it recovers at the stated rate."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.entities import Entity
from detectors.findings import Anomaly
from detectors.state import HALF_LIFE_SEC, STEP_SEC, states
from detectors.subject import Series
from tests.detectors.findings import anomaly

STARTS = np.arange(48, dtype=np.int64) * STEP_SEC * 1000
TRUNK = Entity("trunk_group", "TG1")


def _one(scores: list[float], first: int = 0, entity: Entity = TRUNK, kpi: str = "voip.ner") -> Anomaly:
    return anomaly(Series(kpi, "voip", entity), STARTS[first], scores, step_sec=STEP_SEC)


def _values(anomalies: list[Anomaly], weight: float = 1.0, reach: float = 1.0) -> list[float]:
    found = states("voip", anomalies, {"voip.ner": weight}, {("voip.ner", TRUNK): reach}, STARTS)
    return [one.value for one in found]


def test_state_is_100_when_nothing_deviates() -> None:
    assert _values([]) == [100.0] * len(STARTS)


def test_state_follows_the_worked_example() -> None:
    values = _values([_one([100.0] * 12)], weight=2.0, reach=0.25)
    assert values[11] == pytest.approx(65.6, abs=0.1)
    assert values[17] == pytest.approx(82.8, abs=0.1)
    assert values[23] == pytest.approx(91.4, abs=0.1)


@given(st.lists(st.floats(0, 100), min_size=1, max_size=40), st.integers(0, 39), st.floats(0, 100), st.floats(0, 3))
def test_state_never_rises_when_a_score_or_weight_does(
    scores: list[float], place: int, more: float, weight: float
) -> None:
    worse = [*scores]
    worse[place % len(scores)] = max(worse[place % len(scores)], more)
    before, after = _values([_one(scores)], weight), _values([_one(worse)], weight + 0.5)
    assert all(low <= high + 1e-6 for low, high in zip(after, before, strict=True))
    assert all(0 <= value <= 100 for value in after)


@given(st.lists(st.floats(41, 100), min_size=1, max_size=20), st.floats(0.1, 5))
def test_state_recovers_at_the_stated_rate_when_quiet(scores: list[float], weight: float) -> None:
    values = _values([_one(scores)], weight)
    last = len(scores) - 1
    for later in range(last, len(STARTS)):
        seconds = (later - last) * STEP_SEC
        assert 100 - values[later] == pytest.approx((100 - values[last]) * 2 ** (-seconds / HALF_LIFE_SEC), abs=0.01)


def test_state_keeps_each_kpis_contribution_when_several_deviate() -> None:
    whole = Entity("service", "voip")
    anomalies = [_one([100.0] * 6, entity=whole), _one([70.0] * 6, entity=whole, kpi="voip.mos")]
    found = states("voip", anomalies, {"voip.ner": 2.0, "voip.mos": 1.0}, {}, STARTS)
    worst = found[5]
    assert worst.contributions["voip.ner"] > worst.contributions["voip.mos"] > 0
    assert sum(worst.contributions.values()) == pytest.approx(100 - worst.value, abs=0.01)


def test_state_goes_on_from_what_was_kept_when_continued() -> None:
    anomalies = [_one([90.0] * 20)]
    whole = states("voip", anomalies, {}, {("voip.ner", TRUNK): 1.0}, STARTS)
    first = states("voip", anomalies, {}, {("voip.ner", TRUNK): 1.0}, STARTS[:10])
    rest = states("voip", anomalies, {}, {("voip.ner", TRUNK): 1.0}, STARTS[10:], before=first[-1].contributions)
    assert [one.value for one in rest] == pytest.approx([one.value for one in whole[10:]], abs=0.01)


def test_state_is_unknown_when_the_feed_is_silent_or_nothing_was_judged() -> None:
    silent = anomaly(
        Series("voip.attempts", "voip", Entity("service", "voip")), 0, [95.0, 99.0], detector="feed", step_sec=STEP_SEC
    )
    found = states("voip", [silent], {}, {}, STARTS[:4], known=[True, True, True, False])
    assert [one.word for one in found] == ["unknown", "unknown", "degraded", "unknown"]


def test_state_leaves_out_targets_never_kept_and_other_services() -> None:
    standing = anomaly(Series("voip.ner", "voip", Entity("service", "voip")), 0, [100.0] * 6, standing=True)
    other = anomaly(Series("sms.volume", "sms", Entity("service", "sms")), 0, [100.0] * 6)
    assert {one.value for one in states("voip", [standing, other], {}, {}, STARTS)} == {100.0}
