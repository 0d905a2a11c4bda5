"""`busyhour layouts explain`: from a line to its document or reject, and what is said when there is no such line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from cli.main import cli
from contracts.errors import UserError
from mediation.explain import explain
from mediation.golden import outcomes
from mediation.load import load_layouts

LAYOUTS = load_layouts()
GOLDEN = Path(__file__).parent.parent / "mediation" / "golden"


def _golden(name: str) -> Path:
    return next((GOLDEN / name).glob("input.*"))


def _told(name: str, line: int) -> dict[str, Any]:
    result = CliRunner().invoke(cli, ["layouts", "explain", str(_golden(name)), "--line", str(line), "--json"])
    assert result.exit_code == 0, result.output
    told: dict[str, Any] = json.loads(result.output)
    return told


@pytest.mark.parametrize("name", LAYOUTS)
def test_explain_says_of_every_golden_line_what_becomes_of_it(name: str) -> None:
    for row in list(outcomes(_golden(name), LAYOUTS, limit=2**20))[:25]:
        told = explain(_golden(name), LAYOUTS, line=row["line"])
        assert (told.index, told.number) == (row["index"], row["line"])
        if told.document is None:
            assert told.reject is not None
            assert told.reject.reason == row["document"]["reject"]["reason"]
        else:
            expected = {key: value for key, value in row["document"].items() if key != "log"}
            assert (told.id, told.document) == (row["id"], expected)
            assert told.steps[-1].value == row["id"]


def test_explain_shows_the_steps_in_their_order() -> None:
    told = _told("asterisk-cdr", 1)
    steps = [step["step"] for step in told["steps"]]
    assert list(dict.fromkeys(steps)) == ["cell", "value", "target", "time", "derived", "identity"]
    named = {(step["step"], step["name"]): (step["text"], step["value"]) for step in told["steps"]}
    assert named["time", "voip.answer"] == ("2026-03-28 09:00:04", "2026-03-28T09:00:04.000Z")
    assert named["derived", "voip.release.q850"] == ("map result", 16)
    assert named["value", "billed_sec"] == ("60", 60.0)
    assert named["derived", "voip.duration.sec"] == ("seconds_between voip.answer event.end", 60.0)


def test_explain_stops_at_the_column_at_fault() -> None:
    told = _told("asterisk-cdr", 23)
    assert (told["reject"]["reason"], told["reject"]["column"]) == ("bad_number", "duration")
    assert told["document"] is None
    assert [step["name"] for step in told["steps"]][-1] == "voip.called.id"


def test_explain_shows_flags_and_people_a_table() -> None:
    result = CliRunner().invoke(cli, ["layouts", "explain", str(_golden("asterisk-cdr")), "--line", "10"])
    assert result.exit_code == 0
    assert "answer_before_start" in result.output
    assert "cdr-voip:" in result.output
    result = CliRunner().invoke(cli, ["layouts", "explain", str(_golden("asterisk-cdr")), "--line", "24"])
    assert "reject bad_number in billsec: '-60' is below 0" in result.output


@pytest.mark.parametrize(
    ("line", "words"), [(1, "line 1 is a header or blank"), (9_999, "has no record that is line 9999")]
)
def test_explain_says_so_when_there_is_no_such_record(line: int, words: str) -> None:
    with pytest.raises(UserError, match=words):
        explain(_golden("voip-public"), LAYOUTS, line=line)


def test_explain_names_the_nearest_layout_when_there_is_none_of_that_name() -> None:
    result = CliRunner().invoke(cli, ["layouts", "explain", str(_golden("asterisk-cdr")), "--layout", "asterisk-cdrs"])
    assert isinstance(result.exception, UserError)
    assert "did you mean asterisk-cdr" in str(result.exception)
