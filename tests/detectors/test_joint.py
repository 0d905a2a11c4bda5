"""What the KPIs of one entity say together: found where none says it alone, quiet where nothing is the matter."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.entities import Entity
from detectors.joint_records import joint_documents, joints_from
from detectors.joints import QuietHours
from detectors.judging import Judgement, find, train_all
from detectors.panel import Floats, Panel, from_frame, merged
from detectors.records import anomaly_document
from detectors.scorers import joint
from detectors.scorers.joint import Joint
from detectors.subject import Kpi
from tests.detectors.simulator import KPIS, START, Network

UTC = ZoneInfo("UTC")
SERVICE = Entity("service", "voip")
NAMES = ("voip.asr", "voip.mos", "voip.pdd_p95")
BAD = np.array([-1.0, -1.0, 1.0])
LINKED = np.array([[1.0, 0.6, -0.5], [0.6, 1.0, -0.5], [-0.5, -0.5, 1.0]])
LOW, DAY = int(START.timestamp() * 1000), 86_400_000


def _quiet(hours: int, seed: int = 1, covariance: Floats = LINKED) -> Floats:
    return np.random.default_rng(seed).multivariate_normal(np.zeros(3), covariance, hours)


def _learned(vectors: Floats) -> Joint:
    found = joint.learn("voip", SERVICE, NAMES, vectors)
    assert found is not None
    model, squared = found
    return Joint(model.service, model.entity, model.kpis, model.covariance, joint.tail_of([squared], [3]))


def test_scores_over_quiet_hours_come_as_often_as_they_say() -> None:
    model = _learned(_quiet(2000))
    scores = joint.score(model, _quiet(400_000, seed=2), BAD)
    for score, stated in ((30, 1e-2), (45, 1e-3)):
        # half a power of ten is paid for windows that overlap, and a direction that is good is not told
        assert stated / 30 <= (scores >= score).mean() <= stated


def test_what_hangs_together_is_less_unusual_than_what_breaks_the_habit() -> None:
    model = _learned(_quiet(2000))
    usual, against = joint.score(model, np.array([[-2.5, -2.5, 2.5], [-2.5, 2.5, 2.5]]), np.zeros(3))
    assert usual < 40 < against


def test_what_is_better_than_usual_is_not_told() -> None:
    model = _learned(_quiet(2000))
    good, bad = joint.score(model, np.array([[3.5, 3.5, -3.5], [-3.5, -3.5, 3.5]]), BAD)
    assert good == 0
    assert bad > 40


@given(st.lists(st.floats(0, 6), min_size=3, max_size=3), st.floats(1, 3))
def test_further_off_in_the_same_way_never_scores_less(off: list[float], factor: float) -> None:
    model = Joint("voip", SERVICE, NAMES, LINKED, 30.0)
    vector = -BAD * np.array(off)
    near, far = joint.score(model, np.array([vector / factor, vector]), np.zeros(3))
    assert far >= near - 1e-9 or (np.abs(vector) > joint.MOST).any()


def test_a_kpi_that_cannot_be_judged_is_left_out_and_two_are_too_few() -> None:
    model = Joint("voip", SERVICE, (*NAMES, "voip.ner"), np.eye(4), 1000.0)
    bad = np.array([*BAD, -1.0])
    rows = np.array([[-3.0, -3.0, 3.0, np.nan], [-3.0, -3.0, 3.0, 0.0], [-3.0, np.nan, 3.0, np.nan]])
    three, four, two = joint.score(model, rows, bad)
    assert three > four > 30
    assert np.isnan(two)


def test_too_few_hours_teach_nothing() -> None:
    assert joint.learn("voip", SERVICE, NAMES, _quiet(29)) is None
    assert joint.learn("voip", SERVICE, NAMES[:2], _quiet(500)[:, :2]) is None


def test_hours_with_incidents_in_them_do_not_move_what_is_learned() -> None:
    clean = _quiet(1000)
    spoilt = np.r_[clean, np.tile([-9.0, 9.0, 9.0], (50, 1))]
    assert np.allclose(_learned(clean).covariance, _learned(spoilt).covariance, atol=1e-9)


def test_kpis_that_say_the_same_are_not_held_to_the_hair() -> None:
    same = _quiet(1000)[:, [0, 0, 2]] + np.random.default_rng(3).normal(0, 0.01, (1000, 3))
    model = _learned(same)
    (score,) = joint.score(model, np.array([[1.0, 0.6, 0.0]]), np.zeros(3))
    assert score < 40


def test_documents_give_back_what_was_learned() -> None:
    model = _learned(_quiet(500))
    ((_, document),) = joint_documents([model], UTC, "a", "2026-11-01T00:00:00Z")
    (back,) = joints_from([document], NAMES)
    assert (back.service, back.entity, back.kpis, back.tail) == (model.service, model.entity, model.kpis, model.tail)
    assert np.allclose(back.covariance, model.covariance, rtol=1e-9)
    assert joints_from([document], NAMES[:2]) == []


# On points


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return Network(51, days=23).frame()


def _bent(frame: pd.DataFrame, shares: dict[str, float]) -> pd.DataFrame:
    """An hour of the 22nd day in which the KPIs of TG1 are that many times what they were."""
    bent = frame.copy()
    since = LOW + 21 * DAY + 11 * 3_600_000
    for kpi, share in shares.items():
        rows = (bent["kpi"] == kpi) & (bent["entity_id"] == "TG1") & bent["bucket"].between(since, since + 3_599_999)
        bent.loc[rows, ["value", "numerator"]] *= share
    return bent


def _judged(frame: pd.DataFrame, *, together: bool = True) -> Judgement:
    def load(kpi: Kpi, step: int, since: int, until: int, entities: set[Entity] | None) -> Panel:
        return merged(from_frame(frame, kpi, 300, since, until), step, UTC)

    kpis = [KPIS[name] for name in ("voip.asr", "voip.mos", "voip.jitter_within_target")]
    end, trained = LOW + 23 * DAY, LOW + 21 * DAY
    known = QuietHours()
    baselines = train_all(kpis, load, LOW, trained, UTC, known)
    joints = known.joints() if together else []
    return find(kpis, baselines, load, trained, end, UTC, joints=joints)


def test_what_no_kpi_says_alone_is_said_together_and_named(frame: pd.DataFrame) -> None:
    bent = _bent(frame, {"voip.asr": 0.89, "voip.mos": 0.97, "voip.jitter_within_target": 0.975})
    assert not _sudden(_judged(bent, together=False))
    (one,) = _sudden(_judged(bent))
    assert (one.detector, str(one.series.entity), one.series.kpi) == ("joint", "trunk_group:TG1", "voip.joint")
    assert one.kpis[0] in ("voip.asr", "voip.mos", "voip.jitter_within_target")
    assert anomaly_document(one, "")["anomaly"]["kpis"] == list(one.kpis)
    assert one.start <= LOW + 21 * DAY + 12 * 3_600_000 <= one.end + 3_600_000
    for word in ("ASR 0.", "MOS ", "is usual", "trunk group TG1", "together in Mon 1"):
        assert word in one.reason
    (incident,) = [each for each in _judged(bent).incidents if one.id in {part.id for part in each.anomalies}]
    assert incident.title.endswith("unusual together at trunk group TG1")


def test_quiet_days_and_loud_kpis_are_not_told_together(frame: pd.DataFrame) -> None:
    assert not [one for one in _judged(frame).anomalies if one.detector == "joint"]
    loud = _judged(_bent(frame, {"voip.asr": 0.5, "voip.mos": 0.9}))
    assert _sudden(loud)
    assert not [one for one in loud.anomalies if one.detector == "joint"]


def _sudden(judgement: Judgement) -> list[object]:
    return [one for one in judgement.anomalies if not one.standing]
