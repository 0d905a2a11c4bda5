"""The figures as tables: for a terminal, and between two marks of a page, so that a page is written by the command it quotes."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from contracts.errors import OperatorError, UserError

Table = tuple[str, Sequence[str], list[list[Any]]]  # title, headings, rows
_NAMES = {
    "learned": "learned model",
    "independent": "independent columns",
    "copied": "copied rows",
    "sdv": "SDV, Gaussian copula",
}


def tables(figures: Mapping[str, Any]) -> list[Table]:
    """Likeness, rates, memory and targets of one run of the bench."""
    return [_likeness(figures), _rates(figures), _memory(figures), _targets(figures)]


def _likeness(figures: Mapping[str, Any]) -> Table:
    title = (
        f"Likeness to {figures['sample']} ({figures['sample_rows']:,} rows), {figures['synthetic_rows']:,} records; "
        f"new rows and copies of {figures['new_rows_of']}, reference {_short(figures['reference_new_row_share'])} new"
    )
    keys = ("quality", "column_shapes", "column_pairs", "boundaries", "new_row_share", "copies")
    headings = ("records", "quality", "shapes", "pairs", "within bounds", "new rows", "copies")
    rows = [[_NAMES[name], *(scores[key] for key in keys)] for name, scores in figures["contenders"].items()]
    return title, headings, rows


def _rates(figures: Mapping[str, Any]) -> Table:
    title = f"Rows a second on one core, {len(figures['columns'])} columns unless said"
    rows = [
        [
            f"CSV writer: {name}" if not name.startswith("learned") else _rate_name(name),
            each["rows_per_s"],
            each["rows_per_s_wall"],
        ]
        for name, each in figures["rates"].items()
    ]
    if figures["sdv_rows_per_s"]:
        rows.append(["SDV, Gaussian copula, sampling alone", figures["sdv_rows_per_s"], figures["sdv_rows_per_s_wall"]])
    rows.append(
        [
            "generator without a sample, files written",
            figures["plain"]["rows_per_s"],
            figures["plain"]["rows_per_s_wall"],
        ]
    )
    rows += [[f"CSV writer: {name} (not installed)", None, None] for name in figures["writers_missing"]]
    return title, ("what", "by processor time", "by the wall"), rows


def _rate_name(name: str) -> str:
    return {"learned": "learned model, CSV written", "learned, every column": "learned model, CSV of every column"}.get(
        name, "CSV writer: our own, rows drawn before"
    )


def _memory(figures: Mapping[str, Any]) -> Table:
    title = "Peak memory, CSV of every column, first rows of a 100-million-row request"
    return title, ("rows", "peak bytes"), [[each["rows"], each["peak_rss_bytes"]] for each in figures["memory"]]


def _targets(figures: Mapping[str, Any]) -> Table:
    said = {True: "yes", False: "NO", None: "not measured"}
    rows = [
        [name, row["figure"], f"{row['is']} {_short(row['bound'])}", said[row["met"]]]
        for name, row in figures["targets"].items()
    ]
    return "Targets of the learned model", ("figure", "is", "should be", "met"), rows


def _short(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:.3f}" if abs(value) < 100 else f"{value:,.0f}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def markdown(figures: Mapping[str, Any]) -> str:
    """The tables as Markdown."""
    parts = []
    for title, headings, rows in tables(figures):
        lines = [f"**{title}**", "", "| " + " | ".join(headings) + " |", "|" + "---|" * len(headings)]
        lines += ["| " + " | ".join(map(_short, row)) + " |" for row in rows]
        parts.append("\n".join(lines))
    return "\n\n".join(parts)


def write_into(path: Path, figures: Mapping[str, Any]) -> None:
    """Replaces what stands in `path` between the marks of this sample. Raises UserError where the page has no such marks."""
    begin, end = f"<!-- bench generate: {figures['sample']} -->", "<!-- end -->"
    text = path.read_text(encoding="utf-8")
    before, mark, rest = text.partition(begin)
    _, last, after = rest.partition(end)
    if not mark or not last:
        raise UserError(f"has no place for these figures: {begin} … {end}", where=str(path), remedy="add the two marks")
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        beside.write_text(f"{before}{begin}\n\n{markdown(figures)}\n\n{end}{after}", encoding="utf-8")
        beside.replace(path)
    except OSError as error:
        raise OperatorError(f"cannot be written: {error.strerror}", where=str(path)) from error
