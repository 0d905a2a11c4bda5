"""The quick way of a line and the definition: the same row, or the quick way leaves the line alone."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.usage.usage_samples import NOW, call, message, session
from usage.records import local
from usage.records.check import Refusal, Terms, check
from usage.records.kinds import KINDS
from usage.records.quick import quick

TERMS = Terms(NOW, ZoneInfo("Europe/Berlin"), "csv", {"C1": "PLAN1", "É": "a\\b"}.get, lambda _: "")
AT = "2026-11-20T10:00:00.123+00:00"
USUAL = {"call": call("C1", AT), "sms": message("C1", AT, parts="1"), "data": session("C1", AT)}
ODD = st.sampled_from(
    [
        *(
            "",
            " ",
            "C1",
            "É",
            "-1",
            "0",
            "60",
            "007",
            "٣",
            "256",
            "1e3",
            "1:00",
            "9" * 7,
            "9" * 16,
            "²",
            "made",
            "received",
        ),
        *(
            "answered",
            "unanswered",
            "delivered",
            "national",
            "roaming",
            "+441",
            "Bank",
            "a\\b",
            "\\N",
            "a\tb",
            "x" * 101,
            "'; --",
        ),
        *("2026-11-20T10:00:00Z", "2026-11-20T10:00:00", "2026-11-20T10:00:00+05:45", "2026-11-21T12:05:00.001Z"),
        *(
            "2126-01-01T00:00:00Z",
            "1989-12-31T23:59:59Z",
            "2026-11-20T10:00:00.123456Z",
            "2026-11-20",
            "now",
            "\ud800",
            "é",
        ),
    ]
)


@pytest.mark.parametrize("kind", KINDS)
def test_usual_line_goes_the_quick_way(kind: str) -> None:
    given_ = USUAL[kind]
    way = quick(kind, list(given_), TERMS)
    assert way is not None
    row = way(list(given_.values()))
    assert row == check(kind, given_, TERMS)
    assert row is not None
    assert local.record_lines(kind)(row) == local.line(row)


@settings(max_examples=300)
@given(st.sampled_from(sorted(KINDS)), st.dictionaries(st.integers(0, 7), ODD | st.text(max_size=5), max_size=3), ODD)
@example("call", {}, "a\\N")
def test_quick_way_gives_the_row_of_the_definition_or_none(kind: str, odd: dict[int, str], ref: str) -> None:
    values = USUAL[kind] | {"ref": ref, "zone": "national"}
    names = list(values)
    for place, text in odd.items():
        values[names[place % len(names)]] = text
    way = quick(kind, names, TERMS)
    assert way is not None
    row = way(list(values.values()))
    if row is not None:
        expected = check(kind, values, TERMS)
        assert not isinstance(expected, Refusal), expected
        assert row == expected
        assert [type(value) for value in row] == [type(value) for value in expected]
        assert local.record_lines(kind)(row) == local.line(row)


@pytest.mark.parametrize(
    "header", [["started", "msisdn"], ["customer", "started", "ended"], ["customer", "started", "plan"]]
)
def test_quick_way_leaves_files_with_other_columns_alone(header: list[str]) -> None:
    assert quick("call", header, TERMS) is None
