"""Templates, conditions and lengths of time: Watcher's language as far as we speak it."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerting.condition import decide
from alerting.context import context
from alerting.durations import duration, spoken
from alerting.inputs import indices_of, nested
from alerting.severity import WORDS, severity_number, severity_word
from alerting.template import TemplateError, paths, render, render_all

AT = datetime(2026, 11, 10, 8, 5, tzinfo=UTC)
PAYLOAD = {
    "count": 3,
    "ratio": 0.712345678,
    "values": [{"id": "A", "n": 1}, {"id": "B", "n": 5}],
    "tags": ["x", "y"],
    "none": None,
    "off": False,
    "text": 'a "quoted" {{ctx.watch_id}}',
}
CTX = context("w", {"colour": "red"}, AT, PAYLOAD)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{ctx.watch_id}} at {{ctx.trigger.scheduled_time}}", "w at 2026-11-10T08:05:00.000Z"),
        ("{{{ctx.metadata.colour}}}", "red"),
        ("{{& ctx.metadata.colour}}", "red"),
        ("{{ctx.payload.values.1.id}}{{ctx.payload.values.9.id}}", "B"),
        ("{{ctx.payload.ratio}} {{ctx.payload.count}} {{ctx.payload.off}}", "0.712346 3 false"),
        (
            "{{#ctx.payload.values}}[{{id}}={{n}} of {{ctx.payload.count}}]{{/ctx.payload.values}}",
            "[A=1 of 3][B=5 of 3]",
        ),
        ("{{#ctx.payload.tags}}{{.}};{{/ctx.payload.tags}}", "x;y;"),
        ("{{^ctx.payload.none}}nothing{{/ctx.payload.none}}{{#ctx.payload.off}}x{{/ctx.payload.off}}", "nothing"),
        ("{{#join}}ctx.payload.tags{{/join}}", "x, y"),
        ("{{#toJson}}ctx.payload.values{{/toJson}}", '[{"id":"A","n":1},{"id":"B","n":5}]'),
        ("{{#toJson}}ctx.payload.text{{/toJson}}", '"a \\"quoted\\" {{ctx.watch_id}}"'),
        ("{{! a comment }}{{ctx.nothing.here}}.", "."),
        ("{{ctx.payload.text}}", 'a "quoted" {{ctx.watch_id}}'),  # values are never templates
        ("{{ctx.payload.__class__}}{{ctx.payload.count.real}}", ""),
    ],
)
def test_template_renders_when(text: str, expected: str) -> None:
    assert render(text, CTX) == expected


@pytest.mark.parametrize(
    "text", ["{{#a}}x", "{{/a}}", "{{#a}}{{/b}}", "{{}}", "{{ctx.a", "{{#toJson}}{{a}}{{/toJson}}"]
)
def test_template_is_refused_when(text: str) -> None:
    with pytest.raises(TemplateError):
        paths(text)
    with pytest.raises(TemplateError):
        render(text, CTX)


def test_template_is_refused_when_sections_are_nested_without_end() -> None:
    with pytest.raises(TemplateError, match="deeper"):
        paths("{{#a}}" * 1000)


def test_template_whose_sections_multiply_is_given_up_soon() -> None:
    rows = {"ctx": {"payload": {"values": [{"a": 1}] * 1000}}}
    began = time.process_time()
    for inner in ("x", ""):
        with pytest.raises(TemplateError, match="more than"):
            render("{{#ctx.payload.values}}" * 6 + inner + "{{/ctx.payload.values}}" * 6, rows)
    assert time.process_time() - began < 2
    assert render("{{#ctx.payload.values}}{{a}},{{/ctx.payload.values}}", rows) == "1," * 1000


@given(st.text())
def test_template_of_any_text_renders_or_is_refused(text: str) -> None:
    try:
        rendered = render(text, CTX)
    except TemplateError:
        return
    if "{{" not in text:
        assert rendered == text


@given(st.text())
def test_template_value_stays_in_its_place_when_rendered_into_a_query(value: str) -> None:
    body = render_all({"term": {"name": "{{ctx.payload.x}}"}, "n": 1}, context("w", {}, AT, {"x": value}))
    assert body == {"term": {"name": value}, "n": 1}


def test_template_tells_the_paths_it_reads() -> None:
    text = "{{a.b}} {{#c}}{{d}}{{ctx.e}}{{/c}} {{#toJson}}f{{/toJson}}"
    assert paths(text) == ["a.b", "c", "ctx.e", "f"]


@pytest.mark.parametrize(
    ("condition", "met"),
    [
        ({"always": {}}, True),
        ({}, True),
        ({"never": {}}, False),
        ({"compare": {"ctx.payload.count": {"gte": 3}}}, True),
        ({"compare": {"ctx.payload.count": {"gt": 3}}}, False),
        ({"compare": {"ctx.payload.count": {"lt": 4}, "ctx.watch_id": {"eq": "x"}}}, False),
        ({"compare": {"ctx.payload.count": {"eq": 3.0}}}, True),
        ({"compare": {"ctx.payload.none": {"eq": None}}}, True),
        ({"compare": {"ctx.payload.nowhere": {"eq": None}}}, True),
        ({"compare": {"ctx.payload.nowhere": {"not_eq": None}}}, False),
        ({"compare": {"ctx.payload.nowhere": {"gt": 1}}}, False),
        ({"compare": {"ctx.payload.text": {"gt": 1}}}, False),
        ({"compare": {"ctx.payload.tags": {"eq": ["x", "y"]}}}, True),
        ({"compare": {"ctx.payload.values.1.n": {"gt": "{{ctx.payload.count}}"}}}, True),
        ({"compare": {"ctx.execution_time": {"gte": "<{now-5m}>"}}}, True),
        ({"compare": {"ctx.execution_time": {"gte": "<{now+1m}>"}}}, False),
        ({"compare": {"ctx.watch_id": {"lte": "x"}}}, True),
        ({"array_compare": {"ctx.payload.values": {"path": "n", "gte": {"value": 5}}}}, True),
        ({"array_compare": {"ctx.payload.values": {"path": "n", "gte": {"value": 5, "quantifier": "all"}}}}, False),
        ({"array_compare": {"ctx.payload.tags": {"eq": {"value": "y"}}}}, True),
        ({"array_compare": {"ctx.payload.nowhere": {"path": "n", "gt": {"value": 0}}}}, False),
        ({"array_compare": {"ctx.payload.nowhere": {"path": "n", "gt": {"value": 0, "quantifier": "all"}}}}, True),
    ],
)
def test_condition_is_decided_as_watcher_does_when(condition: dict[str, Any], met: bool) -> None:
    decision = decide(condition, CTX)
    assert decision.met is met
    assert decision.reason


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("30s", 30), ("5m", 300), ("10 minutes", 600), ("2h", 7200), ("1 day", 86400), ("1w", 604800), (90, 90)],
)
def test_duration_is_read_when(text: str | int, seconds: int) -> None:
    assert duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "5", "m", "5 parsecs", "0s", "-5m", "1.5h", True, "99999999999d"])
def test_duration_is_refused_when(text: Any) -> None:
    with pytest.raises(ValueError, match="length of time"):
        duration(text)


@given(st.integers(1, 10**7))
def test_duration_is_spoken_as_it_is_read(seconds: int) -> None:
    assert duration(spoken(timedelta(seconds=seconds))) == timedelta(seconds=seconds)


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_severity_is_a_word_and_a_number(number: int) -> None:
    assert severity_number(severity_word(str(number))) == number
    assert severity_word(WORDS[number - 1].upper()) == WORDS[number - 1]


def test_severity_is_refused_with_the_nearest_word() -> None:
    with pytest.raises(ValueError, match="did you mean critical"):
        severity_word("critcal")


def test_columns_are_opened_up_when_their_names_have_dots() -> None:
    row = {"a.b": 1, "a.c.d": [2], "e": None, "f": 0}
    assert nested(row) == {"a": {"b": 1, "c": {"d": [2]}}, "f": 0}
    assert nested({"a": 1, "a.b": 2}) == {"a": 1, "a.b": 2}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("FROM incident | LIMIT 1", ["incident"]),
        ("  from incident, anomaly\n| WHERE x", ["incident", "anomaly"]),
        ("FROM incident METADATA _id\n| LIMIT 1", ["incident"]),
        ("FROM incident", ["incident"]),
        ("ROW a = 1", []),
    ],
)
def test_indices_of_a_query_are_found_when(query: str, expected: list[str]) -> None:
    assert indices_of({"esql": {"query": query}}) == expected
