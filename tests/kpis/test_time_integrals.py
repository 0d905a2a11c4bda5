"""Laws of time integrals: whole numbers, nothing lost, the quick way equals the plain one."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from kpis.integrals import LARGEST, LONGEST_MS, Border, Laid, lay, spread_over, summed
from kpis.parts import BASE_MS

TIMES = st.one_of(st.integers(0, 40 * BASE_MS), st.integers(0, 40).map(lambda step: step * BASE_MS))
RECORDS = st.lists(st.tuples(TIMES, TIMES, st.integers(0, 2**44)), max_size=25)
LEVELS = st.sampled_from([1, 12, 288])


@given(TIMES, TIMES, st.integers(0, 2**44), LEVELS)
def test_amounts_of_all_buckets_are_the_total(start: int, end: int, amount: int, per: int) -> None:
    laid = lay(min(start, end), max(start, end), amount)
    assert laid is not None
    buckets = dict(spread_over(laid, per))
    assert sum(buckets.values()) == amount
    assert min(buckets.values()) >= 0


@given(TIMES, TIMES)
def test_time_in_progress_is_split_without_rounding(start: int, end: int) -> None:
    start, end = min(start, end), max(start, end)
    laid = lay(start, end, end - start)
    assert laid is not None
    for bucket, amount in spread_over(laid, 1):
        assert amount == max(min(end, (bucket + 1) * BASE_MS) - max(start, bucket * BASE_MS), 0)


@given(TIMES, TIMES, st.integers(0, 2**44), LEVELS)
def test_coarser_buckets_are_sums_of_finer_ones(start: int, end: int, amount: int, per: int) -> None:
    laid = lay(min(start, end), max(start, end), amount)
    assert laid is not None
    merged: Counter[int] = Counter()
    for bucket, part in spread_over(laid, 1):
        merged[bucket // per] += part
    assert dict(spread_over(laid, per)) == dict(merged)


@given(RECORDS, LEVELS, st.integers(0, 6), st.integers(1, 40))
def test_borders_summed_equal_every_record_spread(
    records: list[tuple[int, int, int]], per: int, first: int, length: int
) -> None:
    laid = [one for one in (lay(min(a, b), max(a, b), amount) for a, b, amount in records) if one is not None]
    end = first + length
    plain: Counter[int] = Counter()
    samples: Counter[int] = Counter()
    for one in laid:
        for bucket, amount in spread_over(one, per):
            if first <= bucket < end:
                plain[bucket] += amount
                samples[bucket] += 1
    inside = [one for one in laid if one.first // per < end and one.last // per >= first]
    found = summed(
        _borders(inside, per, first, end, starts=True), _borders(inside, per, first, end, starts=False), first, end, per
    )
    assert {bucket: parts.numerator for bucket, parts in found.items()} == dict(plain)
    assert {bucket: parts.samples for bucket, parts in found.items()} == dict(samples)


def _borders(laid: list[Laid], per: int, first: int, end: int, *, starts: bool) -> list[Border]:
    """What the ES|QL of kpis/queries.integral answers."""
    rows: dict[int, Border] = {}
    for one in laid:
        if starts:
            bucket = max(one.first // per, first - 1)
            amount = one.head + one.rate * ((one.first // per + 1) * per - one.first - 1)
        else:
            bucket = min(one.last // per, end)
            amount = one.tail - one.rate * ((one.last // per + 1) * per - one.last)
        old = rows.get(bucket, Border(bucket, 0, 0, 0))
        rows[bucket] = Border(bucket, old.amount + amount, old.rate + one.rate, old.records + 1)
    return list(rows.values())


def test_record_of_no_length_puts_all_into_the_bucket_of_its_end() -> None:
    laid = lay(2 * BASE_MS, 2 * BASE_MS, 77)
    assert laid is not None
    assert list(spread_over(laid, 1)) == [(2, 77)]


def test_impossible_record_is_laid_nowhere() -> None:
    assert lay(5, 4, 1) is None
    assert lay(4, 5, -1) is None
    assert lay(4, 5, LARGEST + 1) is None
    assert lay(0, LONGEST_MS + 1, 1) is None
    assert lay(0, LONGEST_MS, LARGEST) is not None
