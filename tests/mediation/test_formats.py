"""Kinds of format: what a record's cells are, whatever the file looks like."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts import ids
from contracts.outcomes import Reason, Reject
from mediation.collect import LongLine
from mediation.compile import Record, compile_layout
from mediation.formats import cells_reader, records
from mediation.formats.object_cut import object_records
from mediation.formats.write import header_lines, record_of
from mediation.golden import KEY
from mediation.layout import Column, Format, Layout
from mediation.load import load_layouts

LAYOUTS = load_layouts()
CUCM = LAYOUTS["cucm-cmr"]


def _layout(form: Format, *columns: Column) -> Layout:
    return replace(LAYOUTS["voip-ndjson"], format=form, columns=columns)


def _json(*paths: str) -> Layout:
    return _layout(Format("json"), *(Column(path, path) for path in paths))


def _cells(layout: Layout, line: str, header: Sequence[str] | None = None) -> list[str]:
    cells = cells_reader(layout, header)(line)
    assert not isinstance(cells, Reject), cells
    return cells


def _reason(layout: Layout, line: str) -> tuple[Reason, str]:
    reject = cells_reader(layout)(line)
    assert isinstance(reject, Reject), reject
    return reject.reason, reject.column


# csv


def test_csv_cells_are_those_of_the_files_own_header() -> None:
    layout = _layout(
        Format("csv", others="ignore"), Column("a", "a"), Column("b", "b", optional=True), Column("c", "c")
    )
    assert _cells(layout, "1,2,3,4", ["x", "c", "y", "a"]) == ["4", "", "2"]
    assert _cells(layout, "1,2,3", ["c", "b", "a"]) == ["3", "2", "1"]


def test_csv_cells_at_the_end_may_be_missing_where_the_layout_counts_them() -> None:
    layout = _layout(Format("csv", header="none", counts=(1, 3)), *(Column(name, name) for name in "abc"))
    assert _cells(layout, "1") == ["1", "", ""]
    assert _cells(layout, '"1","2,""",3') == ["1", '2,"', "3"]
    reject = cells_reader(layout)("1,2")
    assert reject == Reject(Reason.COLUMN_COUNT, "", "2 columns, not 1 or 3")


def test_parts_are_taken_out_of_their_cell_and_texts_for_nothing_are_empty() -> None:
    columns = [Column("q", f"q.{part}", part=part, absent=("0.0",)) for part in ("MLQK", "ICR", "CS")]
    layout = _layout(Format("csv"), *columns)
    assert _cells(layout, "MLQK=4.5;CS=0.0; ICR=1;ICR=2") == ["4.5", "1", ""]
    assert _cells(layout, "no pairs") == ["", "", ""]


def test_lines_of_types_are_no_records_wherever_they_stand() -> None:
    names, types = header_lines(CUCM)
    content = "\n".join([names, types, "1,2", "", types + "\r", '"INTEGER","VARCHAR(50)"', "INTEGER,5"]).encode()
    found = [raw for _, _, raw in records(CUCM, io.BytesIO(content), 10**6)]
    assert found == [names.encode(), b"1,2", b"", b"INTEGER,5"]


# JSON


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ('"a b"', "a b"),
        ('""', ""),
        ("null", ""),
        ("true", "true"),
        ("false", "false"),
        ("0", "0"),
        ("-0", "0"),
        ("-0.0", "0.0"),
        ("17", "17"),
        ("17.0", "17.0"),
        ("1.10", "1.1"),
        ("1e3", "1000.0"),
        ("4125E-1", "412.5"),
        ("0.0001", "0.0001"),
        ("999999999999999", "999999999999999"),
        ("999999999999999.0", "999999999999999.0"),
        ("999999999999999999", "999999999999999999"),
        ('"\\u00e9\\ud83d\\ude00"', "é😀"),
        ('"a\\tb"', "a\tb"),
    ],
)
def test_json_value_is_the_text_that_both_runners_write(value: str, text: str) -> None:
    assert _cells(_json("v"), f'{{"v": {value}}}') == [text]


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("1000000000000000000", Reason.BAD_NUMBER),
        ("-1000000000000000000", Reason.BAD_NUMBER),
        ("9" * 30, Reason.BAD_NUMBER),
        ("1e15", Reason.BAD_NUMBER),
        ("0.00009999", Reason.BAD_NUMBER),
        ("-1e-300", Reason.BAD_NUMBER),
        ("[]", Reason.BAD_VALUE),
        ('{"a": 1}', Reason.BAD_VALUE),
        ('"a\\u0000"', Reason.BAD_ENCODING),
        ('"a\\n"', Reason.BAD_ENCODING),
        ('"a\\r"', Reason.BAD_ENCODING),
        ('"\\ufffd"', Reason.BAD_ENCODING),
    ],
)
def test_json_value_is_refused_when_the_runners_would_differ(value: str, reason: Reason) -> None:
    assert _reason(_json("a", "v"), f'{{"v": {value}}}') == (reason, "v")
    assert _cells(_json("a"), f'{{"v": {value}, "a": 1}}') == ["1"]  # what no column names is not looked at


@pytest.mark.parametrize(
    "line",
    [
        *(
            "",
            "{",
            '{"a":1}x',
            '{"a":1} {"a":1}',
            "[]",
            "[1]",
            "1",
            '"a"',
            "null",
            "nul",
            "{'a':1}",
            '{"a":1,}',
            '{"a":01}',
        ),
        *('{"a":NaN}', '{"a":Infinity}', '{"a":1e999}', '{"a":"\\ud800"}', '{"a":"\t"}', '{"a":.5}', "\ufeff{}"),
        '{"a":' * 2000 + "1" + "}" * 2000,
    ],
)
def test_json_record_is_refused_when_it_is_no_object(line: str) -> None:
    assert _reason(_json("a"), line) == (Reason.BAD_RECORD, "")


def test_json_paths_go_through_objects_and_lists() -> None:
    layout = _json("a.b", "a.0", "l.1.x", "l.2.x", "l.x", "s.x", "l.01.x")
    record = {"a": {"b": 1, "0": "zero"}, "l": [{"x": 2}, {"x": 3}], "s": "text"}
    assert _cells(layout, json.dumps(record)) == ["1", "zero", "3", "", "", "", "3"]


def test_json_key_that_occurs_twice_has_its_last_value() -> None:
    assert _cells(_json("a"), '{"a": 1, "a": 2}') == ["2"]


# pairs


def test_pairs_are_found_behind_the_text_that_announces_them() -> None:
    layout = _layout(
        Format("pairs", ";", after="ACC: "), Column("timestamp", "timestamp"), Column("call_id", "call_id")
    )
    assert _cells(layout, "Mar 1 x=y: ACC: call missed: timestamp=17;call_id=a=b;timestamp=18") == ["17", "a=b"]
    assert _reason(layout, "timestamp=17") == (Reason.BAD_RECORD, "")
    assert _reason(layout, "ACC: nothing") == (Reason.BAD_RECORD, "")


# Every layout


texts = st.text(
    st.characters(exclude_categories=("Cs", "Cc"), exclude_characters=";=,\ufffd\ufeff\u2028\u2029"), max_size=6
)


@settings(max_examples=200)
@given(st.sampled_from([name for name, layout in LAYOUTS.items() if not layout.binary]), st.data())
def test_cells_that_were_written_are_read_back(name: str, data: st.DataObject) -> None:
    layout = LAYOUTS[name]
    cells = [data.draw(st.one_of(st.just(""), texts)) for _ in layout.columns]
    if layout.strip:
        cells = [cell.strip(" \t\v\f") for cell in cells]
    cells = ["" if cell in column.absent else cell for cell, column in zip(cells, layout.columns, strict=True)]
    if layout.format.kind == "pairs" and not any(cells):
        return
    assert _cells(layout, record_of(layout, cells)) == cells


JSON = {name: compile_layout(layout, KEY) for name, layout in LAYOUTS.items() if layout.format.kind == "json"}


@given(
    st.sampled_from(sorted(JSON)),
    st.recursive(
        st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5)),
        lambda inner: st.one_of(
            st.lists(inner, max_size=3),
            st.dictionaries(
                st.sampled_from(["voip", "variables", "callflow", "0", "uuid", "call_id", "event", "end"]), inner
            ),
        ),
    ),
)
def test_json_mediation_never_raises_whatever_the_value(name: str, value: Any) -> None:
    outcome = JSON[name].mediate(json.dumps(value))
    assert isinstance(outcome, Record | Reject)


# JSON over several lines

WHOLE = replace(LAYOUTS["voip-ndjson"], format=Format("json", whole_file=True))


class _Dripping(io.RawIOBase):
    """Gives out its content in pieces of odd sizes."""

    def __init__(self, content: bytes, sizes: Sequence[int]) -> None:
        self.content, self.sizes, self.turn = content, sizes, 0

    def read(self, size: int = -1) -> bytes:
        self.turn += 1
        size = self.sizes[self.turn % len(self.sizes)]
        piece, self.content = self.content[:size], self.content[size:]
        return piece


documents = st.dictionaries(
    st.text(max_size=3),
    st.one_of(
        st.text(alphabet='{}[]",\\ \n\r\tx', max_size=6),
        st.integers(),
        st.lists(st.text(alphabet='}]"\\', max_size=3), max_size=2),
        st.dictionaries(st.just("a"), st.just({"b": "}"})),
    ),
    max_size=3,
)


@given(
    st.lists(documents, max_size=4),
    st.sampled_from(["array", "lines", "together"]),
    st.sampled_from([None, 2]),
    st.lists(st.integers(1, 50), min_size=1, max_size=3),
)
def test_objects_over_several_lines_are_records_with_their_places(
    objects: list[dict[str, Any]], how: str, indent: int | None, sizes: list[int]
) -> None:
    if how == "array":
        content = json.dumps(objects, indent=indent).replace("\n", "\r\n").encode()
    else:
        content = ("\r\n" if how == "lines" else "").join(json.dumps(each, indent=indent) for each in objects).encode()
    found = list(object_records(_Dripping(content, sizes), 10**6))  # type: ignore[arg-type]
    assert [orjson.loads(raw) for _, _, raw in found] == [orjson.loads(json.dumps(each)) for each in objects]
    assert [number for _, number, _ in found] == list(range(1, len(objects) + 1))
    for offset, _, raw in found:
        assert content[offset : offset + len(raw)].replace(b"\r", b"\n") == raw


def test_what_stands_between_objects_is_a_record_of_its_own() -> None:
    content = b'\xef\xbb\xbf{"a": 1}\nno json {"a":\n2} tail\n, {"a": 3'
    found = [(offset, raw) for offset, _, raw in records(WHOLE, io.BytesIO(content), 10**6)]
    assert found == [(3, b'{"a": 1}'), (12, b"no json "), (20, b'{"a":\n2}'), (29, b"tail"), (36, b'{"a": 3')]


def test_object_that_is_too_long_is_a_long_line_and_the_next_one_is_found() -> None:
    long = b'{"a": "' + b"x" * 400_000 + b'"}'
    found = list(records(WHOLE, io.BytesIO(long + b"\n" + b'{"b": 1}'), 300_000, b"p"))
    assert isinstance(found[0][2], LongLine)
    assert (found[0][2].length, found[0][2].digest) == (len(long), ids.digest("p" + long.decode()))
    assert found[1] == (len(long) + 1, 2, b'{"b": 1}')


@given(st.binary(max_size=200), st.lists(st.integers(1, 9), min_size=1, max_size=2))
def test_object_records_never_raise_and_lose_nothing_but_white_space(content: bytes, sizes: list[int]) -> None:
    found = list(object_records(_Dripping(content, sizes), 10**6))  # type: ignore[arg-type]
    end = 0
    for offset, _, raw in found:
        assert not content[end:offset].strip(b" \t\n\r\v\f,[]\xef\xbb\xbf")
        assert content[offset : offset + len(raw)].replace(b"\r", b"\n") == raw
        end = offset + len(raw)
    assert not content[end:].strip(b" \t\n\r\v\f,[]\xef\xbb\xbf")
