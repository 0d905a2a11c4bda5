"""One incident of many anomalies of one cause, the likeliest place first, ids that stay."""

from __future__ import annotations

from dataclasses import replace

import pytest

from contracts.entities import Entity
from detectors.evidence import Evidence
from detectors.findings import Anomaly, severity_of
from detectors.identity import Known, keep_anomalies, keep_incidents, key_of
from detectors.incidents import group
from detectors.subject import Series
from tests.detectors.findings import anomaly

WHOLE, TG1, TG2, LON, FRA = (
    Entity("service", "voip"), Entity("trunk_group", "TG1"), Entity("trunk_group", "TG2"), Entity("sbc", "lon"),
    Entity("sbc", "fra"),
)  # fmt: skip
HOUR = 3_600_000
NOTHING = Evidence([])


def _at(
    entity: Entity, kpi: str, effect: float, start: int = 10 * HOUR, buckets: int = 12, **changes: object
) -> Anomaly:
    return anomaly(Series(kpi, "voip", entity), start, [95.0] * buckets, effect=effect, **changes)


def _entities(anomalies: list[Anomaly]) -> list[list[str]]:
    return [[str(entity) for entity in one.entities] for one in group(anomalies, NOTHING)]


def test_a_trunk_explains_its_service_and_goes_first_when_more_was_lost_there() -> None:
    found = _entities([_at(WHOLE, "voip.ner", 0.17), _at(LON, "voip.ner", 0.2), _at(TG2, "voip.ner", 0.7)])
    assert found == [["trunk_group:TG2", "sbc:lon", "service:voip"]]


def test_a_service_explains_its_parts_when_all_lost_the_same() -> None:
    parts = [_at(one, "voip.ner", 0.5) for one in (TG1, TG2, LON, FRA)]
    (entities,) = _entities([_at(WHOLE, "voip.ner", 0.5), *parts])
    assert entities[0] == "service:voip"
    assert len(entities) == 5


def test_incidents_stay_apart_when_entities_families_and_starts_differ() -> None:
    jitter = [_at(FRA, "voip.mos", 0.4, start=11 * HOUR), _at(WHOLE, "voip.mos", 0.16, start=11 * HOUR)]
    outage = [_at(TG2, "voip.ner", 0.7), _at(WHOLE, "voip.ner", 0.17)]
    assert sorted(_entities([*jitter, *outage])) == [["sbc:fra", "service:voip"], ["trunk_group:TG2", "service:voip"]]


def test_incidents_are_one_when_two_families_have_one_root() -> None:
    (entities,) = _entities(
        [_at(TG2, "voip.ner", 0.7), _at(TG2, "voip.attempts", 0.5), _at(WHOLE, "voip.attempts", 0.1)]
    )
    assert entities == ["trunk_group:TG2"]  # the service lost a seventh of that: not worth naming


@pytest.mark.parametrize(("later", "count"), [(0, 1), (2 * HOUR, 2)])
def test_trunks_are_one_incident_only_when_they_began_together(later: int, count: int) -> None:
    one, other = _at(TG1, "voip.ner", 0.6, buckets=48), _at(TG2, "voip.ner", 0.6, start=10 * HOUR + later, buckets=24)
    assert len(_entities([one, other])) == count


@pytest.mark.parametrize(
    ("start", "effect", "count"), [(16, 0.1, 1), (20, 0.7, 1), (20, 0.1, 2), (40, 0.7, 1), (52, 0.7, 2)]
)
def test_a_fault_that_shows_again_is_one_incident_when_it_comes_soon_or_is_alike_and_within_36_hours(
    start: int, effect: float, count: int
) -> None:
    assert len(_entities([_at(TG2, "voip.ner", 0.7), _at(TG2, "voip.ner", effect, start=start * HOUR)])) == count


@pytest.mark.parametrize(
    ("fraud", "other", "count"),
    [
        ("voip.sim_box_share", "voip.ner", 2),
        ("voip.sim_box_share", "voip.mos", 1),
        ("voip.wangiri_share", "voip.ner", 2),
        ("voip.wangiri_share", "voip.asr", 1),
        ("voip.long_call_share", "voip.ner", 1),
    ],
)
def test_a_fraud_is_another_incident_than_what_it_leaves_as_it_is(fraud: str, other: str, count: int) -> None:
    calls = _at(TG2, fraud, 0.2, family="fraud")
    assert len(_entities([_at(TG2, other, 0.1, buckets=60), calls])) == count


def test_a_silent_feed_takes_in_what_it_overlaps() -> None:
    silent = _at(WHOLE, "voip.attempts", 1.0, detector="feed", family="feed")
    (one,) = group([silent, _at(TG1, "voip.attempts", 0.4)], NOTHING)
    assert one.title == "silent feed: service voip"


def test_standing_targets_make_no_incident() -> None:
    assert group([_at(TG1, "voip.ner", 0.02, detector="threshold", standing=True)], NOTHING) == []


def test_incident_says_what_where_and_where_else() -> None:
    (one,) = group([_at(TG2, "voip.ner", 0.7), _at(WHOLE, "voip.ner", 0.17)], NOTHING)
    assert one.title == "NER low at trunk group TG2"
    assert one.reason == "voip.ner of trunk_group:TG2. Also seen at service voip"
    assert one.severity == 2
    assert one.kpis == ("voip.ner",)


@pytest.mark.parametrize(
    ("score", "lost", "whole", "severity"),
    [
        (99, 0.5, True, 1),
        (99, 0.5, False, 2),
        (99, 0.07, True, 2),
        (99, 0.07, False, 3),
        (80, 1, True, 3),
        (60, 1, True, 4),
    ],
)
def test_severity_is_as_bad_as_what_is_surely_lost(score: float, lost: float, whole: bool, severity: int) -> None:
    assert severity_of(score, lost, whole) == severity


def _known(one: Anomaly, incident: str = "i1") -> Known:
    return Known(f"kept-{one.id}", key_of(one), one.start, one.end, one.detected, incident)


GAPS = {"baseline": 1_800_000}


def test_anomaly_keeps_its_id_when_its_start_is_revised() -> None:
    before = _at(TG2, "voip.ner", 0.7)
    after = replace(before, id="new", start=before.start - HOUR, end=before.end + HOUR)
    (kept,) = keep_anomalies([after], [_known(before)], window_start=0, gap_ms=GAPS)
    assert (kept.id, kept.start, kept.end) == (f"kept-{before.id}", after.start, after.end)


def test_anomaly_keeps_its_start_when_that_was_not_judged_again() -> None:
    before = _at(TG2, "voip.ner", 0.7)
    after = replace(before, id="new", start=before.start + HOUR // 2)
    (kept,) = keep_anomalies([after], [_known(before)], window_start=before.start + HOUR // 2, gap_ms=GAPS)
    assert (kept.start, kept.detected) == (before.start, before.detected)


def test_anomaly_is_a_new_one_when_entity_direction_or_time_differ() -> None:
    before = _at(TG2, "voip.ner", 0.7)
    others = [_at(TG1, "voip.ner", 0.7), replace(before, direction="high"), _at(TG2, "voip.ner", 0.7, start=20 * HOUR)]
    for other in others:
        (kept,) = keep_anomalies([replace(other, id="new")], [_known(before)], window_start=0, gap_ms=GAPS)
        assert kept.id == "new"


def test_each_stored_id_is_given_once_when_an_anomaly_splits() -> None:
    before = _at(TG2, "voip.ner", 0.7, buckets=24)
    parts = [
        replace(_at(TG2, "voip.ner", 0.7, buckets=8), id="p1"),
        replace(_at(TG2, "voip.ner", 0.7, start=11 * HOUR), id="p2"),
    ]
    kept = keep_anomalies(parts, [_known(before)], window_start=0, gap_ms=GAPS)
    assert [one.id for one in kept] == ["p1", f"kept-{before.id}"]


def test_incident_keeps_its_id_when_its_anomalies_do() -> None:
    ner, calls = _at(TG2, "voip.ner", 0.7), _at(TG2, "voip.attempts", 0.5)
    found = group([ner, calls], NOTHING)
    (kept,) = keep_incidents(found, {ner.id: "stored"})
    assert kept.id == "stored"
    assert keep_incidents(found, {})[0].id == found[0].id


def test_incidents_never_share_an_id_when_one_splits() -> None:
    ner, jitter = _at(TG2, "voip.ner", 0.7), _at(FRA, "voip.mos", 0.5, start=11 * HOUR)
    found = group([ner, jitter], NOTHING)
    kept = keep_incidents(found, {ner.id: "stored", jitter.id: "stored"})
    assert len({one.id for one in kept}) == 2
    assert "stored" in {one.id for one in kept}
