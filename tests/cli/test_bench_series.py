"""`busyhour bench series` on made series and on a folder."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from cli.main import cli
from detectors.series.comparing import half
from detectors.series.made import made_series


def answer(*arguments: str) -> dict[str, Any]:
    result = CliRunner().invoke(cli, ["bench", "series", *arguments, "--json"])
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    windows = {}
    for one in made_series(2, 1000)[:2]:
        rows = "\n".join(f"{int(at)},{value}" for at, value in zip(one.seconds, one.values, strict=True))
        (tmp_path / f"{one.name}.csv").write_text("timestamp,value\n" + rows + "\n")
        windows[f"{one.name}.csv"] = [
            [_iso(one.seconds[first]), _iso(one.seconds[last])] for first, last in one.windows
        ]
    (tmp_path / "labels.json").write_text(json.dumps(windows))
    return tmp_path


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()


def test_folder_is_scored_by_each_detector_with_its_figures(folder: Path) -> None:
    found = answer("--folder", str(folder), "--only", "busyhour", "--only", "windowed_gaussian")
    assert found["series"] == ["cpu_spikes.csv", "level_shift.csv"]
    assert {row["detector"] for row in found["detectors"]} == {"busyhour", "windowed_gaussian"}
    for row in found["detectors"]:
        assert row["windows"] == 4
        assert 0 <= row["low_fp"] <= row["standard"] <= 100
        assert 0 <= row["found"] <= 4


def test_halves_are_apart_and_whole() -> None:
    series = made_series(1, 1000)
    first, second = half(series, second=False), half(series, second=True)
    assert sorted(one.name for one in [*first, *second]) == sorted(one.name for one in series)
    assert len(first) == len(second) == 6


def test_unknown_detector_is_refused_with_the_known_ones() -> None:
    result = CliRunner().invoke(cli, ["bench", "series", "--only", "oracle"])
    assert "seasonal_zscore" in str(result.exception)
