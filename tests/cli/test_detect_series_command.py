"""`busyhour detect-series` from file to file."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from cli.main import cli, main


@pytest.fixture
def series(tmp_path: Path) -> Path:
    path = tmp_path / "in.csv"
    rows = [f"2026-11-{1 + row // 288:02}T{row // 12 % 24:02}:{row % 12 * 5:02}:00Z,{row % 7}" for row in range(1000)]
    rows[700] = rows[700].rsplit(",", 1)[0] + ",900"
    path.write_text("timestamp,value\n" + "\n".join(rows) + "\n")
    return path


def test_command_scores_every_row_and_finds_the_spike(series: Path, tmp_path: Path) -> None:
    out = tmp_path / "new" / "out.csv"
    result = CliRunner().invoke(cli, ["detect-series", str(series), "--out", str(out), "--json"])
    assert result.exit_code == 0, result.output
    answer = json.loads(result.output)
    assert (answer["rows"], answer["probation"]) == (1000, 150)
    with out.open() as file:
        scored = list(csv.DictReader(file))
    with series.open() as file:
        assert [{k: row[k] for k in ("timestamp", "value")} for row in scored] == list(csv.DictReader(file))
    assert max(scored, key=lambda row: float(row["anomaly_score"]))["value"] == "900"
    assert answer["alarms"] == sum(float(row["anomaly_score"]) >= 0.5 for row in scored[150:]) >= 1


def test_command_scores_a_file_that_is_cut_as_it_scored_the_whole(series: Path, tmp_path: Path) -> None:
    lines = series.read_text().splitlines(keepends=True)
    cut = tmp_path / "cut.csv"
    cut.write_text("".join(lines[:423]))
    for file, out in ((series, tmp_path / "whole.out"), (cut, tmp_path / "cut.out")):
        assert CliRunner().invoke(cli, ["detect-series", str(file), "--out", str(out)]).exit_code == 0
    assert (tmp_path / "whole.out").read_text().startswith((tmp_path / "cut.out").read_text())


def test_command_refuses_to_write_over_its_own_input(series: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = series.read_bytes()
    with pytest.raises(SystemExit) as stop:
        main(["detect-series", str(series), "--out", str(series)])
    assert stop.value.code == 1
    assert "another file" in capsys.readouterr().err
    assert series.read_bytes() == before


@pytest.mark.parametrize(("arguments", "code"), [(["--value", "volts"], 1), (["--out", "/proc/no/such"], 3)])
def test_command_exits_as_the_error_asks(series: Path, tmp_path: Path, arguments: list[str], code: int) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["detect-series", str(series), "--out", str(tmp_path / "o.csv"), *arguments])
    assert stop.value.code == code
    assert not (tmp_path / "o.csv").exists()
