"""A KPI report from gathering to a file. The order is here."""

from __future__ import annotations

from pathlib import Path

from contracts.errors import UserError
from kpis.whole_files import put, write_whole
from reports import html, tables
from reports.content import Content

FORMATS = ("html", "pdf", "xlsx", "csv", "json", "parquet")


def write(content: Content, form: str, path: Path) -> None:
    """Writes a report in one of FORMATS; the file appears whole or not at all. Raises UserError on another format."""
    if form not in FORMATS:
        raise UserError(f"unknown format {form[:20]!r}", remedy=f"one of {', '.join(FORMATS)}")
    if form == "parquet":
        write_whole(path, lambda aside: tables.parquet(content, aside))
        return
    if form in ("csv", "json"):
        body = tables.csv_text(content) if form == "csv" else tables.json_text(content)
        write_whole(path, lambda aside: put(aside, body))
        return
    from reports.pictures import pictures  # matplotlib takes a while to load

    shots = pictures(content)
    if form == "xlsx":
        write_whole(path, lambda aside: tables.workbook(content, shots, aside))
    elif form == "pdf":
        from reports.pdf import document

        body = document(content, shots)
        write_whole(path, lambda aside: put(aside, body))
    else:
        text = html.page(content, shots).encode("utf-8")
        write_whole(path, lambda aside: put(aside, text))
