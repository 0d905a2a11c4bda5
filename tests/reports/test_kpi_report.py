"""The KPI report: every format opens and holds the figures, hostile texts stay texts, and files appear whole or not at all."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from xml.etree import ElementTree

import openpyxl
import pyarrow.parquet as pq
import pytest

from cli.commands import kpi_report
from contracts.errors import OperatorError, UserError
from kpis import whole_files
from kpis.history import Change, Ranked
from reports.content import Content, Funnel, Incident, Line, Outlook, State, Worst
from reports.html import page
from reports.mailing import mail
from reports.numbers import change, shown
from reports.pictures import pictures
from reports.pipeline import FORMATS, write

END = datetime(2026, 11, 21, tzinfo=UTC)
START = END - timedelta(days=7)
EVIL = '<script>alert(1)</script>"=cmd|calc'


def _days(values: list[float]) -> tuple[tuple[datetime, float], ...]:
    return tuple((END - timedelta(days=len(values) - number), value) for number, value in enumerate(values))


def _line(name: str, value: float, target: float | None, level: str, unit: str = "ratio") -> Line:
    holds = None if target is None else not level
    changes = (Change(END - timedelta(days=3), 0.99, value),) if level else ()
    days = _days([0.99] * 25 + [value] * 3)
    op = ">=" if target is not None else ""
    return Line(name, f"Name of {name}", "network", unit, "low", "service:voip", value, 0.99, 500, op, target, holds, level,
                "level", changes, days)  # fmt: skip


@pytest.fixture
def content() -> Content:
    rows = tuple(
        Ranked(place, f"trunk_group:TG{place}", 0.99 - place / 100, 0.98, 1000 * place, 0.95, 1.01, word)
        for place, word in enumerate(("better", "like the rest", "like the rest", "worse"), 1)
    )
    return Content(
        title="KPI report",
        start=START,
        end=END,
        made=END + timedelta(hours=3),
        lines=[
            _line("voip.ner", 0.9819, 0.99, "target"),
            _line("service.availability", 0.92, 0.999, "critical"),
            _line("voip.asr", 0.7, 0.6, ""),
            _line("epc.volume", 4.4e9, None, "", "bytes"),
        ],
        states=[State("voip", -0.0, 100.0, _hours([100.0, 0.0, 50.0]))],
        incidents=[Incident(START + timedelta(hours=10), None, 1, f"NER low {EVIL}", ("voip",), 100.0)],
        incidents_in_all=3,
        worst=[Worst("voip.ner", "ratio", 0.98, rows[-1])],
        funnel=Funnel("voip.ner", "Network effectiveness", "ratio", 0.98, rows),
        outlooks=[
            Outlook("voip.ner", "NER", "ratio", "service:voip", ">=", 0.99, "2026-11-25", "2026-11-21",
                    tuple((END + timedelta(days=day), 0.98, 0.97, 0.99) for day in range(14)), _days([0.99] * 28))
        ],
        usage=[("calls", "count", 1200, 1000, 0.2), ("call time", "ms", 3_600_000, None, None)],
        silent=["deployment.efficiency"],
    )  # fmt: skip


def _hours(values: list[float]) -> tuple[tuple[datetime, float], ...]:
    return tuple((START + timedelta(hours=number), value) for number, value in enumerate(values))


def test_command_knows_the_formats_of_the_package() -> None:
    assert kpi_report._FORMATS == FORMATS


def test_report_counts_targets_and_puts_the_worst_level_first(content: Content) -> None:
    assert (content.held, content.aimed) == (1, 3)
    assert [line.kpi for line in content.missed] == ["service.availability", "voip.ner"]
    assert "1 of 3 targets held, 2 missed, 3 incidents" in content.headline()


def test_page_is_well_formed_needs_nothing_beside_it_and_escapes_what_was_stored(content: Content) -> None:
    hostile = replace(
        content, title=EVIL, silent=[EVIL], lines=[replace(each, entity=f"service:{EVIL}") for each in content.lines]
    )
    text = page(hostile, pictures(hostile))
    assert "<script" not in text and "&lt;script&gt;" in text
    assert "http://" not in text and "https://" not in text and 'src="data:image/svg+xml' in text
    assert text.count("<img ") == 4 and text.count('alt="') == 4
    for name in ("voip.ner", "98.19\u00a0%", "4.4\u00a0GB", "2026-11-25", "TG4"):
        assert name in text, name


def test_page_without_anything_but_a_line_says_none(content: Content) -> None:
    bare = Content("Bare", START, END, END, lines=[content.lines[3]])
    text = page(bare, pictures(bare))
    assert text.count("None.") == 3 and "<img" not in text


def test_pictures_are_drawn_alike_each_time_and_have_words(content: Content) -> None:
    first, second = pictures(content), pictures(content)
    assert [each.name for each in first] == ["states", "targets", "funnel", "outlooks"]
    for one, other in zip(first, second, strict=True):
        assert one.svg == other.svg and one.png == other.png and one.words
        assert one.png.startswith(b"\x89PNG") and len(one.png) > 5_000
        assert ElementTree.fromstring(one.svg).tag.endswith("svg")  # noqa: S314 - our own


def test_every_format_opens_and_holds_the_figures(content: Content, tmp_path: Path) -> None:
    files = {form: tmp_path / f"report.{form}" for form in FORMATS}
    for form, path in files.items():
        write(content, form, path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(path.name for path in files.values())
    assert files["pdf"].read_bytes().startswith(b"%PDF-") and files["pdf"].read_bytes().rstrip().endswith(b"%%EOF")
    told = json.loads(files["json"].read_bytes())
    assert (
        told["kpis"][0]["value"] == 0.9819
        and told["states"][0]["lowest"] == 0
        and told["outlooks"][0]["expected"] == "2026-11-25"
    )
    rows = list(csv.DictReader(io.StringIO(files["csv"].read_text(encoding="utf-8"))))
    assert [row["kpi"] for row in rows] == [line.kpi for line in content.lines] and float(rows[0]["target"]) == 0.99
    table = pq.read_table(files["parquet"])
    assert table.num_rows == 4 and table.column("value").to_pylist()[0] == 0.9819
    book = openpyxl.load_workbook(files["xlsx"])
    assert book.sheetnames == ["Summary", "KPIs", "Days", "Incidents", "Worst", "Outlook"]
    assert book["KPIs"]["F2"].value == 0.9819 and book["Days"].max_row == 1 + 4 * 28


def test_spreadsheet_works_out_nothing_that_was_stored(content: Content, tmp_path: Path) -> None:
    evil = replace(content, lines=[replace(content.lines[0], entity="=HYPERLINK(1)", name="+1+1")])
    write(evil, "xlsx", tmp_path / "r.xlsx")
    write(evil, "csv", tmp_path / "r.csv")
    cells = [cell for row in openpyxl.load_workbook(tmp_path / "r.xlsx")["KPIs"].iter_rows() for cell in row]
    assert not [cell for cell in cells if cell.data_type == "f"]
    assert "'=HYPERLINK(1)" in (tmp_path / "r.csv").read_text(encoding="utf-8")


def test_file_that_cannot_be_finished_leaves_the_old_one_and_nothing_beside_it(
    content: Content, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "report.json"
    path.write_text("old")

    def killed(_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(whole_files.os, "fsync", killed)
    with pytest.raises(OperatorError, match="No space left"):
        write(content, "json", path)
    assert [each.name for each in tmp_path.iterdir()] == ["report.json"] and path.read_text() == "old"


def test_unknown_format_is_refused(content: Content, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="unknown format"):
        write(content, "docx", tmp_path / "r.docx")
    assert not list(tmp_path.iterdir())


def test_mail_has_a_subject_of_one_line_the_page_and_the_pdf(content: Content) -> None:
    found = mail(replace(content, title="Weekly\r\nBcc: all@example.org"))
    assert "\n" not in found.subject and "\r" not in found.subject and "1 of 3 targets held" in found.subject
    assert "service.availability" in found.html and "critical" in found.text
    (attachment,) = found.attachments
    assert attachment.name == "kpi-report-2026-11-14.pdf" and attachment.body.startswith(b"%PDF-")


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.98191, "ratio", "98.19 %"), (0.00408, "ratio", "0.408 %"), (1.0, "ratio", "100 %"), (4.4e9, "bytes", "4.4 GB"),
        (12.0, "incidents", "12 incidents"), (1361.2, "ms", "1,361 ms"), (None, "ms", "–"), (float("nan"), "ms", "–"),
        (-0.0, "points", "0 points"), (512.0, "bytes", "512 B"),
    ],
)  # fmt: skip
def test_numbers_are_shown_as_people_read_them(value: float | None, unit: str, text: str) -> None:
    assert shown(value, unit).replace("\u00a0", " ") == text


def test_changes_are_shown_with_their_sign() -> None:
    assert [change(each) for each in (0.031, -0.5, None, 24.0)] == ["+3.1 %", "-50.0 %", "–", "×25"]
