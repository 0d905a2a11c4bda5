"""Files of TS 32.297: header, facts, framing, recognition, and the way into the store."""

from __future__ import annotations

import gzip
import io
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from contracts.errors import UserError
from infrastructure.store import Store
from mediation.audit import reconcile
from mediation.collect import LongLine
from mediation.formats import ber_samples as samples
from mediation.formats.ber_samples import cdr, framed
from mediation.formats.ts32297 import FileFacts, Flaw, file_facts, header_complaint, is_file, records
from mediation.golden import written
from mediation.load import load_layouts
from mediation.pipeline import ingest
from mediation.sniff import inspect
from mediation.suspense import Selection, retry
from tests.mediation.ber_cases import golden_file, pgw

LAYOUTS = load_layouts()
LIMIT = 1 << 20
GOLDEN = Path(__file__).parent / "golden" / "ts32298" / "input.ber"

# Written by hand after clause 6.1.1; octets are numbered from 0.
HEADER = bytes.fromhex(
    "00000050"  # 0: file length 80
    "00000036"  # 4: header length 54
    "e2 a1"  # 8: high release beyond 9, version 2; low release 8, version 1
    "baa858c0 baa858c0"  # 10, 14: month 1011, day 10101, hour 01010, minute 000101, sign 1, hours 00011, minutes 000000
    "00000002"  # 18: two CDRs
    "0000a8c1"  # 22: file sequence number 43201
    "02"  # 26: open time limit
    "ffffffff 00000000000000000000ffff c0000201"  # 27: 192.0.2.1 mapped into IPv6
    "83"  # 47: three CDRs lost, counted
    "0001 4b"  # 48: routeing filter of one octet
    "0000"  # 51: no private extension
    "05"  # 53: high release 15; the low one is not beyond 9 and has no extension
)


def _records(content: bytes, limit: int = LIMIT) -> list[tuple[int, int, bytes]]:
    return list(records(io.BytesIO(content), limit, b"prefix"))


def _flaw(content: bytes) -> str:
    *_, (_, _, raw) = _records(content)
    assert isinstance(raw, Flaw)
    return raw.detail


def _facts(content: bytes) -> FileFacts:
    facts = file_facts(io.BytesIO(content))
    assert facts is not None
    return facts


def test_header_written_by_hand_gives_its_facts() -> None:
    assert _facts(HEADER) == FileFacts(
        length=80,
        header_length=54,
        release="15",
        opened="11-21T10:05+03:00",
        appended="11-21T10:05+03:00",
        cdrs=2,
        sequence=43201,
        closure="open_time",
        node="192.0.2.1",
        lost=3,
        lost_exact=True,
    )


def test_header_that_samples_write_is_read_again() -> None:
    content = samples.file([cdr(pgw())], sequence=9, opened=datetime(2026, 12, 31, 23, 30, tzinfo=UTC), private=b"own")
    facts = _facts(content)
    assert (facts.length, facts.cdrs, facts.sequence, facts.node) == (len(content), 1, 9, "192.0.2.10")
    assert (facts.opened, facts.release, facts.header_length) == ("01-01T00:30+01:00", "15", 57)


@pytest.mark.parametrize(
    ("octet", "lost", "exact"),
    [(0, 0, True), (5, 5, False), (127, 127, False), (128, 1, False), (131, 3, True), (255, 127, False)],
)
def test_lost_cdrs_are_a_least_number_unless_they_were_counted(octet: int, lost: int, exact: bool) -> None:
    facts = _facts(samples.file([], sequence=1, lost=octet))
    assert (facts.lost, facts.lost_exact) == (lost, exact)


@pytest.mark.parametrize(
    ("octets", "node"),
    [
        ("ffffffff" + "20010db8000000000000000000000001", "2001:db8::1"),
        ("ff" * 16 + "0a000001", "10.0.0.1"),
        ("0a000001" + "00" * 16, "10.0.0.1"),
        ("20010db8000000000000000000000001" + "00000000", "2001:db8::1"),
        ("00" * 20, ""),
        ("ff" * 20, ""),
    ],
)
def test_node_address_is_read_in_the_forms_that_writers_use(octets: str, node: str) -> None:
    content = samples.file([], sequence=1)
    assert _facts(content[:27] + bytes.fromhex(octets) + content[47:]).node == node


@pytest.mark.parametrize(("rest", "length"), [("", 50), ("0000", 52), ("0506", 52), ("00000506", 54)])
def test_header_may_end_early_when_its_writer_leaves_out_what_is_empty(rest: str, length: int) -> None:
    content = samples.file([], sequence=1)[8:50] + bytes.fromhex(rest)
    content = length.to_bytes(4, "big") * 2 + content
    assert is_file(content)
    assert _facts(content).header_length == length
    assert not _records(content)


def test_number_and_length_that_the_field_cannot_hold_are_unknown() -> None:
    content = samples.file([cdr(pgw())], sequence=1)
    content = b"\xff" * 4 + content[4:18] + b"\xff" * 4 + content[22:]
    assert (_facts(content).length, _facts(content).cdrs) == (None, None)
    assert len(_records(content)) == 1


def test_records_have_the_offset_of_their_cdr_header_and_no_end_cut_off() -> None:
    first, second = cdr(pgw(nodeID="a")), framed(samples.ber(pgw())[:-1] + b"\r")
    content = samples.file([first, second], sequence=1)
    found = _records(content)
    assert [(number, bytes(raw)) for _, number, raw in found] == [(1, first), (2, second)]
    assert all(content[offset : offset + len(raw)] == raw for offset, _, raw in found)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda content: content[:-3], "a length of 216 bytes, it has 213"),
        (lambda content: content + cdr(pgw()), "a length of 216 bytes, it has 270 and 3 CDRs, there are 4"),
        (lambda content: content[:18] + b"\0\0\0\x09" + content[22:], "says 9 CDRs, there are 3"),
        (lambda content: content[:54] + b"\0\0" + content[56:], "byte 54: a CDR length of 0; the last 162 bytes"),
        (lambda content: content + bytes(1 << 20), "byte 216: a CDR length of 0; the last 1048576 bytes"),
        (lambda content: content + b"\xff" * 9, "byte 216: a data record format 7; the last 9 bytes"),
        (lambda content: content[:30], "octet 30: ends inside the file header"),
        (lambda content: content[:7] + b"\x07" + content[8:], "octet 4: a header length of 7"),
        (lambda content: content[:10] + b"\xf0\0\0\x09" + content[14:], "octet 10: f0000009 is no time"),
        (lambda content: content[:48] + b"\xff\xff" + content[50:], "octet 48: a routeing filter of 65535 octets"),
        (lambda content: content[:50] + b"\0\x09" + content[52:], "octet 50: a private extension"),
    ],
)
def test_contradiction_is_one_flaw_that_names_the_byte_when_file_and_header_differ(change: Any, words: str) -> None:
    content = samples.file([cdr(pgw())] * 3, sequence=1)
    assert len(content) == 216
    assert words in _flaw(change(content))
    assert sum(isinstance(raw, Flaw) for _, _, raw in _records(change(content))) == 1


def test_flaws_of_two_files_are_two_when_their_headers_differ() -> None:
    first, second = (samples.file([], sequence=number, claims=5) for number in (1, 2))
    assert _records(first)[0][2] != _records(second)[0][2]


def test_record_is_a_long_line_when_it_is_longer_than_the_limit() -> None:
    long = framed(bytes(60_000))
    (_, _, short), (_, _, raw) = _records(samples.file([cdr(pgw()), long], sequence=1), limit=1024)
    assert not isinstance(short, LongLine)
    assert isinstance(raw, LongLine)
    assert raw.length == len(long)


class _Slow(io.RawIOBase):
    """A stream that gives a byte at a time, as what unpacks may."""

    def __init__(self, content: bytes) -> None:
        self._inner = io.BytesIO(content)

    def read(self, size: int = -1) -> bytes:
        return self._inner.read(min(size, 1))


def test_stream_that_gives_little_at_a_time_gives_the_same_records() -> None:
    content = golden_file()
    slow: Any = _Slow(content)
    assert list(records(slow, LIMIT, b"")) == _records(content)


def test_golden_input_is_what_the_cases_make() -> None:
    assert GOLDEN.read_bytes() == golden_file()


# Recognition


@pytest.mark.parametrize(
    "text", [b"a,b,c\n1,2,3\n", b'{"a": 1}\n' * 9, b"\x1f\x8b\x08\0" * 40, b"", b"\0" * 300, b"\xff" * 300]
)
def test_file_of_another_kind_is_not_taken_for_one(text: bytes) -> None:
    assert not is_file(text)
    assert file_facts(io.BytesIO(text)) is None


def test_file_is_recognised_by_its_header_under_any_name(tmp_path: Path) -> None:
    path = tmp_path / "pgw1_-_000042.20261005_-_0015+0100"
    path.write_bytes(golden_file())
    source = inspect(path, LAYOUTS)
    assert source.layout is not None
    assert (source.layout.name, source.size) == ("ts32298", len(golden_file()))


@pytest.mark.parametrize(
    ("content", "words"), [(golden_file()[:40], "octet 40"), (b"\0" * 7 + b"\x07" * 90, "octet 4")]
)
def test_file_is_refused_by_name_and_byte_when_its_header_is_broken(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "broken.ber"
    path.write_bytes(content)
    with pytest.raises(UserError, match=rf"broken\.ber: is no file of 3GPP TS 32\.297: {words}"):
        inspect(path, LAYOUTS, "ts32298")


def test_text_is_recognised_as_before_when_binary_layouts_are_known(tmp_path: Path) -> None:
    path = tmp_path / "epc.csv"
    path.write_text(",".join(LAYOUTS["epc-busyhour"].header) + "\n")
    assert inspect(path, LAYOUTS).layout == LAYOUTS["epc-busyhour"]


# Into the store


def test_ingest_balances_the_books_of_a_golden_file_and_of_its_second_delivery(store: Store, tmp_path: Path) -> None:
    first, second = tmp_path / "1.ber", tmp_path / "2.ber"
    for path in (first, second):
        path.write_bytes(golden_file())
    rejects = written(first, LAYOUTS).count(b'"cdr-reject"')
    report = ingest(store, [first])
    assert report.ok
    assert report.counts.balanced
    assert (report.lines, report.rejected) == (len(_records(golden_file())), rejects)
    again = ingest(store, [second])
    assert (again.duplicate, again.lines) == (report.lines, report.lines)


def test_rejected_record_is_kept_as_hexadecimal_digits_of_all_its_octets(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "one.ber"
    bad = framed(b"\x30\x03\x02\x01\x01")
    path.write_bytes(samples.file([bad], sequence=1))
    assert ingest(store, [path]).rejected == 1
    (hit,) = store.scan("cdr-reject")
    assert hit["_source"]["reject"]["raw"] == bad.hex()
    assert hit["_source"]["log"]["offset"] == 54


def test_rejected_record_is_recycled_when_the_layout_is_mended(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "one.ber"
    path.write_bytes(samples.file([cdr(pgw(duration=7))], sequence=1))
    shipped = LAYOUTS["ts32298"]
    columns = tuple(replace(column, high=5) if column.raw == "duration" else column for column in shipped.columns)
    strict = {**LAYOUTS, "ts32298": replace(shipped, columns=columns)}
    assert ingest(store, [path], layouts=strict).counts.reasons == {"bad_number": 1}
    store.refresh("cdr-reject")
    retry(store, Selection(), by="test")
    store.refresh("cdr-epc")
    (hit,) = store.scan("cdr-epc")
    assert hit["_source"]["epc"]["duration"] == {"sec": 7.0}


def test_ledger_keeps_the_sequence_number_of_a_packed_file(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "one.ber.gz"
    path.write_bytes(gzip.compress(samples.file([cdr(pgw())], sequence=77)))
    assert ingest(store, [path]).indexed == 1
    store.refresh("cdr-file")
    (row,) = store.scan("cdr-file")
    assert row["_source"]["file"]["sequence"] == 77


@pytest.mark.parametrize(("octet", "lost"), [(0, None), (3, 3), (0x83, 3), (0x80, 1)])
def test_ledger_and_day_tell_what_the_node_lost(store: Store, tmp_path: Path, octet: int, lost: int | None) -> None:
    path = tmp_path / "one.ber"
    path.write_bytes(samples.file([cdr(pgw())], sequence=1, lost=octet))
    assert ingest(store, [path]).indexed == 1
    store.refresh()
    (row,) = store.scan("cdr-file")
    assert row["_source"]["file"].get("lost") == lost
    (totals,) = reconcile(store, store.clock() - timedelta(hours=1)).delivered
    assert (totals.lost, totals.balanced) == (lost or 0, True)


def test_zone_of_header_times_is_kept_when_it_is_west() -> None:
    west = timezone(-timedelta(hours=3, minutes=30))
    clock = samples.header_time(datetime(2026, 1, 2, 3, 4, tzinfo=west), west)
    content = samples.file([], sequence=1)
    assert _facts(content[:10] + clock + content[14:]).opened == "01-02T03:04-03:30"


def test_complaint_is_empty_when_the_header_is_right() -> None:
    assert header_complaint(golden_file(), whole=True) == ""
