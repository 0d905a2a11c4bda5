"""How reports look: for people, for machines, and harmless in a spreadsheet."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime
from decimal import Decimal

from tests.usage.usage_samples import days
from usage.analytics.report import Column, Report
from usage.render import render

EVIL = "=HYPERLINK(1)|*x*"
REPORT = Report(
    "top",
    "A title",
    days("2026-11-01", "2026-11-02", "Europe/Berlin"),
    (
        *(Column("who", "text"), Column("calls"), Column("call_time", "ms"), Column("data", "bytes")),
        *(Column("price", "money"), Column("share", "ratio"), Column("last", "time")),
    ),
    [
        (EVIL, 1234, 3_723_000, 1_500_000, Decimal("12.345"), 0.25, datetime(2026, 11, 1, 10, tzinfo=UTC)),
        ("b", *(None,) * 6),
    ],
    {"calls": 1234},
    ("a note",),
    "EUR",
)


def test_table_is_for_people() -> None:
    text = render(REPORT, "table")
    for part in (
        "A title",
        "Europe/Berlin",
        "price [EUR]",
        "1,234",
        "1:02:03",
        "1.5 MB",
        "12.34 ",
        "25.0%",
        "2026-11-01 11:00",
        "a note",
    ):
        assert part in text
    assert "total" in text


def test_csv_has_plain_figures_and_runs_no_formula() -> None:
    rows = list(csv.DictReader(io.StringIO(render(REPORT, "csv"))))
    assert rows[0] == {
        "who": f"'{EVIL}",
        "calls": "1234",
        "call_time_ms": "3723000",
        "data_bytes": "1500000",
        "price": "12.34",
        "share": "0.25",
        "last": "2026-11-01T10:00:00.000Z",
    }
    assert set(rows[1].values()) == {"b", ""}


def test_json_has_units_in_names_and_money_as_text() -> None:
    found = json.loads(render(REPORT, "json"))
    assert (found["from"], found["timezone"], found["currency"]) == ("2026-10-31T23:00:00.000Z", "Europe/Berlin", "EUR")
    assert found["rows"][0]["price"] == "12.34"
    assert found["rows"][1]["call_time_ms"] is None
    assert found["totals"] == {"calls": 1234}


def test_markdown_escapes_what_would_be_markup() -> None:
    text = render(REPORT, "markdown")
    assert "=HYPERLINK(1)\\|\\*x\\*" in text
    assert text.startswith("## A title\n")
