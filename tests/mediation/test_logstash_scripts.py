"""The scripts of the pipelines' heads in a real Ruby, held against `mediation.formats` and `mediation.lines`."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import pytest

from contracts.clock import iso
from contracts.ids import ID_LENGTH
from contracts.outcomes import Reject
from mediation.compile import compile_layout
from mediation.formats import cells_reader
from mediation.layout import Column, Layout
from mediation.lines import judge
from mediation.load import load_layouts
from mediation.logstash.heads import write_head
from mediation.logstash.language import Config
from mediation.logstash.writer import FilterWriter
from mediation.settle import reject_prefix
from mediation.values import quoted_splitter
from tests.enrich.rendered import run_script
from tests.stack.pipeline_language import parse, plugins

GOLDEN = Path(__file__).parent / "golden"
LAYOUTS = {name: layout for name, layout in load_layouts().items() if "logstash" in layout.runners}
ODD = [
    "",
    " ",
    "=",
    ";",
    '"',
    "\\",
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "0",
    "1e3",
    "null",
    "\\u0000",
    "\\ud800",
    "é",
    "\ufeff",
    "-0.0",
    "\t",
]
Outcome = tuple[str, str] | dict[str, str]


def head(layout: Layout) -> dict[str, tuple[str, dict[str, Any]]]:
    """Script and parameters of the ruby filters in a layout's head, by id without the layout's name."""
    out = Config()
    with out.block("filter"):
        write_head(FilterWriter(out, layout), 4096)
    return {
        plugin.settings["id"].removeprefix(f"{layout.name}."): (
            Path(plugin.settings["path"]).stem,
            plugin.settings["script_params"],
        )
        for plugin in plugins(parse(out.text())["filter"])
        if plugin.name == "ruby"
    }


def golden_lines(name: str) -> list[str]:
    """Lines of the golden input that are text, of which the runners judge the form."""
    (path,) = (GOLDEN / name).glob("input.*")
    texts = [raw.decode("utf-8", "replace").rstrip("\r") for raw in path.read_bytes().split(b"\n")]
    return [text for text in texts if text and len(text) < 4000 and not set(text) & set("\0\r\ufffd")]


def mutated(lines: list[str], count: int, seed: int) -> list[str]:
    """Each line with pieces put in, taken out and doubled."""
    random, made = Random(seed), []
    for line in lines:
        for _ in range(count):
            at, end = sorted(random.randrange(len(line) + 1) for _ in range(2))
            middle = random.choice([line[at:end] * 2, random.choice(ODD), random.choice(ODD) + line[at:end]])
            made.append(line[:at] + middle + line[end:])
    return [line for line in made if line]


@cache
def reader(name: str) -> Callable[[str], list[str] | Reject]:
    return cells_reader(LAYOUTS[name])


def by_python(layout: Layout, line: str) -> Outcome:
    read = reader(layout.name) if LAYOUTS.get(layout.name) is layout else cells_reader(layout)
    cells = read(line)
    if isinstance(cells, Reject):
        return (cells.reason.value, cells.column)
    return {column.raw: cell for column, cell in zip(layout.columns, cells, strict=True) if cell}


def by_ruby(event: dict[str, Any], layout: Layout) -> Outcome:
    reject = event.get("reject")
    if reject:
        return (reject["reason"], reject.get("column", ""))
    return {column.raw: event["raw"][column.raw] for column in layout.columns if column.raw in event["raw"]}


@pytest.mark.parametrize("name", [name for name, layout in LAYOUTS.items() if layout.format.kind == "pairs"])
def test_pairs_are_the_same_cells_in_ruby_and_python(name: str) -> None:
    layout = LAYOUTS[name]
    script, params = head(layout)["cells"]
    lines = [*golden_lines(name), *mutated(golden_lines(name), 30, 1)]
    events = run_script(script, params, [{"message": line} for line in lines])
    for line, event in zip(lines, events, strict=True):
        assert by_ruby(event, layout) == by_python(layout, line), line


@pytest.mark.parametrize("name", [name for name, layout in LAYOUTS.items() if layout.format.kind == "json"])
def test_objects_are_the_same_cells_in_ruby_and_python(name: str) -> None:
    """The json filter's part is played by Python's parser, for lines that both call JSON."""
    layout = LAYOUTS[name]
    lines = [*golden_lines(name), *mutated(golden_lines(name), 40, 2)]
    lines = [line for line in lines if not isinstance(by_python(layout, line), tuple)]
    assert len(lines) > 20
    events = [{"message": line, "@metadata": {"json": json.loads(line)}} for line in lines]
    for key in ("cells", "parts"):
        if key in head(layout):
            events = run_script(*head(layout)[key], events)
    for line, event in zip(lines, events, strict=True):
        assert by_ruby(event, layout) == by_python(layout, line), line


OBJECTS = [
    ('{"a": 1e3, "b": 1.10, "c": true}', {"a": "1000.0", "b": "1.1", "c": "true"}),
    ('{"a": -0.0, "b": 0, "c": null}', {"a": "0.0", "b": "0"}),
    ('{"a": 1000000000000000000}', ("bad_number", "a")),
    ('{"a": 1e15}', ("bad_number", "a")),
    ('{"a": 0.00001}', ("bad_number", "a")),
    ('{"a": "x\\u0000"}', ("bad_encoding", "a")),
    ('{"a": "x\\ny"}', ("bad_encoding", "a")),
    ('{"a": [1]}', ("bad_value", "a")),
    ('{"a": {"b": 1}}', ("bad_value", "a")),
    ('{"z": [[[{"y": "\\ud83d\\ude00"}]]], "a": "\\ud83d\\ude00"}', {"a": "\U0001f600"}),
    ('{"a": "} {", "b": "}\\"{"}', {"a": "} {", "b": '}"{'}),
]


@pytest.mark.parametrize(("line", "expected"), OBJECTS)
def test_odd_values_in_objects_end_alike(line: str, expected: Outcome) -> None:
    columns = tuple(Column(name=name, raw=name) for name in "abc")
    layout = dataclasses.replace(LAYOUTS["voip-ndjson"], columns=columns)
    script, params = head(layout)["cells"]
    (event,) = run_script(script, params, [{"message": line, "@metadata": {"json": json.loads(line)}}])
    assert by_python(layout, line) == expected == by_ruby(event, layout)


@pytest.mark.parametrize(
    "line",
    ['{"a":1} {"b":2}', '{"a":1}{"b":2}', '\ufeff{"a":1}', '{"a":"\\ud800"}', '{"b":"\\udc00\\ud800"}', "[1]", "5"],
)
def test_what_is_no_object_is_a_reject_even_when_the_json_filter_reads_it(line: str) -> None:
    layout = LAYOUTS["voip-ndjson"]
    script, params = head(layout)["cells"]
    read = {"[1]": [1], "5": 5}.get(line, {"a": 1})
    (event,) = run_script(script, params, [{"message": line, "@metadata": {"json": read}}])
    assert by_python(layout, line) == ("bad_record", "") == by_ruby(event, layout)


def test_an_object_a_thousand_levels_deep_does_not_break_the_script() -> None:
    script, params = head(LAYOUTS["voip-ndjson"])["cells"]
    line = '{"a":' * 95 + "1" + "}" * 95  # Ruby's own parser, which plays the host, reads a hundred
    (event,) = run_script(script, params, [{"message": line, "@metadata": {"json": json.loads(line)}}])
    assert event["reject"]["reason"] != "bad_record" if "reject" in event else event["raw"] == {}
    deep = '{"a":' * 1001 + "1" + "}" * 1001
    assert by_python(LAYOUTS["voip-ndjson"], deep) == ("bad_record", "")


CSV = [name for name, layout in LAYOUTS.items() if layout.format.kind == "csv"]


@pytest.mark.parametrize("name", CSV)
def test_quoting_is_judged_alike(name: str) -> None:
    layout = LAYOUTS[name]
    script, params = head(layout)["quoting"]
    lines = [*golden_lines(name), *mutated(golden_lines(name), 8, 3)]
    for line, event in zip(lines, run_script(script, params, [{"message": line} for line in lines]), strict=True):
        bad = '"' in line and quoted_splitter(layout.separator)(line) is None
        assert bad == (event.get("reject", {}).get("reason") == "bad_quoting"), line


@pytest.mark.parametrize("name", CSV)
def test_cells_are_counted_and_finished_alike(name: str) -> None:
    """The csv filter's part is played by the splitter, which the recordings of a real Logstash are held against."""
    layout = LAYOUTS[name]
    ruby = head(layout)
    names = csv_columns(layout)
    lines = [
        line
        for line in [*golden_lines(name), *mutated(golden_lines(name), 8, 4)]
        if quoted_splitter(layout.separator)(line)
    ]
    events = [{"raw": split(layout, names, line)} for line in lines]
    for key in ("count", "parts"):
        if key in ruby:
            good = [event for event in events if "reject" not in event]
            done = iter(run_script(*ruby[key], good))
            events = [event if "reject" in event else next(done) for event in events]
    for line, event in zip(lines, events, strict=True):
        assert by_ruby(event, layout) == by_python(layout, line), line


def csv_columns(layout: Layout) -> list[str]:
    out = Config()
    with out.block("filter"):
        write_head(FilterWriter(out, layout), 4096)
    (found,) = [plugin for plugin in plugins(parse(out.text())["filter"]) if plugin.name == "csv"]
    return list(found.settings["columns"])


def split(layout: Layout, names: list[str], line: str) -> dict[str, str]:
    cells = quoted_splitter(layout.separator)(line) or []
    cells = [cell.strip(" \t\v\f") if layout.strip else cell for cell in cells]
    return {(names[at] if at < len(names) else f"column{at + 1}"): cell for at, cell in enumerate(cells)}


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_line_is_judged_alike_before_its_form(name: str) -> None:
    layout = LAYOUTS[name]
    script, params = head(layout)["line"]
    outcome = judge(compile_layout(layout, b"a key of the test"), 4096)
    broken = ["a\0b", "a\rb", "a\ufffdb"]
    no_records = ["", "\r", "\ufeff"]
    if layout.headed:
        header = layout.separator.join(layout.header)
        no_records += [header, "\ufeff" + header, header + "\r"]
    lines = [*broken, "é" * 2049, *no_records]
    events = run_script(script, params, [{"message": line, "log": {"offset": 0}} for line in lines])
    assert [event["message"] for event in events] == lines[:4]
    assert [event["reject"]["reason"] for event in events] == ["bad_encoding"] * 3 + ["line_too_long"]
    for line in broken:
        made = outcome(line.encode())
        assert isinstance(made, Reject)
        assert made.reason == "bad_encoding"


def test_a_line_of_types_ends_at_the_head_and_one_with_values_does_not() -> None:
    script, params = head(LAYOUTS["cucm-cdr"])["line"]
    types = ",".join(["INTEGER", "VARCHAR(50)", "UNIQUEIDENTIFIER"])
    assert run_script(script, params, [{"message": types}, {"message": types.replace("INTEGER", "1")}]) == [
        {"message": types.replace("INTEGER", "1")}
    ]


def test_a_byte_order_mark_is_no_part_of_the_first_record_where_there_is_no_header() -> None:
    script, params = head(LAYOUTS["asterisk-cdr"])["line"]
    first = {"message": "\ufeffa", "log": {"offset": 0}}
    later = {"message": "\ufeffa", "log": {"offset": 9}}
    assert [event["message"] for event in run_script(script, params, [first, later])] == ["a", "\ufeffa"]


def test_a_record_too_far_ahead_of_the_clock_is_a_reject() -> None:
    now = datetime.now(UTC)
    events = [{"@timestamp": iso(now + timedelta(hours=hours))} for hours in (-100, 47, 49, 20_000)]
    made = run_script("ahead", {"hours": "48"}, events)
    assert [event.get("reject", {}).get("reason") for event in made] == [None, None, "future_time", "future_time"]


def test_a_dead_letter_becomes_the_reject_that_the_python_runner_would_write() -> None:
    account = (
        'Could not index event to Elasticsearch. status: 400, action: ["create", {:_id=>"d4"}, {"a"=>", response: x"}], '
        'response: {"create"=>{"_index"=>"cdr-epc-2026.11", "status"=>400, "error"=>{"type"=>"document_parsing_exception", '
        '"reason"=>"[1:7] failed to parse field [epc.qci] of type \\"integer\\"", "caused_by"=>{"type"=>"x", '
        '"reason"=>"too \\"big\\""}}}}'
    )
    letter = {
        "cdr": {"layout": "epc-busyhour"},
        "@metadata": {"line": "the,line", "dead_letter_queue": {"reason": account}},
    }
    (refused,) = run_script("refused", {}, [letter])
    (event,) = run_script("reject", {"services": {"epc-busyhour": "epc"}, "raw": "keep"}, [refused])
    reject = event["reject"]
    assert (reject["reason"], reject["raw"], reject["state"]) == ("store_refused", "the,line", "suspended")
    assert reject["detail"] == (
        'document_parsing_exception: [1:7] failed to parse field [epc.qci] of type "integer" (too "big")'
    )
    assert event["service"] == {"name": "epc"}
    assert event["@metadata"]["_id"] == reject_id("epc-busyhour", b"the,line")


def reject_id(layout: str, raw: bytes) -> str:
    return hashlib.sha256(reject_prefix(layout) + raw).hexdigest()[:ID_LENGTH]


def test_an_account_in_other_words_is_kept_cut_short() -> None:
    (event,) = run_script("refused", {}, [{"@metadata": {"dead_letter_queue": {"reason": "x" * 900}}}])
    assert event["reject"]["detail"] == "x" * 500
