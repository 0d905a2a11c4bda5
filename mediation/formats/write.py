"""The way back: cells of a layout's columns as a record of its kind, for samples, generators and tests."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Any

import orjson

from mediation.layout import Column, Layout


def record_of(layout: Layout, cells: Sequence[str], *, numbers: bool = False) -> str:
    """One record, without line end, of a text per column; `cells_reader` reads the same cells from it.

    `numbers`: JSON has columns of numbers as numbers, no strings; `1.10` is read back as `1.1` then. Cells that a kind cannot
    hold (a separator inside a pair) are written as they are, and are not read back.
    """
    form = layout.format
    if form.kind == "json":
        return _object(layout, cells, numbers)
    if form.kind == "pairs":
        pairs = (
            f"{column.name}{form.equals}{cell}" for column, cell in zip(layout.columns, cells, strict=True) if cell
        )
        return form.after + form.separator.join(pairs)
    named: dict[str, str] = {}
    for column, cell in zip(layout.columns, cells, strict=True):
        named[column.name] = _with_part(named.get(column.name, ""), column, cell)
    return _row(layout, list(named.values()) if layout.headed else list(cells))


def _with_part(before: str, column: Column, cell: str) -> str:
    if not column.part:
        return cell
    return ";".join(filter(None, (before, f"{column.part}={cell}" if cell else "")))


def _row(layout: Layout, cells: Sequence[str]) -> str:
    out = io.StringIO()
    csv.writer(out, delimiter=layout.separator, lineterminator="").writerow(cells)
    return out.getvalue()


def header_lines(layout: Layout) -> list[str]:
    """The lines above the records: names, and types where the format has them."""
    if not layout.headed:
        return []
    header = [*layout.header[:-1], layout.header[-1] + " "] if layout.strip else list(layout.header)
    lines = [_row(layout, header)]
    if layout.format.header == "names-and-types":
        kinds = {column.name: column.type for column in layout.columns}
        lines.append(layout.separator.join("INTEGER" if kinds[name] != "keyword" else "VARCHAR(50)" for name in header))
    return lines


def _object(layout: Layout, cells: Sequence[str], numbers: bool) -> str:
    record: dict[str, Any] = {}
    for column, cell in zip(layout.columns, cells, strict=True):
        if cell:
            value = orjson.loads(cell) if numbers and column.type != "keyword" else cell
            _put(record, column.name.split("."), value)
    return orjson.dumps(_listed(record)).decode()


def _put(node: dict[str, Any], path: Sequence[str], value: str) -> None:
    for key in path[:-1]:
        node = node.setdefault(key, {})
    node[path[-1]] = value


def _listed(node: Any) -> Any:
    """Objects whose keys are 0, 1, 2 … are lists."""
    if not isinstance(node, dict):
        return node
    members = {key: _listed(value) for key, value in node.items()}
    places = [str(place) for place in range(len(members))]
    return [members[place] for place in places] if places and set(places) == set(members) else members
