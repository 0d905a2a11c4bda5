"""A report as a table, CSV, JSON or Markdown. Tables and Markdown are for people; CSV and JSON keep the plain figures."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any
from zoneinfo import ZoneInfo

from prettytable import PrettyTable, TableStyle

from contracts.clock import iso
from usage.analytics.report import Column, Report, Value
from usage.records.kinds import Kind
from usage.text.durations import clock
from usage.text.volumes import decimal

FORMATS = ("table", "csv", "json", "markdown")
CENT = Decimal("0.01")
_HIDDEN = ("quarter", "origin")  # of a record: how it is kept, not what it says
_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet would run


def render(report: Report, form: str) -> str:
    """The text, ending with a line end."""
    return _RENDERERS[form](report)


def as_dict(report: Report) -> dict[str, Any]:
    """Plain values: durations in ms, volumes in bytes, money as text of digits, times as ISO 8601 in UTC."""
    names = [_with_unit(column) for column in report.columns]
    found: dict[str, Any] = {
        "report": report.name,
        "title": report.title,
        "from": iso(report.period.start),
        "to": iso(report.period.end),
        "timezone": report.period.zone.key,
        "rows": [dict(zip(names, map(_plain, row), strict=True)) for row in report.rows],
        "notes": list(report.notes),
    }
    if report.totals:
        units = {column.name: _with_unit(column) for column in report.columns}
        found["totals"] = {units[name]: _plain(value) for name, value in report.totals.items()}
    if report.currency:
        found["currency"] = report.currency
    return found


def _with_unit(column: Column) -> str:
    return f"{column.name}_{column.unit}" if column.unit in ("ms", "bytes") else column.name


def _plain(value: Value) -> Any:
    if isinstance(value, Decimal):
        return money(value)
    if isinstance(value, datetime):
        return iso(value)
    return value.isoformat() if isinstance(value, date) else value


def money(value: Decimal) -> str:
    """To the cent, half to even, as text."""
    return f"{value.quantize(CENT, ROUND_HALF_EVEN):f}"


def _json(report: Report) -> str:
    return json.dumps(as_dict(report), indent=2, ensure_ascii=False) + "\n"


def _csv(report: Report) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([_with_unit(column) for column in report.columns])
    for row in report.rows:
        writer.writerow([_cell(value) for value in row])
    return out.getvalue()


def _cell(value: Value) -> Any:
    """Text that a spreadsheet would take for a formula gets an apostrophe in front."""
    plain = _plain(value)
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return "" if plain is None else plain


def _table(report: Report) -> str:
    table = _filled(report, lambda text: text)
    return "\n".join([_heading(report), table.get_string(), *report.notes]) + "\n"


def _markdown(report: Report) -> str:
    table = _filled(report, _escaped)
    table.set_style(TableStyle.MARKDOWN)
    notes = [f"\n{_escaped(note)}" for note in report.notes]
    return (
        "\n".join(
            [f"## {_escaped(report.title)}\n", f"{_escaped(report.period.words())}\n", table.get_string(), *notes]
        )
        + "\n"
    )


def _escaped(text: str) -> str:
    for sign in "\\|`*_<>[]":
        text = text.replace(sign, f"\\{sign}")
    return text


def _heading(report: Report) -> str:
    return f"{report.title}\n{report.period.words()}"


def _filled(report: Report, written: Callable[[str], str]) -> PrettyTable:
    names = [_title(column, report.currency) for column in report.columns]
    table = PrettyTable(field_names=names)
    for name, column in zip(names, report.columns, strict=True):
        table.align[name] = "l" if column.unit == "text" else "r"
    for row in report.rows:
        table.add_row([written(_shown_in(report, row, at)) for at in range(len(row))])
    if report.totals and report.rows:
        table.add_divider()
        total = [shown(report.totals.get(column.name), column.unit) for column in report.columns]
        table.add_row(["total", *total[1:]])
    return table


def _shown_in(report: Report, row: tuple[Value, ...], at: int) -> str:
    unit, value = report.columns[at].unit, row[at]
    if unit == "mixed":
        unit = str(row[[column.name for column in report.columns].index("unit")])
    if unit == "time" and isinstance(value, datetime):
        return value.astimezone(report.period.zone).strftime("%Y-%m-%d %H:%M")
    return shown(value, unit)


def _title(column: Column, currency: str) -> str:
    name = column.name.replace("_", " ")
    return f"{name} [{currency}]" if column.unit == "money" else name


def shown(value: Value, unit: str) -> str:
    """A value as a person reads it; – where there is none."""
    if value is None:
        return "–" if unit != "text" else ""
    if isinstance(value, Decimal):
        return f"{value.quantize(CENT, ROUND_HALF_EVEN):,}"
    if unit == "ms" and isinstance(value, int):
        return clock(value // 1000 * 1000)
    if unit == "bytes" and isinstance(value, int):
        return decimal(value)
    if unit == "ratio" and isinstance(value, int | float):
        return f"{value:.1%}" if value < 10 else f"× {value + 1:,.0f}"  # a change against next to nothing
    return f"{value:,}" if isinstance(value, int) else str(value)


def record_table(kind: Kind, records: Sequence[Mapping[str, Any]], zone: ZoneInfo) -> tuple[list[str], list[list[str]]]:
    """Headings and cells of stored records for people: local times, durations and volumes in words."""
    names = [name for name in kind.columns if name not in _HIDDEN]
    titles = [name.removesuffix("_ms").removesuffix("_bytes").replace("_", " ") for name in names]
    return titles, [[_recorded(name, record[name], zone) for name in names] for record in records]


def _recorded(name: str, value: Any, zone: ZoneInfo) -> str:
    if isinstance(value, datetime):
        return value.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, bool):
        return "yes" if value else "no"
    if name.endswith("_ms"):
        return clock(value)
    return decimal(value) if name.endswith("_bytes") else str(value or "")


_RENDERERS: dict[str, Callable[[Report], str]] = {"table": _table, "csv": _csv, "json": _json, "markdown": _markdown}
