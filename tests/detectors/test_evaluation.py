"""Matching with the truth, and its figures."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.errors import UserError
from detectors.evaluation import Found, Labelled, evaluate, read_truth
from detectors.report import page, write_page

START = datetime(2026, 11, 20, 10, tzinfo=UTC)
LINE = '{"id":"a","type":"x","service":"voip","entities":["sbc:a"],"start":"2026-11-20T10:00:00Z","end":"2026-11-20T11:00:00Z"}'


def _label(
    name: str, entity: str = "trunk_group:TG2", hours: float = 0, length: float = 2, scored: bool = True
) -> Labelled:
    start = START + timedelta(hours=hours)
    return Labelled(name, "outage", "voip", (entity,), start, start + timedelta(hours=length), scored=scored)


def _found(name: str, *entities: str, hours: float = 0, length: float = 2, delay: float = 0.25) -> Found:
    start = START + timedelta(hours=hours)
    return Found(
        name, ("voip",), entities, start, start + timedelta(hours=length), START + timedelta(hours=hours + delay)
    )


def test_evaluate_counts_hits_misses_and_false_alarms() -> None:
    truth = [_label("a"), _label("b", "trunk_group:TG3"), _label("c", "sbc:lon", hours=30)]
    ours = [_found("1", "trunk_group:TG2", "service:voip"), _found("2", "sbc:lon", hours=30), _found("3", "sbc:fra")]
    result = evaluate(truth, ours, since=START, until=START + timedelta(days=7))
    assert (result.precision, result.recall) == (pytest.approx(2 / 3), pytest.approx(2 / 3))
    assert result.f1 == pytest.approx(2 / 3)
    assert result.false_alarms == ("3",)
    assert result.false_alarms_per_service_week == pytest.approx(1.0)
    assert result.median_delay_s == 900
    assert [one.found for one in result.matches] == ["1", "", "2"]


@pytest.mark.parametrize(("hours", "matched"), [(2.16, True), (2.17, False), (-2.16, True), (-2.17, False)])
def test_evaluate_allows_two_buckets_on_each_side(hours: float, matched: bool) -> None:
    result = evaluate([_label("a")], [_found("1", "trunk_group:TG2", hours=hours)])
    assert bool(result.matches[0].found) is matched


def test_evaluate_matches_each_once_best_first() -> None:
    ours = [_found("short", "trunk_group:TG2", length=0.5), _found("long", "trunk_group:TG2")]
    result = evaluate([_label("a")], ours)
    assert result.matches[0].found == "long"
    assert result.false_alarms == ("short",)


def test_evaluate_leaves_an_incident_to_the_label_that_has_no_other() -> None:
    truth = [_label("days", "trunk_group:TG1", hours=-30), _label("hour", "trunk_group_in:carrier")]
    truth[0] = replace(truth[0], end=START + timedelta(hours=60))
    ours = [
        _found("both", "trunk_group_in:carrier", "trunk_group:TG1", length=3),
        _found("part", "trunk_group:TG1", hours=20, length=1),
    ]
    result = evaluate(truth, ours)
    assert [one.found for one in result.matches] == ["part", "both"]
    assert result.false_alarms == ()


@given(
    st.lists(st.sampled_from(["a", "b", "c", "ab", "bc", "ac"]), max_size=4),
    st.lists(st.sampled_from("abc"), max_size=4),
)
def test_evaluate_finds_as_many_as_can_be_when_each_matches_once(ours: list[str], truth: list[str]) -> None:
    labels = [_label(f"label {place}", f"sbc:{name}") for place, name in enumerate(truth)]
    incidents = [_found(str(place), *(f"sbc:{name}" for name in names)) for place, names in enumerate(ours)]
    found = sum(bool(one.found) for one in evaluate(labels, incidents).matches)
    orders = itertools.permutations([*range(len(ours)), *([-1] * len(truth))], len(truth))
    assert found == max(
        sum(one >= 0 and name in ours[one] for one, name in zip(order, truth, strict=True)) for order in set(orders)
    )


def test_evaluate_shows_what_no_oracle_could_see_and_scores_it_not() -> None:
    result = evaluate([_label("a", scored=False)], [])
    assert (result.recall, result.precision, result.f1) == (1.0, 1.0, 1.0)
    assert result.matches[0].found == ""
    found = evaluate([_label("a", scored=False)], [_found("1", "trunk_group:TG2")])
    assert found.false_alarms == ()


def test_evaluate_is_perfect_when_nothing_happened_and_nothing_was_said() -> None:
    result = evaluate([], [])
    assert (result.precision, result.recall, result.median_delay_s, result.false_alarms_per_service_week) == (
        1,
        1,
        None,
        0,
    )
    assert json.dumps(result.as_dict())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"id": 1}', "no type, service, entities, start, end"),
        ("not json", "not a labelled incident"),
        (
            '{"id":"a","type":"x","service":"voip","entities":[],"start":"never","end":"2026-11-20"}',
            "not a labelled incident",
        ),
        (
            '{"id":"a","type":"x","service":"voip","entities":["sbc:a"],"start":"2026-11-20T10:00:00Z","end":"2026-11-20T09:00:00Z"}',
            "ends before it starts",
        ),
        ("[1]", "not a labelled incident"),
        (LINE.replace('["sbc:a"]', '"sbc:a"'), "entities is no list of TYPE:ID"),
        (LINE.replace('["sbc:a"]', "[]"), "entities is no list of TYPE:ID"),
        (LINE.replace('"sbc:a"', '"moon"'), "'moon' is not TYPE:ID"),
        (LINE.replace("2026-11-20T11", "9999-12-31T23"), "lies outside of 1970 to 2200"),
        (LINE.replace("2026-11-20T10", "0001-01-01T00"), "lies outside of 1970 to 2200"),
        (LINE[:-1] + ',"strength":NaN}', "NaN is no number"),
        (LINE[:-1] + ',"delay_limit_s":1e999}', "inf is no number"),
        (LINE[:-1] + ',"scored":"false"}', "neither true nor false"),
        ("[" * 100_000, "not a labelled incident"),
        (f"{LINE}\n{LINE}", "incident a is there twice"),
        ("\x00\x01", "not a labelled incident"),
    ],
)
def test_truth_is_refused_by_line_when_it_is_wrong(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "truth.ndjson"
    path.write_text("\n" + text, encoding="utf-8")
    with pytest.raises(UserError, match=words) as error:
        read_truth(path)
    assert str(error.value).startswith(f"{path}:{3 if 'twice' in words else 2}")


def test_truth_is_refused_when_it_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be read"):
        read_truth(tmp_path / "none.ndjson")


def test_truth_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "truth.ndjson"
    path.write_bytes(LINE.encode("utf-16"))
    with pytest.raises(UserError, match="cannot be read"):
        read_truth(path)


def test_the_page_shows_what_people_said(tmp_path: Path) -> None:
    said = {
        "true": 3,
        "false": 1,
        "expected": 2,
        "unsaid": 9,
        "withdrawn": 4,
        "suppressed_last_run": 5,
        "precision": 0.75,
    }
    text = page({**evaluate([], []).as_dict(), "feedback": said}, "x")
    assert "<th>precision as people say it<td class=n>0.750" in text
    assert "<th>called false<td class=n>1" in text
    assert "What people said" not in page(evaluate([], []).as_dict(), "x")


def test_by_type_counts_what_is_scored_found_and_in_time() -> None:
    limit = 1200.0
    truth = [
        _limited(_label("a"), limit),
        _limited(_label("b", "trunk_group:TG3", hours=30), limit),
        _limited(_label("c", "sbc:lon", hours=60), limit),
        _limited(_label("d", "sbc:fra", hours=90, scored=False), limit),
    ]
    ours = [_found("1", "trunk_group:TG2"), _found("2", "trunk_group:TG3", hours=30, delay=1.0)]
    result = evaluate(truth, ours)
    (row,) = result.by_type()
    assert (row.type, row.labelled, row.scored, row.found, row.within_limit) == ("outage", 4, 3, 2, 1)
    assert (row.limit_s, row.delays_s) == (limit, (900.0, 3600.0))
    assert [one.late for one in result.matches] == [False, True, False, False]
    assert result.as_dict()["by_type"][0]["found"] == 2


def test_the_page_shows_every_type_and_incident_and_is_safe_html(tmp_path: Path) -> None:
    truth = [_limited(_label("<b>a</b>"), 60.0), _label("gone", "sbc:lon", hours=30)]
    figures = evaluate(truth, [_found("1", "trunk_group:TG2")]).as_dict()
    text = page(figures, "Detection & more")
    assert "&lt;b&gt;a&lt;/b&gt;" in text
    assert "<b>a" not in text
    assert "Detection &amp; more" in text
    assert text.count("<circle") == 1
    assert "not found" in text
    write_page(tmp_path / "page.html", text)
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]
    assert (tmp_path / "page.html").read_text(encoding="utf-8") == text


def _limited(label: Labelled, limit: float) -> Labelled:
    return replace(label, limit_s=limit)
