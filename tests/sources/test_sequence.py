"""Laws of file sequence numbers and rhythms, without a store."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediation.sources.rhythm import in_words, rhythm
from mediation.sources.sequence import Arrival, findings


def files(numbers: Iterable[int], content: str = "") -> list[Arrival]:
    return [
        Arrival(number, 300.0 * place, f"/in/{number}-{place}", content or f"content {place}")
        for place, number in enumerate(numbers)
    ]


def gaps(numbers: Iterable[int], **options: int) -> list[tuple[int, int, int]]:
    missing, _ = findings(files(numbers), **options)
    return [(gap.first, gap.last, gap.files) for gap in missing]


@pytest.mark.parametrize(
    ("numbers", "wanted"),
    [
        ([], []),
        ([7], []),
        ([7, 8, 9], []),
        ([7, 9], [(8, 8, 1)]),
        ([7, 12, 13, 15], [(8, 11, 4), (14, 14, 1)]),
        ([7, 9, 8], []),
        ([5, 30_000, 30_001], []),  # farther than any gap: the counter was set anew
        ([500_000, 500_001, 0, 1, 2, 4], [(3, 3, 1)]),  # set back
        ([0, 1, 2, 3, 0, 1, 2], []),  # set back before it came far: numbers 0 to 2 are there, with other content
        ([10_000, 10_001, 1, 2, 10_002, 10_004, 4], [(10_003, 10_003, 1), (3, 3, 1)]),  # a late file of the old counter
    ],
)
def test_missing_numbers_are_those_between_files(numbers: list[int], wanted: list[tuple[int, int, int]]) -> None:
    assert gaps(numbers) == wanted


def test_missing_numbers_are_found_where_numbers_begin_again() -> None:
    assert gaps([97, 98, 99, 0, 1], cycle=100) == []
    assert gaps([97, 98, 1, 2], cycle=100) == [(99, 0, 2)]
    assert gaps([98, 99, 1, 2], first=1, cycle=99) == []
    assert gaps([98, 99, 2], first=1, cycle=99) == [(1, 1, 1)]
    assert gaps([*range(90, 100), *range(100), *range(100), 0, 2], cycle=100) == [(1, 1, 1)]


def test_missing_numbers_may_be_on_their_way_until_they_are_overtaken_for_a_while() -> None:
    found = files([1, 2, 4])
    assert findings(found, overtaken_by=found[-1].moment - 1)[0] == []
    assert len(findings(found, overtaken_by=found[-1].moment)[0]) == 1


def test_repeated_number_tells_a_file_delivered_again_from_another_file() -> None:
    _, (repeat,) = findings(files([5, 6, 6, 7]))
    assert (repeat.number, len(repeat.files), repeat.same) == (6, 2, False)
    _, (repeat,) = findings(files([5, 6, 6, 7], content="the same"))
    assert repeat.same


@given(st.sets(st.integers(0, 400), min_size=1), st.integers(0, 2**32))
def test_missing_are_exactly_the_absent_numbers_in_any_order_of_delivery(numbers: set[int], seed: int) -> None:
    order = sorted(number + 1000 for number in numbers)
    Random(seed).shuffle(order)
    missing, repeated = findings(files(order))
    absent = set(range(min(order), max(order) + 1)) - set(order)
    assert {number for gap in missing for number in range(gap.first, gap.last + 1)} == absent
    assert sum(gap.files for gap in missing) == len(absent)
    assert repeated == []


@given(st.lists(st.tuples(st.integers(0, 10**10), st.floats(0, 1e9)), max_size=60), st.integers(2, 10**6) | st.none())
def test_any_numbers_give_findings_and_no_exception(found: list[tuple[int, float]], cycle: int | None) -> None:
    arrivals = [Arrival(number, moment, f"{place}", f"{place % 3}") for place, (number, moment) in enumerate(found)]
    missing, _ = findings(arrivals, cycle=cycle)
    assert all(gap.files > 0 for gap in missing)


def every(seconds: float, count: int) -> list[float]:
    return [seconds * place for place in range(count)]


def test_rhythm_is_the_median_whatever_a_few_outages_were() -> None:
    moments = [moment for moment in every(300, 60) if not 3000 <= moment < 6000]
    found = rhythm(moments, every=None, intervals=3)
    assert found is not None
    assert (found.interval, found.learned) == (300, True)
    assert found.patience == 900


def test_rhythm_is_not_learned_from_little_from_heaps_or_from_chaos() -> None:
    assert rhythm(every(300, 5), every=None, intervals=3) is None
    assert rhythm(every(1, 500), every=None, intervals=3) is None  # a folder filled at once
    chaos = Random(1)
    moments = sorted(chaos.paretovariate(0.4) * 60 for _ in range(200))
    assert rhythm(moments, every=None, intervals=3) is None


def test_rhythm_waits_as_long_as_a_pause_that_is_made_every_night() -> None:
    day = [hour * 3600 for hour in range(6, 22)]
    moments = [moment + 86400 * night for night in range(4) for moment in day]
    found = rhythm([float(moment) for moment in moments], every=None, intervals=3)
    assert found is not None
    assert found.interval == 3600
    assert found.patience > 9 * 3600


def test_rhythm_counts_files_delivered_together_as_one_delivery() -> None:
    moments = [moment + part for moment in every(300, 20) for part in (0.0, 1.0, 2.0)]
    found = rhythm(moments, every=None, intervals=3)
    assert found is not None
    assert found.interval == 300


@given(st.lists(st.floats(0, 1e10), max_size=100).map(sorted), st.floats(30, 1e6) | st.none())
def test_rhythm_of_anything_has_a_patience_beyond_its_interval(moments: list[float], given: float | None) -> None:
    found = rhythm(moments, every=given, intervals=3)
    assert found is None or found.patience >= found.interval * 3 > 0


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (45, "45 seconds"),
        (60, "1 minute"),
        (300, "5 minutes"),
        (1380, "23 minutes"),
        (3600, "1 hour"),
        (9000, "2.5 hours"),
    ],
)
def test_lengths_of_time_are_told_as_people_do(seconds: float, words: str) -> None:
    assert in_words(seconds) == words
