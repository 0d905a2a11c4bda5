"""The head of a layout's filters: from the physical line to one text per column under [raw], by the kind of its format.

Logstash sees lines, not files: it never knows which header a line stood under. So a csv that has one must have the columns of its
layout, all of them and in its order; any other header is a reject, and so are lines with another number of cells.
The rules are those of `mediation.formats`. The csv and json filters read csv and JSON; pairs are read by a script, since the kv
filter takes brackets and quotes off values, and parts of a cell likewise.
"""

from __future__ import annotations

from mediation.formats.cut import type_line
from mediation.layout import Column
from mediation.logstash.language import Value, literal, raw
from mediation.logstash.writer import GOOD, FilterWriter

PARSED = "[@metadata][json]"


def write_head(filters: FilterWriter, line_bytes: int) -> None:
    """The line itself, then its cells. Raises LayoutError on what the configuration language cannot hold."""
    _line(filters, line_bytes)
    {"csv": _csv, "json": _json, "pairs": _pairs}[filters.layout.format.kind](filters)
    _finish(filters)


def _line(filters: FilterWriter, line_bytes: int) -> None:
    layout = filters.layout
    settings: dict[str, Value] = {"max_bytes": line_bytes}
    if layout.headed:
        filters.out.comment("The line: length, encoding, header. Blank lines and the header end here.")
        settings |= {"header": literal(layout.separator.join(layout.header)), "separator": layout.separator}
        if layout.format.header == "names-and-types":
            settings["types"] = type_line(layout.separator).pattern
        if layout.strip:
            settings["strip"] = True  # in script_params `false` would be the text "false", which Ruby takes for true
    else:
        filters.out.comment("The line: length, encoding. Blank lines end here.")
    filters.script("line", "line", settings)


def _csv(filters: FilterWriter) -> None:
    layout, names = filters.layout, list(_csv_columns(filters.layout.columns).values())
    with filters.out.block(f"if {GOOD}"):
        filters.script("quoting", "quoting", {"separator": layout.separator})
    with filters.out.block(f"if {GOOD}"):
        filters.add("csv", "csv", {"separator": layout.separator, "columns": list[Value](names), "target": "[raw]"})
        if layout.strip:
            filters.add("mutate", "strip", {"strip": [raw(name) for name in names]})
    settings: dict[str, Value] = {"columns": len(names)}
    if layout.format.counts:
        settings["counts"] = list(layout.format.counts)
    filters.script("count", "columns", settings)


def _csv_columns(columns: tuple[Column, ...]) -> dict[str, str]:
    """Name of each cell → its name under [raw]: that of its column, or its own where every column is a part of it."""
    names = {column.name: column.name for column in columns}
    return names | {column.name: column.raw for column in columns if not column.part}


def _json(filters: FilterWriter) -> None:
    columns: dict[str, Value] = {column.raw: column.name for column in filters.layout.columns}
    with filters.out.block(f"if {GOOD}"):
        filters.out.comment("(Without `skip_on_invalid_json` the whole line would go to Logstash's own log.)")
        settings: dict[str, Value] = {"source": "message", "target": PARSED, "skip_on_invalid_json": True}
        filters.add("json", "json", settings)
        filters.script("cells", "object_cells", {"parsed": PARSED, "columns": columns})


def _pairs(filters: FilterWriter) -> None:
    form = filters.layout.format
    settings: dict[str, Value] = {"separator": form.separator, "equals": form.equals}
    if form.after:
        settings["after"] = literal(form.after)
    settings["columns"] = {column.raw: column.name for column in filters.layout.columns}
    with filters.out.block(f"if {GOOD}"):
        filters.script("cells", "pair_cells", settings)


def _finish(filters: FilterWriter) -> None:
    """Parts are taken out of their cells, and texts that stand for no value are emptied."""
    columns = filters.layout.columns
    cells = _csv_columns(columns) if filters.layout.format.kind == "csv" else {}
    parts: dict[str, Value] = {
        column.raw: [cells.get(column.name, column.raw), literal(column.part)] for column in columns if column.part
    }
    absent: dict[str, Value] = {
        column.raw: [literal(text) for text in column.absent] for column in columns if column.absent
    }
    if not (parts or absent):
        return
    settings: dict[str, Value] = {}
    if parts:
        settings["parts"] = parts
    if absent:
        settings["absent"] = absent
    with filters.out.block(f"if {GOOD}"):
        filters.script("parts", "cell_parts", settings)
