"""KPIs count calls and sessions where they exist and records where not, and follow when a late record changes them."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import pytest

from contracts.clock import epoch_ms
from contracts.settings import Settings
from infrastructure.setup import empty
from infrastructure.store import Store
from kpis import catalogue, twin
from kpis.parts import RESOLUTIONS, Point
from kpis.pipeline import rollup
from mediation.correlate import correlate
from tests.correlate.records import Document, at, leg, partial, put, report, step
from tests.kpis.stored import Place, assert_same, placed, stored

HOUR = 60
SOON, DONE = at(4 * HOUR), at(8 * HOUR)  # what is not over by then is not rolled up: fewer points


@pytest.fixture
def store(store: Store, node_settings: Settings) -> Store:
    """The empty store, where few records suffice for points by 5 minutes."""
    return Store.connect(node_settings.with_values(kpi_density=0))


def _rolled(store: Store, now: datetime, until: datetime = SOON) -> None:
    store.clock = lambda: now
    correlate(store, now=now)
    rollup(store, now=now, until=until)


def _value(store: Store, kpi: str, minute: float, entity: str = "", resolution: int = 300) -> float | None:
    """A point's value at a bucket, None where it has none."""
    moment = epoch_ms(at(minute))
    place = (kpi, entity or f"service:{kpi.partition('.')[0]}", moment - moment % (resolution * 1000))
    point = stored(store, resolution).get(place)
    return None if point is None else point.value


def _stamped(documents: Iterable[Document], came: float) -> list[Document]:
    """The same, all written at a time."""
    stamp = leg("", "", came, came)["event"]["ingested"]
    return [{**document, "event": {**document["event"], "ingested": stamp}} for document in documents]


def test_two_legs_are_one_attempt(store: Store) -> None:
    legs = [leg("a", "1", 0, 3, answer=1), leg("a", "2", 0, 3, answer=1), leg("b", "1", 1, 3)]
    put(store, _stamped(legs, 10))
    rollup(store, now=at(20), until=SOON)
    assert _value(store, "voip.attempts", 3) == 3
    _rolled(store, at(30))
    assert _value(store, "voip.attempts", 3) == 2
    assert _value(store, "voip.asr", 3) == 0.5
    assert stored(store, 300)["voip.asr", "service:voip", epoch_ms(at(0))].samples == 2


def test_late_leg_changes_the_kpis_of_its_call(store: Store) -> None:
    put(store, _stamped([leg("a", "1", 0, 3, release={"q850": 34}), leg("b", "1", 0, 3, answer=1)], 10))
    _rolled(store, at(20))
    assert (_value(store, "voip.attempts", 3), _value(store, "voip.asr", 3)) == (2, 0.5)
    put(store, _stamped([leg("a", "2", 0.5, 3.5, answer=2)], 120))
    _rolled(store, at(130))
    assert (_value(store, "voip.attempts", 3), _value(store, "voip.asr", 3)) == (2, 1.0)


def test_point_is_taken_back_where_its_only_call_moved_on(store: Store) -> None:
    """The late leg ends an hour later and on another trunk: nothing may be left where the call stood before."""
    tg1, tg2 = {"trunk_group": {"terminating": "TG1"}}, {"trunk_group": {"terminating": "TG2"}}
    put(store, _stamped([leg("a", "1", 0, 3, answer=1, **tg1), leg("a", "2", 0, 3, answer=1, **tg1)], 10))
    _rolled(store, at(20))
    assert _value(store, "voip.asr", 3, "trunk_group:TG1") == 1.0
    put(store, _stamped([leg("a", "3", 2, 63, answer=2, **tg2)], 120))
    _rolled(store, at(130))
    points = stored(store, 300)
    assert _value(store, "voip.asr", 3, "trunk_group:TG1") is None
    assert points["voip.asr", "trunk_group:TG1", epoch_ms(at(0))].samples == 0
    assert _value(store, "voip.attempts", 3, "trunk_group:TG1") == 0
    assert _value(store, "voip.asr", 63, "trunk_group:TG2") == 1.0
    assert _value(store, "voip.attempts", 3) == 0
    assert _value(store, "voip.attempts", 63) == 1


def test_quality_is_counted_by_leg_and_by_report(store: Store) -> None:
    good, bad = {"calling": {"jitter": {"ms": 5.0}}}, {"called": {"jitter": {"ms": 55.0}}}
    heard = {"leg": {"id": "1", "jitter": {"ms": 8.0}, "packets": {"expected": 100, "lost": 1}}}
    put(
        store,
        [leg("a", "1", 0, 3, answer=1, **good), leg("a", "2", 0, 3, answer=1, **bad), report("a", "9", 3, **heard)],
    )
    _rolled(store, at(30))
    point = stored(store, 300)["voip.jitter_within_target", "service:voip", epoch_ms(at(0))]
    assert (point.numerator, point.denominator) == (2, 3)
    assert _value(store, "voip.attempts", 3) == 1


def test_steps_and_reports_are_no_attempts(store: Store) -> None:
    put(store, [step("a", "CHAN_START", 1), step("a", "HANGUP", 3), report("b", "1", 3), leg("c", "1", 0, 3)])
    put(store, [step("k", "INVITE", 2, 486), step("open", "INVITE", 2, 200)])
    _rolled(store, at(30))
    assert _value(store, "voip.attempts", 3) == 2  # the leg, and the call that was declined


def test_session_is_counted_once_where_it_ends(store: Store) -> None:
    partials = [partial(1, 0, 60), partial(2, 60, 120), partial(3, 120, 125, cause="abnormal_release")]
    by_sgw = [partial(1, 0, 125, sgw=True, cause="normal_release")]
    lone = [partial(1, 0, 123, charging_id=9, cause="normal_release")]
    put(store, [*partials, *by_sgw, *lone, partial(2, 60, 119, up=5, down=5)])
    _rolled(store, at(200))
    assert _value(store, "epc.sessions", 123, resolution=3600) == 2
    assert _value(store, "epc.abnormal_release_ratio", 123, resolution=3600) == 0.5
    volume = [
        point
        for (kpi, entity, _), point in stored(store, 300).items()
        if (kpi, entity) == ("epc.volume", "service:epc")
    ]
    assert sum(point.numerator or 0 for point in volume) == 4 * 1100


def test_late_final_record_ends_the_session_in_the_kpis(store: Store) -> None:
    put(store, [partial(1, 0, 60), partial(2, 60, 120)])
    _rolled(store, at(150))
    assert not _value(store, "epc.sessions", 125)
    put(store, [partial(3, 120, 125, cause="normal_release", came=400)])
    _rolled(store, at(410))
    assert _value(store, "epc.sessions", 125) == 1


def test_record_beyond_the_window_does_not_change_a_kpi(store: Store) -> None:
    put(store, [leg("a", "1", 0, 3), leg("a", "2", 0, 3)])
    _rolled(store, at(30))
    put(store, [leg("a", "3", 0, 3, answer=1, came=169 * HOUR)])
    _rolled(store, at(170 * HOUR))
    assert (_value(store, "voip.attempts", 3), _value(store, "voip.asr", 3)) == (1, 0.0)


def _random(seed: int) -> list[Document]:
    """Calls of one to four legs and sessions of one to five partials, in hours; some with reports, S-GW records, doubles."""
    rng = random.Random(seed)
    found: list[Document] = []
    for number in range(60):
        start = rng.uniform(0, 3 * HOUR)
        for record in range(rng.randint(1, 4)):
            end = start + rng.uniform(0, 30)
            more = {
                "trunk_group": {"terminating": rng.choice(["TG1", "TG2"])},
                "pdd": {"ms": rng.choice([0.0, 300.0, 900.0])},
            }
            answer = rng.choice([None, start + 0.5])
            found.append(leg(f"c{number}", str(record), start, max(end, answer or 0), answer=answer, **more))
        if rng.random() < 0.3:
            found.append(
                report(f"c{number}", "r", start + 5, leg={"id": "1", "mos": 4.0, "packets": {"expected": 9, "lost": 1}})
            )
        opened, many = rng.uniform(0, 3 * HOUR), rng.randint(1, 5)
        for part in range(1, many + 1):
            cause = rng.choice(["normal_release", "abnormal_release"]) if part == many else "time_limit"
            begin = opened + (part - 1) * 40
            found.append(partial(part, begin, begin + 40, cause=cause, charging_id=number, up=rng.randint(0, 10**9)))
            if rng.random() < 0.1:
                found.append(partial(part, begin, begin + 39, charging_id=number))
        if rng.random() < 0.3:
            found.append(partial(1, opened, opened + 40 * many, sgw=True, cause="normal_release", charging_id=number))
    return found


def _twin(store: Store, until: datetime) -> dict[int, dict[Place, Point]]:
    """What the twin makes of everything stored, calls and sessions too."""
    definitions, services = catalogue.load(store.settings), catalogue.services()
    points: dict[int, list[Point]] = {resolution: [] for resolution in RESOLUTIONS}
    for name in ("voip", "epc"):
        documents = [hit["_source"] for index in services[name].sources for hit in store.scan(index)]
        made = twin.roll(definitions, services[name], documents, epoch_ms(until), density=0)
        for resolution in RESOLUTIONS:
            points[resolution] += made[resolution]
    return {resolution: placed(points[resolution]) for resolution in RESOLUTIONS}


def _standing(points: dict[Place, Point]) -> dict[Place, Point]:
    """Without those that were taken back: the twin, which sees the end only, never made them."""
    return {place: point for place, point in points.items() if point.samples or point.state != "insufficient_data"}


@pytest.mark.parametrize("seed", [1, 2])
def test_rollup_after_correlation_equals_the_twin(store: Store, seed: int) -> None:
    put(store, _random(seed))
    _rolled(store, DONE + timedelta(hours=1), DONE)
    expected = _twin(store, DONE)
    for resolution in RESOLUTIONS:
        assert_same(stored(store, resolution), expected[resolution])


def test_records_in_any_order_over_many_runs_end_in_the_same_points(store: Store) -> None:
    documents = _random(3)
    _in_runs(store, [documents])
    whole = {resolution: stored(store, resolution) for resolution in RESOLUTIONS}
    empty(store)
    random.Random(4).shuffle(documents)
    _in_runs(store, [documents[: len(documents) // 3], documents[len(documents) // 3 :]])
    for resolution in RESOLUTIONS:
        assert_same(_standing(stored(store, resolution)), whole[resolution])


def _in_runs(store: Store, batches: Sequence[Sequence[Document]]) -> None:
    """One batch an hour, each followed by the jobs, stamped as it would be."""
    for hour, batch in enumerate(batches):
        came = (8 + hour) * HOUR
        put(store, _stamped(batch, came))
        _rolled(store, at(came + 10), DONE)
