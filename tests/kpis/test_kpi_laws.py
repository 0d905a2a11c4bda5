"""Laws of points, on the twin (which tests hold to the ES|QL roll-up): order, doubling, merging, resolution."""

from __future__ import annotations

import random
from collections import defaultdict
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.clock import epoch_ms
from contracts.entities import SERVICES
from contracts.settings import read
from kpis import bins, catalogue, twin
from kpis.parts import Parts, merged, point
from kpis.presence import ALL_RECORDS, Activity, changed_days
from kpis.spans import Cover, clipped, crossed, joined, pieces, widened
from tests.kpis.random_records import Records
from tests.kpis.stored import assert_same, placed

DEFINITIONS, KINDS = catalogue.load(read({})), catalogue.services()
START = datetime(2026, 11, 2, 9, tzinfo=UTC)
UNTIL = epoch_ms(START + timedelta(hours=8))
SEEDS = st.integers(0, 10_000)


def _points(
    service: str, documents: list[dict[str, object]], resolution: int, density: int = 0
) -> dict[tuple[str, str, int], object]:
    return placed(twin.roll(DEFINITIONS, KINDS[service], documents, UNTIL, density=density)[resolution])  # type: ignore[return-value]


@settings(max_examples=8, deadline=None)
@given(SEEDS, st.sampled_from(SERVICES))
def test_shuffled_records_make_the_same_points(seed: int, service: str) -> None:
    documents = Records(seed, START, 0.2, START).many(service, 40)
    shuffled = random.Random(seed).sample(documents, len(documents))
    assert_same(_points(service, documents, 3600), _points(service, shuffled, 3600))  # type: ignore[arg-type]


@settings(max_examples=8, deadline=None)
@given(SEEDS, st.sampled_from(SERVICES))
def test_doubled_records_change_no_ratio_mean_or_percentile(seed: int, service: str) -> None:
    documents = Records(seed, START, 0.2, START).many(service, 40)
    once, twice = _points(service, documents, 3600), _points(service, documents * 2, 3600)
    assert once.keys() == twice.keys()
    for place, one in once.items():
        other = twice[place]
        if DEFINITIONS[place[0]].counted:
            assert one.state == "no_data" or other.value == pytest.approx(2 * one.value)  # type: ignore[attr-defined]
        elif DEFINITIONS[place[0]].kind == "percentile":
            assert other.value <= one.value  # type: ignore[attr-defined]  # a rank of 2n may fall one sample lower
        else:
            assert (one.value is None) == (other.value is None)  # type: ignore[attr-defined]
            assert one.value is None or other.value == pytest.approx(one.value, rel=1e-12)  # type: ignore[attr-defined]


@settings(max_examples=8, deadline=None)
@given(SEEDS, st.sampled_from(SERVICES))
def test_points_of_hours_and_days_are_merged_from_finer_ones(seed: int, service: str) -> None:
    documents = Records(seed, START, 0.25, START).many(service, 60)
    records = [twin.record(KINDS[service], document) for document in documents]
    own = {key: one for key, one in DEFINITIONS.items() if one.service == service and one.finest_sec == 300}
    until = epoch_ms(START + timedelta(days=3))
    finer = twin.parts(own, records, 300, until)
    for resolution in (3600, 86400):
        groups: dict[tuple[str, str, int], list[Parts]] = defaultdict(list)
        for key, parts in finer.items():
            groups[key.kpi, key.entity, key.bucket * 300 // resolution].append(parts)
        for key, parts in twin.parts(own, records, resolution, until).items():
            definition, whole = own[key.kpi], merged(groups[key])
            left = point(definition, key.entity, key.bucket, resolution, parts)
            right = point(definition, key.entity, key.bucket, resolution, whole)
            assert (left is None) == (right is None)
            if left is not None and right is not None:
                assert left.bins == right.bins
                assert left.value == (None if right.value is None else pytest.approx(right.value, rel=1e-12))
                # Integrals overlap several buckets: their records are not disjoint over finer ones.
                assert left.samples == right.samples or definition.kind == "integral"


@given(
    st.dictionaries(
        st.tuples(st.sampled_from(["e1", "e2"]), st.integers(20_000, 20_020)), st.integers(1, 600), max_size=20
    ),
    st.tuples(st.sampled_from(["e1", "e2"]), st.integers(20_000, 20_020)),
    st.integers(1, 600),
)
def test_more_records_never_coarsen_a_series(
    counts: dict[tuple[str, int], int], place: tuple[str, int], more: int
) -> None:
    before, after = Activity(), Activity()
    for (entity, day), number in counts.items():
        before.put(ALL_RECORDS, entity, day, number)
        after.put(ALL_RECORDS, entity, day, number)
    after.put(ALL_RECORDS, *place, counts.get(place, 0) + more)
    due = changed_days(before, after)
    for entity in ("e1", "e2"):
        for day in range(20_000, 20_030):
            assert after.finest(entity, day) <= before.finest(entity, day)
            known = [bool(activity.peak(ALL_RECORDS, entity, day)) for activity in (before, after)]
            assert known[1] >= known[0]
            if known[0] != known[1] or before.finest(entity, day) != after.finest(entity, day):
                assert day in due


def test_finest_resolution_follows_the_busiest_of_eight_days() -> None:
    activity = Activity(density=8)
    for day, number in {100: 96, 110: 95, 120: 8, 130: 7}.items():  # records in the day's busiest hour
        activity.put(ALL_RECORDS, "service:voip", day, number)
    finest = [activity.finest("service:voip", day) for day in (99, 100, 107, 108, 110, 117, 120, 127, 130)]
    assert finest == [86400, 300, 300, 86400, 3600, 3600, 3600, 3600, 86400]
    assert [activity.known(DEFINITIONS["voip.attempts"], "service:voip", day) for day in (99, 107, 108)] == [
        False,
        True,
        False,
    ]


SPANS = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), max_size=8)


def _covered(spans: list[tuple[int, int]]) -> set[int]:
    return {moment for start, end in spans for moment in range(start, end)}


@given(SPANS, SPANS, st.integers(1, 9))
def test_spans_are_sets_of_moments(left: list[tuple[int, int]], right: list[tuple[int, int]], step: int) -> None:
    assert _covered(joined(left)) == _covered(left)
    assert _covered(crossed(left, right)) == _covered(left) & _covered(right)
    assert _covered(clipped(left, 10, 40)) == _covered(left) & set(range(10, 40))
    assert _covered(list(pieces(joined(left), step))) == _covered(left)
    assert {moment // step for moment in _covered(widened(left, step))} == {moment // step for moment in _covered(left)}
    cover = Cover(left)
    for start, end in right:
        if start < end:
            inside = any(low <= start and end <= high for low, high in joined(left))
            assert cover.holds(start, end) == inside


def test_state_of_a_point_follows_its_samples() -> None:
    asr, mos = DEFINITIONS["voip.asr"], DEFINITIONS["voip.mos"]
    few = point(asr, "service:voip", 1, 300, Parts(numerator=10, denominator=19, samples=19))
    enough = point(asr, "service:voip", 1, 300, Parts(numerator=10, denominator=20, samples=20))
    assert few is not None and enough is not None
    assert (few.state, few.value) == ("insufficient_data", 10 / 19)
    assert (enough.state, enough.value) == ("ok", 0.5)
    assert point(mos, "service:voip", 1, 300, Parts()) is None
    loss = point(DEFINITIONS["voip.packet_loss"], "service:voip", 1, 300, Parts(candidates=4))
    assert loss is not None
    assert (loss.state, loss.value, loss.samples) == ("not_measurable", None, 4)
    late = point(DEFINITIONS["voip.pdd_p95"], "service:voip", 1, 300, Parts(bins={bins.index(505.0, 1000.0): 30}))
    assert late is not None
    assert late.value == pytest.approx(505, rel=0.02)
