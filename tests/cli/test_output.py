"""What people read: tables, values, times as they are typed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from cli.moments import moment, span
from cli.output import emit_table, shown
from contracts.errors import UserError


def test_table_shows_brackets_and_markup_literally(capsys: pytest.CaptureFixture[str]) -> None:
    emit_table(("ACD [s]", "who"), [[1.5, "[red]TG[0][/red]"]], title="[bold]x")
    text = capsys.readouterr().out
    assert "ACD [s]" in text
    assert "[red]TG[0][/red]" in text
    assert "[bold]x" in text


def test_table_says_what_is_missing_when_there_are_no_rows(capsys: pytest.CaptureFixture[str]) -> None:
    emit_table(("a",), [], empty="no tickets")
    assert capsys.readouterr().out == "no tickets\n"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        ("", "–"),
        (0, "0"),
        (1234567, "1,234,567"),
        (0.98765, "0.9877"),
        (12345.6, "12,346"),
        (True, "yes"),
        ([1, 2], "1, 2"),
    ],
)
def test_value_is_shown_as_a_person_reads_it(value: object, text: str) -> None:
    assert shown(value) == text


def test_moment_without_a_zone_is_utc() -> None:
    assert moment("2026-11-01", datetime.max) == datetime(2026, 11, 1, tzinfo=UTC)
    assert moment("2026-11-01T10:00+02:00", datetime.max) == datetime(2026, 11, 1, 8, tzinfo=UTC)
    assert moment(None, datetime.max) == datetime.max


@pytest.mark.parametrize("text", ["yesterday", "2026-13-01", ""])
def test_moment_names_what_is_no_time(text: str) -> None:
    with pytest.raises(UserError, match="is not a time"):
        moment(text, datetime.max)


def test_span_reads_a_length_of_time() -> None:
    assert span("90s") == timedelta(seconds=90)
    assert span("2w") == timedelta(weeks=2)


@pytest.mark.parametrize("text", ["0m", "5", "m", "-5m", "5 m", "1y"])
def test_span_refuses_what_is_none(text: str) -> None:
    with pytest.raises(UserError, match="is not a length of time"):
        span(text)
