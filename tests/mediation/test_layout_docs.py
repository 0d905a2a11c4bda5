"""docs/layouts.md, followed: its example is a layout, its lines become what it says, and it names every kind and layout."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from cli.main import cli
from mediation.explain import explain
from mediation.load import load_layout, load_layouts
from mediation.logstash import render
from mediation.schema import FORMATS

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "layouts.md").read_text(encoding="utf-8")


def _block(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", TEXT, flags=re.DOTALL)
    assert found is not None
    return found[1]


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    layout, calls = tmp_path / "my-pbx.yml", tmp_path / "calls-2026-11-21.csv"
    layout.write_text(_block("yaml"), encoding="utf-8")
    calls.write_text(_block("csv"), encoding="utf-8")
    return layout, calls


def test_example_is_a_right_layout_that_both_runners_take(files: tuple[Path, Path]) -> None:
    result = CliRunner().invoke(cli, ["layouts", "check", str(files[0])])
    assert (result.exit_code, result.output) == (0, "1 layouts are right: my-pbx\n")
    known = load_layouts() | {"my-pbx": load_layout(files[0])}
    assert "my-pbx.identity" in render(known.values())["logstash/pipelines/voip.conf"]


def test_example_lines_become_what_the_text_says(files: tuple[Path, Path]) -> None:
    known = load_layouts() | {"my-pbx": load_layout(files[0])}
    first = explain(files[1], known)
    assert (first.layout, first.index) == ("my-pbx", "cdr-voip")
    assert first.document is not None
    assert first.document["event"]["end"] == "2026-11-21T08:00:04.000Z"
    assert first.document["event"]["start"] == "2026-11-21T07:59:52.000Z"
    third = explain(files[1], known, line=3)
    assert third.reject is not None
    assert (third.reject.reason, third.reject.column) == ("bad_time", "date")


def test_text_names_every_layout_and_kind_of_format() -> None:
    assert [name for name in load_layouts() if f"`{name}`" not in TEXT] == []
    assert [kind for kind in FORMATS if f"kind: {kind}" not in TEXT] == []
