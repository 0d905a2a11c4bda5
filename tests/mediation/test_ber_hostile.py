"""Hostile octets: always one outcome for a record, never an exception, and no more memory than the file deserves."""

from __future__ import annotations

import io
import tracemalloc
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.outcomes import Reason, Reject
from mediation.collect import LongLine
from mediation.compile import Record, compile_layout
from mediation.formats import ber_samples as samples
from mediation.formats import cells_reader, ts32297
from mediation.formats.ber_samples import cdr, framed
from mediation.lines import judge
from mediation.load import load_layouts
from tests.mediation.ber_cases import golden_cdrs, golden_file, inner, outer, pgw

LAYOUT = load_layouts()["ts32298"]
READ = cells_reader(LAYOUT)
JUDGE = judge(compile_layout(LAYOUT, b"key"), 1 << 20)
CDRS = golden_cdrs()
TAGS = [0x30, 0x80, 0x83, 0xA3, 0x84, 0xA4, 0x8D, 0xAC, 0xA9, 0xBF, 0x1F, 0x00, 0xFF]


def _outcome(raw: bytes) -> None:
    made = JUDGE(raw)
    assert isinstance(made, Record | Reject)
    cells = READ(raw)
    if isinstance(made, Record):
        assert isinstance(cells, list)
        assert len(cells) == len(LAYOUT.columns)
    elif isinstance(cells, list):
        assert made.column
    else:
        assert made.detail


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200))
def test_any_octets_have_one_outcome_when_they_are_a_record(octets: bytes) -> None:
    _outcome(octets)
    _outcome(framed(octets))
    _outcome(framed(outer(octets)))


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(TAGS), st.integers(0, 255), st.binary(max_size=12)), max_size=8))
def test_any_elements_have_one_outcome_when_their_lengths_lie(elements: list[tuple[int, int, bytes]]) -> None:
    octets = b"".join(bytes((tag, length)) + contents for tag, length, contents in elements)
    _outcome(framed(outer(octets)))
    _outcome(framed(outer(inner(pgw()) + octets)))
    _outcome(framed(bytes.fromhex("bf4f80") + octets + b"\0\0"))


def _mutated(rng: Random, raw: bytes) -> bytes:
    """A good CDR with some of its octets changed, taken out, put in or twice; its CDR length made right every other time."""
    octets = bytearray(raw)
    for _ in range(rng.randrange(1, 5)):
        at = rng.randrange(len(octets) + 1)
        kind = rng.randrange(5)
        if kind == 0:
            octets[at : at + 1] = bytes((rng.randrange(256),))
        elif kind == 1:
            del octets[at : at + rng.randrange(1, 6)]
        elif kind == 2:
            octets[at:at] = rng.randbytes(rng.randrange(1, 6))
        elif kind == 3:
            octets[at:at] = octets[at : at + rng.randrange(1, 30)]
        else:
            octets[at : at + 1] = bytes((rng.choice((0x80, 0x84, 0xFF, 0x1F, 0x00, 0x7F)),))
        octets = octets or bytearray(b"\0")
    return framed(bytes(octets[5:])) if rng.randrange(2) else bytes(octets)


@pytest.mark.parametrize("seed", range(8))
def test_mutated_records_have_one_outcome_each(seed: int) -> None:
    rng = Random(seed)
    for _ in range(500):
        _outcome(_mutated(rng, rng.choice(CDRS)))


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300), st.integers(0, 400))
def test_any_file_ends_in_records_that_lie_one_behind_the_other(octets: bytes, at: int) -> None:
    for content in (octets, golden_file()[:at] + octets, golden_file()[:54] + octets):
        end = 0
        for place, (offset, number, raw) in enumerate(ts32297.records(io.BytesIO(content), 1 << 20, b""), 1):
            assert number == place
            assert offset >= end
            if not isinstance(raw, ts32297.Flaw | LongLine):
                assert content[offset : offset + len(raw)] == raw
                end = offset + len(raw)
            _outcome(raw)
        ts32297.file_facts(io.BytesIO(content))


def test_order_of_records_changes_no_document() -> None:
    rng = Random(1)
    shuffled = CDRS[:]
    rng.shuffle(shuffled)
    made = {raw: JUDGE(raw) for raw in CDRS}
    assert all(JUDGE(raw) == made[raw] for raw in shuffled)


@pytest.mark.parametrize("depth", [10, 1_000, 30_000])
def test_record_is_rejected_when_its_elements_are_nested_without_end(depth: int) -> None:
    for octets in (b"\xbf\x22" + b"\x80\x30" * depth, b"\xac\x80" * depth, b"\xbf\x7f\x80" * (depth // 2)):
        made = JUDGE(framed((b"\xbf\x4f\x80" + octets)[:65_535]))
        assert isinstance(made, Reject)
        assert made.reason == Reason.BAD_RECORD


@pytest.mark.parametrize(
    "lie",
    [
        framed(b"\xbf\x4f\x84\xff\xff\xff\xff" + inner(pgw())),
        framed(outer(b"\x83\x84\xff\xff\xff\xff")),
        framed(outer(b"\xac\x88" + b"\xff" * 8)),
        framed(outer(b"\xac\x89" + b"\xff" * 9)),
    ],
)
def test_length_of_gigabytes_is_a_reject_that_costs_no_memory(lie: bytes) -> None:
    JUDGE(lie)
    tracemalloc.start()
    made = JUDGE(lie)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert isinstance(made, Reject)
    assert "octet" in made.detail
    assert peak < 100_000


def test_memory_is_flat_when_a_file_has_many_records_or_its_header_lies() -> None:
    small, large = ([cdr(pgw())] * count for count in (1_000, 40_000))
    lie = samples.file(large, sequence=1)
    lie = lie[:4] + b"\xff\xff\xff\xff" + lie[8:]
    peaks = []
    for content in (samples.file(small, sequence=1), samples.file(large, sequence=1), lie):
        stream = io.BytesIO(content)
        tracemalloc.start()
        for _ in ts32297.records(stream, 1 << 20, b""):
            pass
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert max(peaks) < 600_000
