"""`busyhour generate --network --profiles --customers`: a network of one's own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from cli.main import cli, main
from datagen.network import NETWORK, PROFILES

SMALL = ("--service", "sms", "--days", "1", "--start", "2026-11-09", "--rate", "100", "--rotate", "1d")


def changed(tmp_path: Path, original: Path, old: str, new: str) -> str:
    text = original.read_text("utf-8")
    assert text.count(old) == 1
    path = tmp_path / original.name
    path.write_text(text.replace(old, new), "utf-8")
    return str(path)


def exit_code(*arguments: str) -> int:
    with pytest.raises(SystemExit) as stopped:
        main(["generate", *SMALL, *arguments])
    return int(stopped.value.code or 0)


def test_generate_takes_a_network_and_profiles(tmp_path: Path) -> None:
    network = changed(tmp_path, NETWORK, "  count: 2000\n", "  count: 50\n")
    profiles = changed(tmp_path, PROFILES, "mixed:  ", "half-half:  ")
    answer = CliRunner().invoke(
        cli,
        ["generate", *SMALL, "--network", network, "--out", str(tmp_path / "out"), "--json"],
        catch_exceptions=False,
    )
    assert answer.exit_code == 0, answer.output
    assert len((tmp_path / "out" / "customers.ndjson").read_text().splitlines()) == 50
    assert json.loads(answer.output)["rows"] > 50
    other = str(tmp_path / "other")
    assert exit_code("--network", network, "--profiles", profiles, "--out", other) != 0, "TG3 has no profile any more"


@pytest.mark.parametrize(
    ("original", "old", "new", "complaint"),
    [
        (NETWORK, "zone: UTC   ", "zona: UTC   ", "unknown key 'zona'; did you mean zone"),
        (NETWORK, "country: null", "country: NO", "quotes, for Norway"),
        (PROFILES, "holiday: saturday", "holiday: caturday", "did you mean saturday"),
    ],
)
def test_generate_refuses_a_bad_file_before_the_first_byte(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], original: Path, old: str, new: str, complaint: str
) -> None:
    path = changed(tmp_path, original, old, new)
    option = "--network" if original == NETWORK else "--profiles"
    assert exit_code(option, path, "--out", str(tmp_path / "out")) != 0
    told = capsys.readouterr().err
    assert complaint in told
    assert path in told
    assert not (tmp_path / "out").exists()


def test_generate_refuses_a_folder_of_another_network(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = str(tmp_path / "out")
    assert exit_code("--out", out) == 0
    network = changed(tmp_path, NETWORK, "  count: 2000\n", "  count: 50\n")
    assert exit_code("--network", network, "--out", out) != 0
    assert "another network" in capsys.readouterr().err


def test_generate_writes_the_customers_asked_for(tmp_path: Path) -> None:
    for word, count in (("all", 2000), ("none", None)):
        out = tmp_path / word
        assert exit_code("--customers", word, "--out", str(out)) == 0
        file = out / "customers.ndjson"
        assert (len(file.read_text().splitlines()) if file.exists() else None) == count
    assert exit_code("--customers", "seen", "--out", str(tmp_path / "seen")) == 0
    assert 50 < len((tmp_path / "seen" / "customers.ndjson").read_text().splitlines()) <= 130
