"""Many lines at once are held to one line after the other: the same documents, the same places, or not taken."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from random import Random
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.outcomes import Reject
from mediation.collect import LongLine, physical_lines, regions
from mediation.columns.compile import Columns, Taken, compile_columns
from mediation.columns.cut import cut
from mediation.compile import Pace, Record, compile_layout
from mediation.golden import KEY
from mediation.layout import Layout
from mediation.lines import judge
from mediation.load import build, load_layouts
from mediation.samples import SAMPLES
from mediation.sniff import inspect

LAYOUTS = load_layouts()
PACE = Pace("2026-01-01T00:00:00.000Z", 30.0, 0)
FAST = {name: columns for name, layout in LAYOUTS.items() if (columns := compile_columns(layout, KEY, pace=PACE))}
STAMP = "2026-11-21T00:00:00.000Z"
LOG = {"path": '/cdr/a "b".csv', "fingerprint": "f" * 64}
GOLDEN = Path(__file__).parent / "golden"
PLAIN = st.characters(min_codepoint=32, max_codepoint=126, exclude_characters='"\\')
WORDS = [
    "",
    "0",
    "-0",
    "007",
    "1.50",
    "0.0",
    "-1",
    "1e9",
    "0x1f",
    "9" * 30,
    "9" * 18,
    "NaN",
    " 1",
    "1_0",
    "+1",
    "{",
    "answered",
]
TIMES = [
    "2026-02-30",
    "2026-02-30T10:00:00.000Z",
    "2026-03-29T02:30:00.000Z",
    "2026-03-29T24:00:00.000Z",
    "2026-03-29T02:30:00Z",
]
TIMES += [
    "2026-03-29T02:30:00.1234+02:00",
    "1969-12-31T23:59:59.999Z",
    "2099-12-31T23:59:59.999Z",
    "1999-01-01 5:07:09",
]
STRANGE = ['a"b', "a\\b", "é", "\x7f", "a\rb", "\0", "\t", "a,b", "a;b", "\ufffd"]


class _Heads(dict[str, Mapping[str, str]]):
    def __missing__(self, service: str) -> Mapping[str, str]:
        self[service] = _Days(service)
        return self[service]


class _Days(dict[str, str]):
    def __init__(self, service: str) -> None:
        self.service = service

    def __missing__(self, day: str) -> str:
        return f'{{"create":{{"_index":"{self.service}-{day}","_id":"'


def taken_of(columns: Columns, region: bytes, offset: int = 0, latest: str = "~") -> Taken:
    log = f'"log":{{"file":{orjson.dumps(LOG).decode()},"offset":'
    return columns.take(region, offset, log=log, stamp=STAMP, latest=latest, heads=_Heads())


def held(layout: Layout, columns: Columns, region: bytes, pace: Pace | None = PACE, **kw: Any) -> int:
    """How many lines were taken; they and no others are plain records, and each is what the line alone becomes."""
    outcome = judge(compile_layout(layout, KEY, pace=pace, **kw), 1_000_000)
    taken = taken_of(columns, region, 4711)
    lines = list(physical_lines(io.BytesIO(region), 1_000_000)) or [(0, 1, b"")]
    assert sorted([*taken.positions, *(at for at, _ in taken.others)]) == list(range(len(region.split(b"\n"))))
    for at, place in taken.others:
        assert at >= len(lines) or place == 4711 + lines[at][0]
    moments = []
    for text, at, place in zip(taken.texts, taken.positions.tolist(), taken.offsets.tolist(), strict=True):
        slow = outcome(lines[at][2].rstrip(b"\r"))
        assert isinstance(slow, Record), lines[at]
        assert place == 4711 + lines[at][0]
        action, document, end = text.split(b"\n")
        assert end == b""
        assert orjson.loads(action) == {"create": {"_index": f"{slow.service}-{slow.timestamp[:10]}", "_id": slow.id}}
        expected = {**slow.document, "log": {"file": LOG, "offset": place}}
        expected["event"]["ingested"] = STAMP
        # dumped, since 1, 1.0 and true are the same to Python
        assert _sorted(orjson.loads(document)) == _sorted(expected), lines[at]
        moments.append(slow.timestamp)
    assert (taken.first, taken.last) == ((min(moments), max(moments)) if moments else ("", ""))
    return len(moments)


def _sorted(document: Any) -> bytes:
    return orjson.dumps(document, option=orjson.OPT_SORT_KEYS)


def test_every_layout_that_is_cut_at_its_separator_has_a_fast_way() -> None:
    assert {"voip-busyhour", "voip-public", "sms-busyhour", "epc-busyhour", "mobile-public"} <= set(FAST)


@pytest.mark.parametrize("name", FAST)
def test_golden_lines_become_the_same_documents_many_at_a_time(name: str) -> None:
    path = GOLDEN / name / "input.csv"
    header = inspect(path, LAYOUTS).header
    columns = compile_columns(LAYOUTS[name], KEY, header=header, pace=PACE)
    assert columns is not None
    assert held(LAYOUTS[name], columns, path.read_bytes().split(b"\n", 1)[1].rstrip(b"\n"), header=header) >= 2


@pytest.mark.parametrize("name", FAST)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_ordinary_lines_are_all_taken(name: str, end: str) -> None:
    rows = SAMPLES[name](Random(7), 300)
    region = end.join(LAYOUTS[name].separator.join(row) for row in rows) + end[:-1]
    assert held(LAYOUTS[name], FAST[name], region.encode()) == len(region.split("\n"))


@given(st.sampled_from(sorted(FAST)), st.integers(0, 2**32).map(Random), st.data())
def test_hostile_cells_become_the_same_documents_or_are_not_taken(
    name: str, random: Random, data: st.DataObject
) -> None:
    layout = LAYOUTS[name]
    rows = list(SAMPLES[name](random, 12))
    for row in rows:
        for position in data.draw(st.lists(st.integers(0, len(row) - 1), max_size=4)):
            row[position] = data.draw(st.one_of(st.text(PLAIN, max_size=8), st.sampled_from(WORDS + TIMES + STRANGE)))
    end = data.draw(st.sampled_from(["\n", "\r\n"]))
    lines = [layout.separator.join(row) for row in rows]
    lines.insert(
        data.draw(st.integers(0, len(lines))), data.draw(st.sampled_from(["", layout.separator.join(layout.header)]))
    )
    held(layout, FAST[name], (end.join(lines) + end[:-1]).encode())


@given(st.lists(st.binary(max_size=40), max_size=8))
def test_any_octets_are_not_taken_and_nothing_is_raised(lines: list[bytes]) -> None:
    assert not len(taken_of(FAST["voip-busyhour"], b"\n".join(lines)).texts)


@pytest.mark.parametrize("name", FAST)
def test_every_line_is_taken_or_refused_by_both(name: str) -> None:
    """Among plain lines in stored form the fast way leaves none that is a record."""
    outcome = judge(compile_layout(LAYOUTS[name], KEY, pace=PACE), 1_000_000)
    rows = SAMPLES[name](Random(11), 200)
    region = "\n".join(LAYOUTS[name].separator.join(row) for row in rows).encode()
    taken = taken_of(FAST[name], region)
    assert [at for at, _ in taken.others] == [
        at for at, line in enumerate(region.split(b"\n")) if isinstance(outcome(line), Reject)
    ]


def test_a_record_later_than_the_latest_believed_is_not_taken() -> None:
    rows = list(SAMPLES["voip-busyhour"](Random(3), 20))
    region = "\n".join(map(",".join, rows)).encode()
    times = sorted(row[4] for row in rows)
    assert len(taken_of(FAST["voip-busyhour"], region, latest=times[9]).texts) == 10


DERIVED = {
    "layout": "all-kinds",
    "title": "Every kind of derived field, condition and column",
    "family": "voip",
    "runners": ["python"],
    "format": {"kind": "csv", "separator": "|", "strip": True},
    "timezone": "Europe/London",
    "columns": [
        {"name": "call", "field": "voip.call_id", "required": True},
        {"name": "begin"},
        {"name": "end"},
        {"name": "sent", "field": "voip.calling.packets.expected", "type": "integer"},
        {"name": "got", "field": "got", "type": "integer"},
        {"name": "more", "field": "more", "type": "decimal", "divide_by": 100},
        {"name": "r", "field": "voip.calling.r_factor", "type": "decimal"},
        {"name": "mos", "field": "voip.calling.mos", "type": "decimal", "min": 1, "max": 5},
        {"name": "cause", "field": "voip.release.q850", "type": "integer", "min": 0, "max": 127},
        {"name": "codec", "field": "voip.codec", "values": {"8": "G711A", "18": "G729"}, "else": "keep"},
        {"name": "who", "field": "voip.calling.number", "pii": "truncate", "keep_characters": 4},
    ],
    "locals": {"got": "integer", "more": "decimal", "total": "decimal"},
    "target": [{"service": "voip"}],
    "times": [
        {"field": "event.start", "columns": ["begin"], "formats": ["ISO8601"], "required": True},
        {"field": "event.end", "columns": ["end"], "formats": ["dd/MM/yyyy HH:mm:ss", "ISO8601"]},
    ],
    "constants": {"voip.ingress.sbc": "sbc-1", "voip.codec": "unknown"},
    "numbers": [{"column": "who", "country": "voip.calling.country"}],
    "derive": [
        {"field": "event.end", "time_plus": ["event.start", "more"]},
        {"field": "@timestamp", "copy": "event.start"},
        {"field": "voip.duration.sec", "seconds_between": ["event.start", "event.end"]},
        {"field": "voip.calling.packets.lost", "difference": ["voip.calling.packets.expected", "got"]},
        {
            "field": "voip.calling.packets.loss.ratio",
            "ratio": ["voip.calling.packets.lost", "voip.calling.packets.expected"],
        },
        {"field": "total", "sum": ["got", "more"]},
        {"field": "voip.calling.mos", "mos_of_r_factor": "voip.calling.r_factor"},
        {"field": "voip.release.name", "release_name": {"q850": "voip.release.q850"}},
        {"field": "voip.disposition", "value": "answered", "when": {"total": {"from": 1, "to": 50}}},
        {
            "field": "voip.disposition",
            "map": {"field": "voip.codec", "values": {"G729": "ringing"}, "otherwise": "call-attempt"},
        },
        {"field": "voip.trunk_group.originating", "join": ["voip.call_id", "voip.codec"]},
    ],
    "flags": [
        {"flag": "end_before_start", "when": {"event.end": {"before": "event.start"}}},
        {"flag": "more_packets_received_than_sent", "when": {"voip.calling.packets.expected": {"below": "got"}}},
        {
            "flag": "answered_without_answer_time",
            "when": {"voip.release.q850": [16, 31], "voip.calling.mos": {"present": True}},
        },
    ],
    "identity": ["call", "begin"],
}
CELLS = [
    ["a", "b", "c", ""],
    ["2026-03-28T10:00:00.000Z", "2026-03-29T00:30:00Z", "2026-03-29T01:30:00", "2026-10-25T01:30:00.5", "no", ""],
    ["", "28/03/2026 10:00:07", "28/03/2026 09:59:59", "2026-03-28T11:00:00.123Z", "x"],
    ["", "0", "100", "007", "-4", "12.0", "x", "9" * 18, "0x1f"],
    ["", "0", "97", "101"],
    ["", "0", "-0", "1234", "99999999999999", "-5", "0.5"],
    ["", "0", "93.2", "-0", "120"],
    ["", "4.40", "4.4", "6"],
    ["", "16", "31", "0", "200"],
    ["", "8", "18", "G722"],
    ["", "+447700900123", "0044 1", "x"],
]


@given(st.lists(st.tuples(*map(st.sampled_from, CELLS)), min_size=1, max_size=20))
def test_every_kind_of_step_gives_the_same_many_at_a_time(rows: list[tuple[str, ...]]) -> None:
    layout = build(DERIVED)
    columns = compile_columns(layout, KEY)
    assert columns is not None
    held(layout, columns, "\n".join(" |".join(row) for row in rows).encode(), pace=None)


@given(
    st.lists(
        st.text(st.characters(min_codepoint=9, max_codepoint=130, exclude_characters="\n"), max_size=9), min_size=1
    ),
    st.sampled_from(["\n", "\r\n"]),
)
def test_cut_finds_each_line_where_it_is(lines: list[str], end: str) -> None:
    region = (end.join(lines) + end[:-1]).encode()
    found = cut(region, ",", 2)
    raws = region.split(b"\n")
    assert [raw.rstrip(b"\r") for raw in found.lines] == [raw.rstrip(b"\r") for raw in raws]
    assert found.starts.tolist() == [sum(len(raw) + 1 for raw in raws[:at]) for at in range(len(raws))]
    for row, at in enumerate(found.plain.tolist()):
        assert [column[row].as_py() for column in found.cells] == found.lines[at].decode().split(",")


@given(st.lists(st.binary(max_size=30).map(lambda raw: raw.replace(b"\n", b"")), min_size=1), st.integers(1, 40))
def test_regions_are_the_lines(lines: list[bytes], limit: int) -> None:
    content = b"\n".join(lines)
    flat = [raw for _, _, region in regions(io.BytesIO(content), limit) for raw in _split(region)]
    assert flat == [raw for _, _, raw in physical_lines(io.BytesIO(content), limit)]


def _split(region: bytes) -> list[bytes]:
    return [region] if isinstance(region, LongLine) else region.split(b"\n")
