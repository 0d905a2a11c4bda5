"""`busyhour fleet` and `busyhour bench fleet` as a person or a script calls them."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from cli.main import cli, main
from detectors.fleet.bench import make_piece, pieces


@pytest.fixture
def points(tmp_path: Path) -> Path:
    folder = tmp_path / "points"
    folder.mkdir()
    for piece in pieces(folder, 6, 2, 3):
        make_piece(piece)
    return folder


def run(*words: str | Path) -> tuple[int, str, str]:
    result = CliRunner().invoke(cli, [str(word) for word in words])
    return result.exit_code, result.stdout, result.stderr


def test_train_and_score_answer_machines(points: Path, tmp_path: Path) -> None:
    code, out, _ = run("fleet", "train", points, "--out", tmp_path / "m.parquet", "--processes", 1, "--json")
    assert code == 0
    assert json.loads(out)["by_resolution"] == {"300": 6}
    scores = tmp_path / "s.parquet"
    words = ("fleet", "score", points, "--model", tmp_path / "m.parquet", "--out", scores, "--processes", 1, "--json")
    code, out, _ = run(*words)
    assert code == 0
    answer = json.loads(out)
    assert answer["written"] == answer["judged"] == pq.read_metadata(scores).num_rows > 0
    assert answer["unknown"] == 0


def test_folder_without_files_says_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["busyhour", "fleet", "train", str(tmp_path), "--out", str(tmp_path / "m")])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 1
    assert "holds no .parquet file" in capsys.readouterr().err


def test_bench_says_what_it_measured(tmp_path: Path) -> None:
    code, out, _ = run("bench", "fleet", "--series", 6, "--weeks", 2, "--processes", 1, "--json")
    assert code == 0
    figures = json.loads(out)
    assert figures["series_learned"] == 6
    assert figures["points"] > 6 * 14 * 288 * 0.98
    for name in ("train_points_per_s", "score_points_per_s", "peak_rss_bytes", "train_cpu_seconds"):
        assert figures[name] > 0
