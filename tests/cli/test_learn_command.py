"""`busyhour learn` and `busyhour generate --from`: what a person and a script get."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from cli.main import cli
from contracts.errors import UserError

SAMPLE = Path(__file__).resolve().parents[2] / "sample_data" / "voip-public-undated.csv"


def run(*arguments: str | Path) -> Any:
    return CliRunner().invoke(cli, list(map(str, arguments)), catch_exceptions=False)


def test_learn_command_writes_a_model_that_generate_takes(tmp_path: Path) -> None:
    found = json.loads(run("learn", SAMPLE, "--out", tmp_path / "m.npz", "--json").stdout)
    assert found["rows"] == 300 and found["layout"] == "voip-public-undated"
    assert found["bytes"] == (tmp_path / "m.npz").stat().st_size
    kinds = {column["name"]: column["kind"] for column in found["columns"]}
    assert kinds["Record-Number"] == "running number" and kinds["Calling-Number"] == "identifier, made up"
    assert kinds["Session-Disposition"] == "category of 3" and kinds["PostDialDelay"].startswith("number, 59 to")
    options = ("--days", "1", "--start", "2026-11-02", "--rate", "500", "--json")
    by_model = json.loads(run("generate", "--from", tmp_path / "m.npz", "--out", tmp_path / "a", *options).stdout)
    by_sample = json.loads(run("generate", "--from", SAMPLE, "--out", tmp_path / "b", *options).stdout)
    assert by_model["layout"] == "voip-public" and by_model["rows"] == by_sample["rows"] > 300
    first, second = (sorted((tmp_path / out / "cdr").rglob("*.csv")) for out in ("a", "b"))
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


def test_learn_command_tells_people_what_each_column_is(tmp_path: Path) -> None:
    said = run("learn", SAMPLE, "--out", tmp_path / "m.yml").output
    assert "300 records of voip-public-undated" in said and "identifier, made up" in said


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--service", "voip"), "--service does not go with --from"),
        (("--live",), "--live does not go with --from"),
        (("--gzip",), "--gzip does not go with --from"),
        (("--late", "2%:45m"), "--late does not go with --from"),
        (("--incidents", "all"), "scenario file"),
    ],
)
def test_learn_command_refuses_options_that_mean_nothing_to_it(
    options: tuple[str, ...], said: str, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=said):
        run("generate", "--from", SAMPLE, "--out", tmp_path / "out", *options)
    assert not (tmp_path / "out").exists()


def test_learn_command_refuses_a_profile_without_a_sample(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="--profile goes with --from"):
        run("generate", "--profile", "business", "--out", tmp_path / "out")
