"""The truth counts customers, entities and signals in parts that merge in any order, without holding millions of ids."""

from __future__ import annotations

import pickle
from datetime import UTC, date, datetime
from itertools import pairwise
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from datagen.distinct import Distinct, Sighting
from datagen.felt import Felt
from datagen.pipeline import plan, tables
from datagen.table import length, take
from datagen.truth import truth_lines

ROWS: list[dict[str, Any]] = [
    {"type": "trunk_outage", "place": "TG2", "start": "2026-11-11T10:00:00Z"},
    {"type": "wangiri", "place": "carrier-in", "start": "2026-11-11T18:00:00Z"},
    {"type": "irsf", "place": "TG1", "start": "2026-11-11T01:00:00Z"},
]
RUN = plan(services=["voip"], start=date(2026, 11, 11), days=1, rate=4000, seed=3, incidents=ROWS)
TABLE = next(tables(RUN, "voip"))
PLACED = list(enumerate(RUN.model.incidents, 1))


def counted(edges: list[int]) -> list[Felt]:
    """The day's rows dealt out at the edges, each part counted alone."""
    found = []
    for first, last in pairwise(sorted({0, *edges, length(TABLE)})):
        felt = Felt.of(RUN.model.incidents)
        felt.add("voip", take(TABLE, slice(first, last)))
        felt.file(1, f"part-{first}")
        found.append(pickle.loads(pickle.dumps(felt)))  # noqa: S301 - as it comes from a worker, written above
    return found


def merged(parts: list[Felt]) -> Felt:
    total = Felt.of(RUN.model.incidents)
    for part in parts:
        total.merge(part)
    return total


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(1, length(TABLE) - 1), max_size=6), st.randoms(use_true_random=False))
def test_truth_is_the_same_however_the_rows_are_dealt_out(edges: list[int], shuffle: Any) -> None:
    parts = counted(edges)
    shuffle.shuffle(parts)
    assert truth_lines(PLACED, merged(parts)) == truth_lines(PLACED, merged(counted([])))


def test_truth_counts_are_those_of_the_rows() -> None:
    felt = merged(counted([700, 1500]))
    for position, _ in PLACED:
        hit = TABLE["_hit"].values == position
        assert felt.records[position] == hit.sum() > 10
        assert felt.customers[position].count == np.unique(TABLE["_customer"].values[hit]).size
        assert not felt.customers[position].more


def test_truth_names_few_values_of_a_signal_and_only_the_prefix_of_many() -> None:
    felt = merged(counted([]))
    wangiri = felt.signals[2, "voip.calling.number"].shown()
    assert wangiri["prefix"] == "+99988"
    assert len(wangiri["values"]) == 5  # type: ignore[arg-type]
    irsf = felt.signals[3, "voip.called.number"].shown()
    assert irsf == {"values": None, "prefix": "+99966"}


@given(st.lists(st.lists(st.integers(0, 2**62)), max_size=5), st.integers(1, 40))
def test_distinct_is_exact_up_to_its_bound_and_the_same_in_any_order(parts: list[list[int]], bound: int) -> None:
    one, other = Distinct(bound), Distinct(bound)
    for part in parts:
        one.add(np.array(part, np.int64))
    for part in reversed(parts):
        alone = Distinct(bound)
        alone.add(np.array(part, np.int64))
        other.merge(alone)
    assert one.smallest.tolist() == other.smallest.tolist()
    assert (one.more, one.count) == (other.more, other.count)
    true = len({number for part in parts for number in part})
    assert one.more == (true > bound)
    if not one.more:
        assert one.count == true


def test_distinct_estimates_millions_within_a_percent_and_says_so() -> None:
    found = Distinct()
    for first in range(0, 3_000_000, 250_000):
        found.add(np.arange(first, first + 300_000))  # neighbours share a part of their ids
    assert found.more
    assert abs(found.count / 3_050_000 - 1) < 0.015
    assert found.smallest.nbytes <= 2**19


@given(st.lists(st.integers(0, 10**15), min_size=1, max_size=60), st.integers(0, 60))
def test_sighting_keeps_few_values_and_what_they_begin_with(values: list[int], cut: int) -> None:
    together, first, second = Sighting(), Sighting(), Sighting()
    together.add(values)
    first.add(values[:cut])
    second.add(values[cut:])
    second.merge(first)
    assert second == together
    assert together.values == (set(values) if len(set(values)) <= together.most else None)
    assert len({len(str(value)) for value in values}) > 1 or all(str(v).startswith(together.prefix()) for v in values)


def test_truth_line_of_an_incident_that_nobody_felt_says_zero() -> None:
    line = truth_lines(PLACED[:1], Felt())
    assert b'"customers_affected":0,"customers_estimated":false,"records_affected":0,"felt_by":[]' in line


def test_truth_of_a_run_of_any_zone_is_in_utc() -> None:
    start = datetime.fromtimestamp(RUN.model.incidents[0].start / 1000, UTC)
    assert start == datetime(2026, 11, 11, 10, tzinfo=UTC)
    assert b'"start":"2026-11-11T10:00:00.000Z"' in truth_lines(PLACED[:1], Felt())
