"""How one record becomes a document or a reject, step by step: what `busyhour layouts explain` shows.

The outcome is that of `mediation.compile`; the steps before it are told by the same parts that it is made of.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from contracts.errors import UserError
from contracts.ids import concatenated
from contracts.indices import CDR_INDEX
from contracts.outcomes import Reject
from mediation.compile import Record, compile_layout
from mediation.formats import cells_reader, records
from mediation.golden import KEY
from mediation.layout import Layout
from mediation.lines import judge, no_data, without_end
from mediation.settle import reject_prefix
from mediation.sniff import Source, inspect
from mediation.values import Refusal, converter

_SHOWN = 2000


@dataclass(frozen=True, slots=True)
class Step:
    """`step`: cell, value, time, target, constant, derived, flag or identity; `text` becomes `value` under `name`."""

    step: str
    name: str
    text: str
    value: Any


@dataclass(slots=True)
class Explanation:
    """`steps` up to the first failure; then either `document`, with its id and index, or `reject`."""

    layout: str
    number: int
    offset: int
    raw: str
    steps: list[Step] = field(default_factory=list)
    index: str = ""
    id: str = ""
    document: dict[str, Any] | None = None
    reject: Reject | None = None


def explain(
    path: Path, layouts: Mapping[str, Layout], *, wanted: str | None = None, line: int | None = None, limit: int = 2**20
) -> Explanation:
    """The record that is line `line` of a file, the first one unless given; keyed hashes are made with an example key.

    Raises UserError when the file cannot be read or recognised, or has no record there.
    """
    source = inspect(path, layouts, wanted)
    layout = source.layout
    if layout is None:
        raise UserError("is empty", where=str(path), remedy="name a file with records")
    offset, number, raw = _found(source, layout, line, limit)
    outcome = judge(compile_layout(layout, KEY, header=source.header or None), limit)(raw)
    shown = raw[:_SHOWN].hex() if layout.binary else raw[:_SHOWN].decode(errors="replace")
    told = Explanation(layout.name, number, offset, shown)
    if isinstance(outcome, Record):
        told.index, told.id, told.document = CDR_INDEX[outcome.service], outcome.id, outcome.document
    else:
        told.index, told.reject = "cdr-reject", outcome
    try:
        record: Any = raw if layout.binary else raw.decode()
    except UnicodeDecodeError:
        return told
    cells = cells_reader(layout, source.header or None)(record)
    if not isinstance(cells, Reject):
        told.steps += _steps(layout, cells, outcome)
    return told


def _found(source: Source, layout: Layout, line: int | None, limit: int) -> tuple[int, int, bytes]:
    skipped = no_data(source.header_line)
    where = str(source.path)
    with source.open() as stream:
        for offset, number, found in records(layout, stream, limit, reject_prefix(layout.name)):
            raw = without_end(found)
            if line is not None and number == line and raw in skipped:
                raise UserError(f"line {line} is a header or blank", where=where, remedy="name a line with a record")
            if raw not in skipped and line in (None, number):
                return offset, number, raw
    what = "has no records" if line is None else f"has no record that is line {line}"
    raise UserError(what, where=where, remedy="lines count from 1, headers and blank lines among them")


def _steps(layout: Layout, cells: list[str], outcome: Record | Reject) -> Iterator[Step]:
    texts = {column.raw: cell for column, cell in zip(layout.columns, cells, strict=True)}
    yield from (Step("cell", name, text, None) for name, text in texts.items() if text)
    failed = outcome.column if isinstance(outcome, Reject) else None
    for column in layout.columns:
        if column.raw == failed and not any(column.raw in time.columns for time in layout.times):
            return
        if column.field and texts[column.raw]:
            yield Step("value", column.field, texts[column.raw], _converted(column, texts[column.raw]))
    if isinstance(outcome, Reject):
        return
    yield Step("target", CDR_INDEX[outcome.service], "", outcome.service)
    leaves = dict(_leaves(outcome.document))
    told = {column.field for column in layout.columns if texts[column.raw]}
    for time in layout.times:
        text = " ".join(filter(None, (texts[raw] for raw in time.columns)))
        if text and time.field in leaves:
            told.add(time.field)
            yield Step("time", time.field, text, leaves[time.field])
    for name, value in leaves.items():
        if name not in told and name != "cdr.flags":
            yield Step("constant" if name in layout.constants else "derived", name, _origin(layout, name), value)
    for flag in leaves.get("cdr.flags", ()):
        yield Step("flag", flag, "", True)
    sources = {"[cdr][layout]": layout.name, **{f"[raw][{raw}]": texts[raw] for raw in layout.identity}}
    yield Step("identity", "_id", concatenated(sources), outcome.id)


def _origin(layout: Layout, name: str) -> str:
    """What fills a field, in the order in which it is asked; empty for what every document has."""
    ways = [" ".join((derived.kind, *derived.sources)) for derived in layout.derived if derived.field == name]
    return ", else ".join(ways)


def _converted(column: Any, text: str) -> Any:
    convert = converter(column, KEY)
    try:
        return text if convert is None else convert(text)
    except Refusal as refusal:
        return refusal.reject.detail


def _leaves(node: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in node.items():
        below = f"{path}.{name}" if path else name
        if isinstance(value, dict):
            yield from _leaves(value, below)
        else:
            yield below, value
