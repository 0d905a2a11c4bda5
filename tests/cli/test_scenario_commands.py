"""`busyhour scenario`: what the library holds, and whether a scenario file can be placed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from cli.main import cli, main
from datagen.library import read_types

GOOD = 'incidents:\n  - {type: trunk_outage, place: TG2, start: {day: -1, time: "10:00"}}\n'


def answer(*arguments: str) -> dict[str, object]:
    result = CliRunner().invoke(cli, ["scenario", *arguments, "--json"])
    assert result.exit_code == 0, result.output
    found: dict[str, object] = json.loads(result.output)
    return found


def test_scenario_list_names_every_type() -> None:
    rows = answer("list")["types"]
    assert [row["type"] for row in rows] == list(read_types())  # type: ignore[attr-defined]
    people = CliRunner().invoke(cli, ["scenario", "list"]).output
    assert all(name in people for name in read_types())


@pytest.mark.parametrize("name", list(read_types()))
def test_scenario_show_tells_a_type_whole(name: str) -> None:
    row = answer("show", name)
    kind = read_types()[name]
    assert row["kpis"] == dict(kind.kpis)
    assert row["delay_limit_s"] == kind.delay_limit.total_seconds()
    people = CliRunner().invoke(cli, ["scenario", "show", name])
    assert kind.meaning in people.output
    assert kind.scored_by in people.output


def test_scenario_show_of_an_unknown_type_names_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        main(["scenario", "show", "simbox"])
    assert exit_.value.code != 0
    assert "did you mean sim_box?" in capsys.readouterr().err


def test_scenario_check_places_a_file(tmp_path: Path) -> None:
    path = tmp_path / "one.yml"
    path.write_text(GOOD)
    [row] = answer("check", str(path), "--start", "2026-11-02", "--days", "7")["incidents"]  # type: ignore[misc]
    assert (row["place"], row["start"]) == ("trunk_group:TG2", "2026-11-08T10:00:00.000Z")


def test_scenario_check_says_what_is_wrong_and_where(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "wrong.yml"
    path.write_text(GOOD.replace("TG2", "TG9"))
    with pytest.raises(SystemExit) as exit_:
        main(["scenario", "check", str(path), "--start", "2026-11-02"])
    assert exit_.value.code != 0
    said = capsys.readouterr().err
    assert f"{path}: incident 1: place" in said
    assert "did you mean TG" in said


def test_scenario_check_places_the_whole_library_or_says_how_long_it_takes(capsys: pytest.CaptureFixture[str]) -> None:
    rows = answer("check", "all", "--start", "2026-11-02", "--days", "28")["incidents"]
    assert {row["type"] for row in rows} == set(read_types())  # type: ignore[attr-defined]
    with pytest.raises(SystemExit):
        main(["scenario", "check", "all", "--start", "2026-11-02", "--days", "2"])
    assert "days are too few for the whole library" in capsys.readouterr().err


def test_generate_takes_the_whole_library(tmp_path: Path) -> None:
    asked = [
        "generate",
        "--service",
        "sms",
        "--incidents",
        "all",
        "--days",
        "6",
        "--start",
        "2026-11-02",
        "--rate",
        "300",
    ]
    result = CliRunner().invoke(cli, [*asked, "--out", str(tmp_path / "out"), "--json"])
    assert result.exit_code == 0, result.output
    truth = [json.loads(line) for line in (tmp_path / "out" / "truth.ndjson").read_text().splitlines()]
    wanted = {name for name, kind in read_types().items() if kind.service in ("sms", "any")}
    assert {row["type"] for row in truth} == wanted
    held_back = {row["type"]: row["files"] for row in truth if "files" in row}
    assert set(held_back) == {"silent_feed", "late_files", "duplicate_files"}
    assert all(held_back.values()), held_back
