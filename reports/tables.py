"""The report's figures for other programs: JSON, CSV, XLSX with pictures, Parquet."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import orjson

from contracts.clock import iso
from kpis.exporting import safe
from reports.content import Content, Line
from reports.pictures import Picture

COLUMNS = (
    "kpi", "name", "group", "entity", "unit", "value", "before", "change", "samples", "target_op", "target", "holds",
    "level", "trend",
)  # fmt: skip


def as_dict(content: Content) -> dict[str, Any]:
    """All of it, for machines. Times are ISO text, UTC."""
    return {
        "title": content.title,
        "from": iso(content.start),
        "to": iso(content.end),
        "made": iso(content.made),
        "held": content.held,
        "aimed": content.aimed,
        "kpis": [_line(line) for line in content.lines],
        "states": [
            {"service": each.service, "lowest": each.lowest + 0, "last": each.last + 0} for each in content.states
        ],
        "incidents": [
            {
                "from": iso(each.start),
                "to": iso(each.end) if each.end else None,
                "severity": each.severity,
                "title": each.title,
                "services": each.services,
            }
            for each in content.incidents
        ],
        "incidents_in_all": content.incidents_in_all,
        "worst": [{"kpi": each.kpi, "whole": each.whole, **each.row._asdict()} for each in content.worst],
        "outlooks": [
            {
                "kpi": each.kpi,
                "entity": each.entity,
                "target": each.target,
                "expected": each.expected or None,
                "possible": each.possible or None,
                "days": [
                    {"day": iso(day), "mean": mean, "lower": lower, "upper": upper}
                    for day, mean, lower, upper in each.days
                ],
            }
            for each in content.outlooks
        ],
        "usage": [
            {"measure": measure, "unit": unit, "value": value, "before": before}
            for measure, unit, value, before, _ in content.usage
        ],
        "silent": content.silent,
        "notes": content.notes,
    }


def _line(line: Line) -> dict[str, Any]:
    found = dict(zip(COLUMNS, _row(line), strict=True))
    return found | {
        "changes": [{"at": iso(each.at), "before": each.before, "after": each.after} for each in line.changes]
    }


def _row(line: Line) -> list[Any]:
    return [getattr(line, name) for name in COLUMNS]


def json_text(content: Content) -> bytes:
    return orjson.dumps(as_dict(content), option=orjson.OPT_INDENT_2 | orjson.OPT_SERIALIZE_NUMPY, default=str)


def csv_text(content: Content) -> bytes:
    """One row a KPI and entity."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    writer.writerows([[safe(cell) for cell in _row(line)] for line in content.lines])
    return text.getvalue().encode("utf-8")


def parquet(content: Content, path: Path) -> None:
    """The same rows."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    texts = {"kpi", "name", "group", "entity", "unit", "target_op", "level", "trend"}
    kinds = {"samples": pa.int64(), "holds": pa.bool_()}
    schema = pa.schema([(name, pa.string() if name in texts else kinds.get(name, pa.float64())) for name in COLUMNS])
    columns = [[getattr(line, name) for line in content.lines] for name in COLUMNS]
    arrays = [pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)]
    pq.write_table(pa.Table.from_arrays(arrays, schema=schema), path)


def workbook(content: Content, pictures: Sequence[Picture], path: Path) -> None:
    """Sheets Summary (with the pictures), KPIs, Days, Incidents, Worst, Outlook."""
    import openpyxl
    from openpyxl.drawing.image import Image
    from openpyxl.styles import Font

    book = openpyxl.Workbook()
    summary = book.active
    assert summary is not None  # noqa: S101 - a new workbook has a sheet
    summary.title = "Summary"
    for row in _summary(content):
        summary.append(row)
    summary["A1"].font = Font(bold=True, size=14)
    at = len(_summary(content)) + 2
    for picture in pictures:
        shot = Image(io.BytesIO(picture.png))
        shot.width, shot.height = round(picture.width * 80), round(picture.height * 80)
        summary.add_image(shot, f"A{at}")
        at += round(picture.height * 80 / 20) + 2
    for name, rows in _sheets(content):
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append([safe(cell) for cell in row])
        for cell in sheet[1]:
            cell.font = Font(bold=True)
        sheet.freeze_panes = "A2"
        for column in "ABCD":
            sheet.column_dimensions[column].width = 28
    summary.column_dimensions["A"].width = 32
    book.save(path)


def _summary(content: Content) -> list[list[Any]]:
    rows: list[list[Any]] = [
        [safe(content.title)],
        ["from (UTC)", f"{content.start:%Y-%m-%d}"],
        ["to (not included)", f"{content.end:%Y-%m-%d}"],
        ["targets held", content.held],
        ["targets in all", content.aimed],
        ["incidents", content.incidents_in_all],
    ]
    return rows + [
        [f"state of {each.service}, lowest and last", each.lowest + 0, each.last + 0] for each in content.states
    ]


def _sheets(content: Content) -> Iterator[tuple[str, list[list[Any]]]]:
    yield "KPIs", [list(COLUMNS), *(_row(line) for line in content.lines)]
    days = [[line.kpi, line.entity, f"{day:%Y-%m-%d}", value] for line in content.lines for day, value in line.days]
    yield "Days", [["kpi", "entity", "day", "value"], *days]
    incidents = [
        [iso(each.start), iso(each.end) if each.end else "", each.severity, ", ".join(each.services), each.title]
        for each in content.incidents
    ]
    yield "Incidents", [["from", "to", "severity", "services", "what"], *incidents]
    worst = [[each.kpi, each.row.entity, each.row.value, each.whole, each.row.samples] for each in content.worst]
    yield "Worst", [["kpi", "entity", "value", "all together", "samples"], *worst]
    outlook = [[each.kpi, each.entity, each.target, each.expected, each.possible] for each in content.outlooks]
    yield "Outlook", [["kpi", "entity", "target", "crossed, expected", "crossed, possible from"], *outlook]
