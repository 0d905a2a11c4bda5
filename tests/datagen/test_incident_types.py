"""Files of the library: what they may say, and that the documentation says the same."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from contracts.errors import DefinitionError, UserError
from datagen.definitions import FOLDER
from datagen.incidents import read_scenario
from datagen.library import read_types, span, words_of
from datagen.listing import table, written
from datagen.network import read_network

DOCS = Path(__file__).resolve().parents[2] / "docs" / "generator.md"
OUTAGE = yaml.safe_load((FOLDER / "incidents" / "trunk_outage.yml").read_text("utf-8"))


def refused(tmp_path: Path, **changes: Any) -> str:
    row = {key: value for key, value in (OUTAGE | changes).items() if value is not None}
    (tmp_path / "mine.yml").write_text(yaml.safe_dump(row))
    with pytest.raises(DefinitionError) as refusal:
        read_types(tmp_path)
    said = str(refusal.value)
    assert str(tmp_path / "mine.yml") in said
    return said


def test_documentation_lists_the_types_as_they_are() -> None:
    text = DOCS.read_text("utf-8")
    assert text == written(text, read_types()), "python -m datagen.listing docs/generator.md writes it anew"
    assert all(f"| `{name}` |" in table(read_types()) for name in read_types())


def test_scenario_of_the_documentation_can_be_placed() -> None:
    example = next(
        part for part in re.findall(r"```yaml\n(.*?)```", DOCS.read_text("utf-8"), re.DOTALL) if "incidents:" in part
    )
    end = datetime(2026, 11, 21, tzinfo=UTC)
    rows = yaml.safe_load(example)["incidents"]
    placed = read_scenario(rows, read_network(), start=end - timedelta(days=28), end=end, types=read_types())
    assert [one.type.name for one in placed] == ["trunk_outage", "clock_skew", "wangiri"]


def test_page_without_marks_is_refused() -> None:
    with pytest.raises(UserError, match="has no marks"):
        written("# The generator", read_types())


def test_type_of_ones_own_is_read(tmp_path: Path) -> None:
    (tmp_path / "mine.yml").write_text("# Mine.\n" + yaml.safe_dump(OUTAGE))
    assert read_types(tmp_path)["mine"].about == "Mine."


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"mechanism": "fail_call"}, "did you mean fail_calls"),
        ({"place": "trunk"}, "is not one of trunk_group; did you mean trunk_group"),
        ({"place": "smsc"}, "is not one of trunk_group"),
        ({"service": "sms"}, "is not one of"),
        ({"place": ["trunk_group", 5]}, "is not one of"),
        ({"place": []}, "is not one of"),
        ({"service": "voice"}, "is not one of"),
        ({"callers": "anybody"}, "is not one of business"),
        ({"shape": "saw"}, "is not one of step"),
        ({"scored_by": "nobody"}, "is not one of detector, books"),
        ({"delay_limit": "soon"}, "is not a span"),
        ({"delay_limit": None}, "'delay_limit' is missing"),
        ({"usual": {"duration": "3h"}}, "'time' is missing"),
        ({"usual": {"duration": "3h", "time": "26:00"}}, "is not a time of day"),
        ({"kpis": ["voip.asr"]}, "is not a mapping"),
        ({"kpis": {"voip.asr": "wobbles"}}, "is not one of falls, rises, shifts"),
        ({"signals": {"voip.codec": "somewhere"}}, "is not one of place, anywhere"),
        ({"strength": {"default": 2, "low": 0, "high": 1, "meaning": "x"}}, "is not a number from 0 to 1"),
        ({"strength": {"default": 1, "low": 0, "high": 1}}, "'meaning' is missing"),
        ({"parameters": {}}, "'failures' is missing"),
        ({"parameters": {"failures": []}}, "must be a list of ways"),
        ({"parameters": {"failures": OUTAGE["parameters"]["failures"], "los": 1}}, "unknown key 'los'"),
        ({"mechanism": "disturb_media", "parameters": {"loss": 2, "shorter": 0.1}}, "is not a number from 0 to 1"),
        ({"mechanism": "change_codec", "parameters": {"codec": 'a"b'}}, "is not a plain name"),
        ({"description": "at {plaice}"}, "cannot be filled in"),
        ({"description": "{0} {"}, "cannot be filled in"),
        ({"colour": "red"}, "unknown key 'colour'"),
    ],
)
def test_type_that_says_what_cannot_be_is_refused(tmp_path: Path, changes: dict[str, Any], complaint: str) -> None:
    assert complaint in refused(tmp_path, **changes)


@pytest.mark.parametrize("text", ["90s", "45m", "3h", "5d", "36h", "90m"])
def test_span_and_its_words_are_one(text: str) -> None:
    assert span(words_of(span(text, "x")), "x") == span(text, "x")
    assert words_of(timedelta(hours=48)) == "2d"
