"""The command tree against its own documentation and rules."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from cli.main import cli, main
from contracts.settings import TABLE

ROOT = Path(__file__).resolve().parents[2]


def leaves(
    command: click.Command = cli, path: tuple[str, ...] = ("busyhour",)
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            assert found is not None
            yield from leaves(found, (*path, name))
    else:
        yield path, command


LEAVES = dict(leaves())


def test_documentation_lists_every_command_and_no_other() -> None:
    text = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    documented = set(re.findall(r"^\| `(busyhour [a-z -]+?)` \|", text, flags=re.MULTILINE))
    assert documented == {" ".join(path) for path in LEAVES}


@pytest.mark.parametrize("path", LEAVES, ids=" ".join)
def test_help_shows_an_example_that_the_command_takes(path: tuple[str, ...]) -> None:
    result = CliRunner().invoke(cli, [*path[1:], "--help"])
    assert result.exit_code == 0, result.output
    assert "Example" in result.output
    assert f"busyhour {path[1]}" in result.output.split("Example", 1)[1]


@pytest.mark.parametrize("path", LEAVES, ids=" ".join)
def test_command_answers_machines_unless_it_runs_for_ever(path: tuple[str, ...]) -> None:
    options = {option for parameter in LEAVES[path].params for option in parameter.opts}
    assert "--json" in options or path in {("busyhour", "run"), ("busyhour", "usage", "menu")}


def test_settings_answer_every_row_of_the_table() -> None:
    result = CliRunner().invoke(cli, ["settings", "--json"])
    assert [row["name"] for row in json.loads(result.output)["settings"]] == [row.name for row in TABLE]


def test_settings_hide_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ES_PASSWORD", "hunter2-not-to-be-seen")
    result = CliRunner().invoke(cli, ["settings", "--json"])
    assert result.exit_code == 0
    assert "hunter2" not in result.output


def test_main_says_what_where_and_what_to_do_when_a_setting_is_unknown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BUSYHOUR_NODE_HEEP_MIB", "512")
    with pytest.raises(SystemExit) as stop:
        main(["settings"])
    assert stop.value.code == 1
    words = capsys.readouterr().err
    assert "BUSYHOUR_NODE_HEEP_MIB" in words
    assert "BUSYHOUR_NODE_HEAP_MIB" in words
    assert "what to do" in words


def test_main_exits_2_when_the_command_line_is_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["ingest"])
    assert stop.value.code == 2
    assert "PATH" in capsys.readouterr().err


def test_main_exits_3_when_no_elasticsearch_is_there(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("BUSYHOUR_HOME", str(tmp_path))
    monkeypatch.delenv("ES_URL", raising=False)
    with pytest.raises(SystemExit) as stop:
        main(["files", "list"])
    assert stop.value.code == 3
    assert "busyhour node start" in capsys.readouterr().err
