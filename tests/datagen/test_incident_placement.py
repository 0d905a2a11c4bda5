"""The whole library in one run: every type once, at suitable places, apart."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.errors import DefinitionError
from datagen.incidents import Incident, read_scenario
from datagen.library import read_types
from datagen.network import read_network
from datagen.placement import library_incidents

NETWORK, TYPES = read_network(), read_types()
START = datetime(2026, 11, 2, tzinfo=UTC)
DAY_MS, APART_MS = 86_400_000, 7_200_000


def placed(days: int, start: datetime = START, **more: object) -> tuple[Incident, ...]:
    end = start + timedelta(days=days)
    rows = library_incidents(NETWORK, start=start, end=end, **more)  # type: ignore[arg-type]
    return read_scenario(rows, NETWORK, start=start, end=end, types=TYPES)


def test_library_is_placed_once_each_in_order_of_time() -> None:
    found = placed(28)
    assert sorted(one.type.name for one in found) == sorted(TYPES)
    assert [one.start for one in found] == sorted(one.start for one in found)
    assert {one.id for one in found} == set(TYPES)


@settings(max_examples=10, deadline=None)
@given(st.integers(10, 40), st.integers(0, 400))
def test_library_fits_any_run_and_keeps_incidents_apart(days: int, later: int) -> None:
    start = START + timedelta(days=later)
    found = placed(days, start)
    first, last = start.timestamp() * 1000, (start + timedelta(days=days)).timestamp() * 1000
    for position, one in enumerate(found):
        assert first <= one.start < one.end <= last
        for other in found[position + 1 :]:
            together = one.overlaps(other.start - APART_MS, other.end + APART_MS)
            assert not (together and one.place == other.place)
            if together and one.service == other.service:
                assert max(one.end - one.start, other.end - other.start) > DAY_MS, f"{one.id} and {other.id}"
                assert "feed" not in (one.place.type, other.place.type)


def test_library_in_four_weeks_has_no_two_incidents_of_a_service_at_once() -> None:
    found = placed(28)
    for position, one in enumerate(found):
        for other in found[position + 1 :]:
            assert one.service != other.service or not one.overlaps(other.start - APART_MS, other.end + APART_MS)


def test_library_leaves_the_first_half_of_a_long_run_quiet() -> None:
    quiet = (START + timedelta(days=14)).timestamp() * 1000
    assert all(one.start >= quiet for one in placed(28))


def test_library_places_only_types_of_the_services() -> None:
    found = placed(14, services=["sms"])
    assert {one.service for one in found} == {"sms"}
    assert {one.type.name for one in found} >= {"sms_backlog", "sms_loss", "silent_feed", "clock_skew"}


def test_library_puts_calls_from_abroad_where_they_come_in() -> None:
    callers = {group.name: group.callers for group in NETWORK.voip.access}
    for one in placed(28):
        if one.place.type == "trunk_group_in":
            assert callers[one.place.id] == "foreign"


def test_library_in_too_short_a_run_is_refused_with_the_days_it_needs() -> None:
    with pytest.raises(DefinitionError, match=r"3 days are too few for the whole library") as refusal:
        placed(3)
    enough = int("".join(filter(str.isdigit, str(refusal.value.remedy))))
    assert len(placed(enough)) == len(TYPES)
    with pytest.raises(DefinitionError):
        placed(enough - 1)
