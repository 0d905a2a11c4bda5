"""An evaluation as one HTML page: figures, types with their delays against their limits, every incident. Plots are inline SVG."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from contracts.ids import digest

_STYLE = """body{font:15px/1.45 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem;color:#1b1f24}
table{border-collapse:collapse;margin:1rem 0;width:100%}
td,th{padding:.25rem .6rem;border-bottom:1px solid #d8dee4;text-align:left;
vertical-align:top}th{font-weight:600}.n{text-align:right}.bad{color:#b3261e}.note{color:#57606a}svg{max-width:100%}"""
_WIDTH, _LEFT, _ROW = 900, 190, 26
_GOOD, _LATE, _LIMIT = "#1a7f6b", "#b3261e", "#57606a"


def page(figures: Mapping[str, Any], title: str) -> str:
    """The page of `Evaluation.as_dict()` (more keys are welcome)."""
    parts = [
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{escape(title)}</title><style>{_STYLE}</style>",
        f"<h1>{escape(title)}</h1>",
        _summary(figures),
        "<h2>Delay by incident type</h2>",
        "<p class=note>A dot is a found incident, green within its type's limit (bar), red after it; time is on a logarithm.</p>",
        delays_svg(figures["by_type"]),
        _types(figures["by_type"]),
        "<h2>Every labelled incident</h2>",
        _matches(figures["matches"]),
        *([_books(figures["books"])] if figures.get("books") else []),
        *([_feedback(figures["feedback"])] if "feedback" in figures else []),
        "</html>",
    ]
    return "\n".join(parts)


def write_page(path: Path, text: str) -> None:
    """The file appears whole or not at all."""
    part = path.with_name(f".{path.name}.{digest(str(path))[:8]}.part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)


def _summary(figures: Mapping[str, Any]) -> str:
    rows = [
        ("precision", f"{figures['precision']:.3f}"),
        ("recall", f"{figures['recall']:.3f}"),
        ("F1", f"{figures['f1']:.3f}"),
        ("median delay", _minutes(figures["median_delay_s"])),
        ("false alarms per service and week", f"{figures['false_alarms_per_service_week']:.2f}"),
    ]
    return "<table>" + "".join(f"<tr><th>{name}<td class=n>{value}" for name, value in rows) + "</table>"


def _types(rows: Sequence[Mapping[str, Any]]) -> str:
    names = ("labelled", "scored", "found", "in time", "median delay", "limit")
    head = "<tr><th>type" + "".join(f"<th class=n>{name}" for name in names)
    body = (
        f"<tr><td>{escape(row['type'])}<td class=n>{row['labelled']}<td class=n>{row['scored']}<td class=n>{row['found']}"
        f"<td class=n>{row['within_limit']}<td class=n>{_minutes(row['median_delay_s'])}<td class=n>{_minutes(row['limit_s'])}"
        for row in rows
    )
    return f"<table>{head}{''.join(body)}</table>"


def _matches(rows: Sequence[Mapping[str, Any]]) -> str:
    head = "<tr><th>labelled<th>place<th>found<th class=n>after<th class=n>limit"
    body = []
    for row in rows:
        found = escape(row["title"]) if row["found"] else ("not found" if row["scored"] else "not scored")
        bad = " class=bad" if row["scored"] and (not row["found"] or row["late"]) else ""
        body.append(
            f"<tr{bad}><td>{escape(row['labelled'])}<td>{escape(', '.join(row['entities']))}<td>{found}"
            f"<td class=n>{_minutes(row['delay_s'])}<td class=n>{_minutes(row['limit_s'])}"
        )
    return f"<table>{head}{''.join(body)}</table>"


def _books(rows: Sequence[Mapping[str, Any]]) -> str:
    body = "".join(
        f"<tr{'' if row['told'] else ' class=bad'}><td>{escape(row['labelled'])}<td>{'told' if row['told'] else 'not told'}"
        f"<td class=n>{_minutes(row['after_s'])}<td>{escape(row['words'])}"
        for row in rows
    )
    return f"<h2>Told by the books of files</h2><table><tr><th>labelled<th>told<th class=n>after<th>why{body}</table>"


def _feedback(said: Mapping[str, Any]) -> str:
    rows = "".join(f"<tr><th>{escape(name)}<td class=n>{escape(value)}" for name, value in feedback_rows(said))
    return f"<h2>What people said</h2><table>{rows}</table>"


def feedback_rows(said: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Verdicts on the anomalies of the span in words: (what, how many)."""
    precision = said["precision"]
    return [
        ("called true", str(said["true"])),
        ("called false", str(said["false"])),
        ("called expected", str(said["expected"])),
        ("without a verdict", str(said["unsaid"])),
        ("precision as people say it", "–" if precision is None else f"{precision:.3f}"),
        ("withdrawn since a verdict keeps them quiet", str(said["withdrawn"])),
        ("kept quiet by the last detection", str(said["suppressed_last_run"])),
    ]


def delays_svg(rows: Sequence[Mapping[str, Any]]) -> str:
    """Delays of found incidents by type on a logarithmic axis of minutes, each type's limit as a bar."""
    kept = [row for row in rows if row["scored"]]
    height = _ROW * len(kept) + 40
    head = f'viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="delay by incident type"'
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" font-family="system-ui,sans-serif" {head}>']
    for mark in (5, 15, 60, 240, 1440, 5760):
        x = _x(mark * 60)
        label = f"{mark} min" if mark < 60 else f"{mark // 60} h" if mark < 1440 else f"{mark // 1440} d"
        parts.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="0" y2="{height - 25}" stroke="#d8dee4"/>')
        parts.append(f'<text x="{x:.1f}" y="{height - 8}" font-size="12" text-anchor="middle">{label}</text>')
    for place, row in enumerate(kept):
        parts += _row_svg(row, place * _ROW + _ROW / 2)
    return "".join([*parts, "</svg>"])


def _row_svg(row: Mapping[str, Any], y: float) -> list[str]:
    parts = [f'<text x="0" y="{y + 4:.1f}" font-size="13">{escape(row["type"])}</text>']
    limit = row["limit_s"]
    if limit is not None:
        x = _x(limit)
        parts.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{y - 9}" y2="{y + 9}" stroke="{_LIMIT}" stroke-width="3"/>')
    for delay in row["delays_s"]:
        colour = _LATE if limit is not None and delay > limit else _GOOD
        parts.append(f'<circle cx="{_x(delay):.1f}" cy="{y:.1f}" r="4.5" fill="{colour}" fill-opacity="0.7"/>')
    return parts


def _x(seconds: float) -> float:
    """From a minute to six days, logarithmically."""
    share = math.log(max(seconds, 60) / 60) / math.log(6 * 1440)
    return _LEFT + share * (_WIDTH - _LEFT - 20)


def _minutes(seconds: float | None) -> str:
    if seconds is None:
        return "–"
    return f"{seconds / 60:.0f} min" if seconds < 86400 else f"{seconds / 86400:.1f} d"
