"""`busyhour fidelity` and `busyhour bench generate`: what a person and a script get."""

from __future__ import annotations

import json
import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from cli.main import cli, main
from datagen.bench.tables import markdown, write_into

SAMPLES = Path(__file__).resolve().parents[2] / "sample_data"
REAL, SYNTHETIC = SAMPLES / "voip-public.csv", SAMPLES / "voip-public-undated.csv"


def run(*arguments: str | Path) -> Any:
    return CliRunner().invoke(cli, list(map(str, arguments)), catch_exceptions=False)


def test_fidelity_command_answers_machines_with_the_keys_that_are_relied_on() -> None:
    found = json.loads(run("fidelity", REAL, SYNTHETIC, "--json").stdout)
    for key in ("quality", "column_shapes", "column_pairs", "new_row_share", "reference_new_row_share", "copies"):
        assert 0 <= found[key] <= 1
    assert found["quality"] == pytest.approx((found["column_shapes"] + found["column_pairs"]) / 2)
    assert found["new_rows_of"] == "answered calls"
    assert found["left_out"]["Calling-Number"].endswith("a party or subscriber")
    assert found["rows"]["real"] == found["rows"]["synthetic"] == 300


def test_fidelity_command_tells_people_what_was_compared_and_what_was_not() -> None:
    said = run("fidelity", REAL, SYNTHETIC).output
    for words in (
        "quality",
        "PostDialDelay",
        "record number",
        "answered calls",
        "time: not compared",
        "voip-public-undated",
    ):
        assert words in said


class Checked(HTMLParser):
    """Collects what a page would fetch or run."""

    def __init__(self) -> None:
        super().__init__()
        self.outside: list[str] = []
        self.pictures = 0

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.pictures += tag == "svg"
        if tag in ("script", "link", "iframe", "object", "img"):
            self.outside.append(tag)
        self.outside += [name for name, _ in attributes if name in ("src", "href") or name.startswith("on")]


def test_fidelity_page_is_whole_by_itself(tmp_path: Path) -> None:
    page = tmp_path / "likeness.html"
    assert run("fidelity", REAL, REAL, "--html", page).exit_code == 0
    text = page.read_text(encoding="utf-8")
    checked = Checked()
    checked.feed(text)
    assert checked.outside == []
    assert checked.pictures >= 19  # columns, pairs, sixteen distributions, week and lags
    assert "default-src 'none'" in text
    assert not re.search(r"\b(nan|inf)\b", re.sub(r"<style>.*?</style>", "", text))
    assert [path.name for path in tmp_path.iterdir()] == ["likeness.html"]


def test_fidelity_page_shows_hostile_names_as_text(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    lines = [f"{number % 7},<b>{number % 3}</b>" for number in range(60)]
    path.write_text("\n".join(['<script>alert(1)</script>,"a""><img src=x>"', *lines]) + "\n")
    page = tmp_path / "page.html"
    assert run("fidelity", path, path, "--html", page).exit_code == 0
    checked = Checked()
    checked.feed(page.read_text(encoding="utf-8"))
    assert checked.outside == []


def test_fidelity_refuses_to_write_its_page_over_what_it_read(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    mine = tmp_path / "mine.csv"
    mine.write_bytes(REAL.read_bytes())
    with pytest.raises(SystemExit) as stop:
        main(["fidelity", str(mine), str(REAL), "--html", str(mine)])
    assert stop.value.code == 1
    assert mine.read_bytes() == REAL.read_bytes()
    assert "what to do" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"", "empty"), (b"\x00\x01\x02junk\xff" * 300, "binary"), (b"x,y\n1,2\n3,4\n", "no column in common")],
    ids=["empty", "binary", "strangers"],
)
def test_fidelity_exits_1_and_says_why_when_input_cannot_be_compared(
    content: bytes, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "bad.csv"
    path.write_bytes(content)
    with pytest.raises(SystemExit) as stop:
        main(["fidelity", str(REAL), str(path), "--json"])
    assert stop.value.code == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert words in said.err


def test_fidelity_exits_1_when_a_file_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["fidelity", str(REAL), "nowhere.csv"])
    assert stop.value.code == 1
    assert "nowhere.csv" in capsys.readouterr().err


@pytest.fixture(scope="module")
def bench_figures() -> dict[str, Any]:
    said = run("bench", "generate", "--rows", "1000", "--rate-rows", "10000", "--rounds", "1", "--json")
    figures: dict[str, Any] = json.loads(said.stdout)
    return figures


def test_bench_generate_answers_with_the_keys_that_are_relied_on(bench_figures: dict[str, Any]) -> None:
    for key in ("rows_per_s", "reference_rows_per_s", "ratio", "peak_rss_bytes", "quality", "new_row_share", "copies"):
        assert bench_figures[key] >= 0
    assert bench_figures["ratio"] == pytest.approx(bench_figures["rows_per_s"] / bench_figures["reference_rows_per_s"])
    assert bench_figures["sdv_rows_per_s"] is None
    assert {row["met"] for row in bench_figures["targets"].values()} <= {True, False, None}


def test_bench_generate_holds_its_measures_against_ways_whose_score_is_known(bench_figures: dict[str, Any]) -> None:
    contenders = bench_figures["contenders"]
    assert contenders["copied"]["new_row_share"] == 0.0
    assert contenders["copied"]["copies"] == 1.0
    assert contenders["independent"]["column_shapes"] > 0.9
    assert contenders["independent"]["column_pairs"] < contenders["copied"]["column_pairs"]


def test_bench_generate_writes_its_figures_into_a_page_that_names_its_sample(
    bench_figures: dict[str, Any], tmp_path: Path
) -> None:
    page = tmp_path / "page.md"
    mark = f"<!-- bench generate: {bench_figures['sample']} -->"
    page.write_text(f"before\n{mark}\nold\n<!-- end -->\nafter\n")
    write_into(page, bench_figures)
    text = page.read_text()
    assert text.startswith("before\n")
    assert text.endswith("<!-- end -->\nafter\n")
    assert "old" not in text
    assert markdown(bench_figures) in text
    write_into(page, bench_figures)
    assert page.read_text() == text


def test_bench_generate_refuses_a_peer_without_sdv(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["bench", "generate", "--peers", sys.executable, "--rows", "100", "--rate-rows", "10000", "--rounds", "1"])
    assert stop.value.code == 1
    assert "sdv" in capsys.readouterr().err
