"""`busyhour calendar` shows what the jobs see."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from cli.main import cli

FILE = (
    "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:test\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTAMP:20260101T000000Z\r\nSUMMARY:Patch\r\n"
    "CATEGORIES:MAINTENANCE\r\nLOCATION:trunk_group:TG6\r\nDTSTART:20261224T100000\r\nDTEND:20261224T110000\r\n"
    "END:VEVENT\r\nEND:VCALENDAR\r\n"
)
SPAN = ("--since", "2026-12-20", "--until", "2026-12-31")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "changes.ics"
    path.write_text(FILE, newline="")
    return path


def test_list_joins_country_and_files(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BUSYHOUR_NETWORK_COUNTRY", "DE")
    monkeypatch.setenv("BUSYHOUR_NETWORK_TIMEZONE", "Europe/Berlin")
    monkeypatch.setenv("BUSYHOUR_NETWORK_CALENDARS", str(file))
    answer = json.loads(CliRunner().invoke(cli, ["calendar", "list", *SPAN, "--json"]).stdout)
    assert [(one["kind"], one["start"]) for one in answer["planned"]] == [
        ("maintenance", "2026-12-24T09:00:00.000Z"),
        ("holiday", "2026-12-24T23:00:00.000Z"),
        ("holiday", "2026-12-25T23:00:00.000Z"),
    ]
    assert "trunk_group:TG6" in CliRunner().invoke(cli, ["calendar", "list", *SPAN]).stdout


def test_check_reads_a_file_as_the_jobs_would(file: Path) -> None:
    answer = json.loads(CliRunner().invoke(cli, ["calendar", "check", str(file), *SPAN, "--json"]).stdout)
    assert (answer["files"], answer["count"]) == (1, 1)
    assert answer["planned"][0]["entities"] == ["trunk_group:TG6"]


def test_check_fails_on_a_file_that_is_no_calendar(tmp_path: Path) -> None:
    (tmp_path / "a.ics").write_text("hello")
    assert CliRunner().invoke(cli, ["calendar", "check", str(tmp_path / "a.ics")]).exit_code != 0


@pytest.mark.parametrize("span", [("2026-12-31", "2026-12-20"), ("2020-01-01", "2026-01-01")])
def test_span_that_cannot_be_shown_is_refused(span: tuple[str, str]) -> None:
    assert CliRunner().invoke(cli, ["calendar", "list", "--since", span[0], "--until", span[1]]).exit_code != 0
