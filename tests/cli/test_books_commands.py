"""`busyhour books`, `files` and `rejects` as a person types them, on a real node."""

from __future__ import annotations

import csv
import io
import json
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner, Result

from cli.main import cli
from contracts.settings import Settings
from mediation.samples import write_sample

if TYPE_CHECKING:
    from infrastructure.store import Store


class Terminal:
    """Runs commands against the test's node."""

    def __init__(self, settings: Settings) -> None:
        self.environment = {"BUSYHOUR_HOME": settings.text("home")}

    def __call__(self, *arguments: str) -> Result:
        return CliRunner().invoke(cli, list(arguments), env=self.environment)

    def json(self, *arguments: str, code: int = 0) -> dict[str, Any]:
        result = self(*arguments, "--json")
        assert result.exit_code == code, result.output
        found: dict[str, Any] = json.loads(result.stdout)
        return found


@pytest.fixture
def terminal(store: Store, node_settings: Settings) -> Terminal:
    return Terminal(node_settings)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two files an hour old; one has a bad line twice, and a line that a spreadsheet would run."""
    for name, seed in (("a.csv", 1), ("b.csv", 2)):
        write_sample("mobile-public", tmp_path / name, rows=10, seed=seed)
    with (tmp_path / "a.csv").open("a") as stream:
        stream.write("bad,line\nbad,line\n=1+1\n")
    hour_ago = time.time() - 3600
    for path in tmp_path.iterdir():
        os.utime(path, (hour_ago, hour_ago))
    return tmp_path


def test_books_of_a_day_tell_what_became_of_every_line(terminal: Terminal, folder: Path) -> None:
    terminal("ingest", str(folder))
    day = time.strftime("%Y-%m-%d", time.gmtime(time.time() - 3600))
    found = terminal.json("books", "--day", day)
    (totals,) = found["delivered"]
    assert found["balanced"]
    assert (totals["files"], totals["lines"], totals["indexed"], totals["duplicate"]) == (2, 23, 20, 1)
    assert (totals["rejected"], totals["suspended"], totals["reasons"]) == (2, 2, {"column_count": 2})
    words = terminal("books", "--day", day).output
    assert "UTC, last modification of the file" in words
    assert words.rstrip().endswith("balanced")


def test_books_of_a_folder_are_audited_and_exit_1_when_lines_are_missing(terminal: Terminal, folder: Path) -> None:
    found = terminal.json("books", str(folder), code=1)
    assert (found["lines"], found["missing"], found["balanced"]) == (23, 23, False)
    assert terminal.json("files", "list", "--unbalanced")["files"]
    terminal("ingest", str(folder))
    found = terminal.json("books", str(folder))
    assert {each["what"] for each in found["files"]} == {"left"}
    assert terminal.json("books", str(folder), "--verify")["balanced"]


def test_books_want_something_to_do(terminal: Terminal, folder: Path) -> None:
    assert terminal("books").exit_code != 0
    assert terminal("books", str(folder), str(folder), "--seen-as", "/x").exit_code != 0
    assert terminal("books", "--day", "someday").exit_code != 0


def test_rejects_are_listed_shown_discarded_and_exported(
    terminal: Terminal, folder: Path, tmp_path_factory: Any
) -> None:
    terminal("ingest", str(folder))
    found = terminal.json("rejects", "list")["rejects"]
    assert len(found) == 2
    (bad,) = (each for each in found if each["reject"]["raw"] == "bad,line")
    shown = terminal.json("rejects", "show", bad["id"][:10])
    assert (shown["id"], shown["usage_status"]) == (bad["id"], "rejected")
    assert terminal("rejects", "discard", "--why", "no").exit_code != 0  # which?
    assert terminal("rejects", "discard", bad["id"]).exit_code == 2  # why?
    report = terminal.json("rejects", "discard", bad["id"][:10], "--why", "sent again", "--by", "anna")
    assert (report["discarded"], report["files"]) == (1, 1)
    assert len(terminal.json("rejects", "list")["rejects"]) == 1
    assert len(terminal.json("rejects", "list", "--state", "any")["rejects"]) == 2
    (row,) = terminal.json("files", "show", "a.csv")["files"]
    assert (row["rejected"], row["discarded"], row["suspended"]) == (2, 1, 1)
    out = tmp_path_factory.mktemp("out") / "bad.ndjson"
    assert terminal.json("rejects", "export", "--state", "any", "--out", str(out))["rejects"] == 2
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert [row["raw"] for row in rows] == ["bad,line", "=1+1"]
    assert terminal("rejects", "export", "--raw").output == "=1+1\n"
    (line,) = csv.DictReader(io.StringIO(terminal("rejects", "export", "--format", "csv").output))
    assert line["raw"] == "'=1+1"


def test_rejects_retry_tells_what_stays_suspended(terminal: Terminal, folder: Path) -> None:
    terminal("ingest", str(folder))
    report = terminal.json("rejects", "retry", "--reason", "column_count")
    assert (report["selected"], report["suspended"], report["reasons"]) == (2, 2, {"column_count": 2})
    assert terminal("rejects", "retry", "ffff").exit_code != 0


def test_files_gaps_and_sources_answer_when_nothing_is_wrong(terminal: Terminal, folder: Path) -> None:
    terminal("ingest", str(folder))
    assert terminal.json("files", "gaps") == {"gaps": []}
    (source,) = terminal.json("files", "sources")["sources"]
    assert (source["folder"], source["state"], source["files"]) == (str(folder), "learning", 2)
    assert terminal.json("files", "retire", str(folder), "--why", "done", "--by", "anna")["retired"]
    assert terminal.json("files", "sources")["sources"][0]["state"] == "retired"
    assert "waited for again" in terminal("files", "retire", str(folder), "--undo").stderr
