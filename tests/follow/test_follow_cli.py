"""`busyhour ingest --follow`: what is refused, what is printed, how it exits."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from cli.main import cli
from tests.follow.following import append, lines_of
from tests.follow.processes import start

if TYPE_CHECKING:
    from infrastructure.store import Store


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--once"], "belong to --follow"),
        (["--done", "there"], "belong to --follow"),
        (["--follow", "--start", "2026-01-01", "--rate", "1/s"], "do not go with --follow"),
    ],
)
def test_follow_refuses_options_that_do_not_go_together(options: list[str], words: str) -> None:
    result = CliRunner().invoke(cli, ["ingest", *options, "."])
    assert result.exit_code == 2
    assert words in result.output


def test_follow_prints_an_object_a_line_and_exits_1_when_a_file_cannot_be_read(
    quick: Store, environment: dict[str, str], tmp_path: Path
) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    append(folder / "good.csv", lines_of(tmp_path, 40))
    (folder / "unknown.csv").write_bytes(b"a,b\n" * 300)
    running = start(environment, folder, "--once", "--done", str(tmp_path / "done"))
    out, _ = running.communicate(timeout=60)
    assert running.returncode == 1
    *events, sums = [json.loads(line) for line in out.splitlines()]
    assert {(event["event"], Path(event["path"]).name) for event in events} == {
        ("opened", "good.csv"),
        ("closed", "good.csv"),
        ("moved", "good.csv"),
        ("problem", "unknown.csv"),
    }
    assert [event["lines"] for event in events if event["event"] == "closed"] == [40]
    assert (sums["files"], sums["lines"], sums["indexed"], len(sums["errors"])) == (1, 40, 40, 1)
    assert [path.name for path in (tmp_path / "done").iterdir()] == ["good.csv"]
