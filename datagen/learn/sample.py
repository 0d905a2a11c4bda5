"""Reading a sample: its cells as texts, column by column, with what its layout says of each.

A sample whose layout is known is read as mediation reads it, without the lines that mediation would reject. Any other CSV
file is read as it is: the first line names the columns.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from contracts.errors import DefinitionError, LayoutError, UserError
from contracts.outcomes import Reason, Reject
from mediation.compile import compile_layout
from mediation.containers import Damaged
from mediation.layout import Column, Layout
from mediation.lines import REPLACEMENT
from mediation.load import load_layouts
from mediation.sniff import BOM, Source, inspect

LEAST_ROWS = 2
MOST_BYTES = 512 * 1024 * 1024  # of one sample file, unpacked
_SEPARATORS = ",;\t|"
_HEAD = 65_536


@dataclass(frozen=True, slots=True)
class Sample:
    """`cells`: texts by column, in the files' order of columns; `hints`: what the layout says of a column.

    `preamble`: lines above the records, without their ends; `left_out`: lines that are no records.
    """

    cells: Mapping[str, list[str]]
    hints: Mapping[str, Column]
    layout: Layout | None
    separator: str
    preamble: tuple[str, ...]
    left_out: int = 0

    @property
    def rows(self) -> int:
        return len(next(iter(self.cells.values()), []))


def read_sample(
    paths: Sequence[Path], layout: str | None = None, layouts: Mapping[str, Layout] | None = None
) -> Sample:
    """All rows of `paths`, which must be of one form. `layout`: name of the only one they may have.

    Raises UserError: no file, no text, fewer than LEAST_ROWS rows; LayoutError: files of different forms, unknown layout,
    a layout that is not CSV.
    """
    if not paths:
        raise DefinitionError("there is no sample to learn from", remedy="name at least one CSV file")
    known = load_layouts() if layouts is None else layouts
    if layout is not None and layout not in known:
        raise LayoutError(f"there is no layout {layout}", where="--layout", remedy="see: busyhour layouts list")
    samples = [_read(Path(path), known, layout) for path in paths]
    joined = samples[0]
    for path, other in zip(paths[1:], samples[1:], strict=True):
        joined = _joined(joined, other, str(paths[0]), str(path))
    if joined.rows < LEAST_ROWS:
        left = f" ({joined.left_out} lines are no records)" if joined.left_out else ""
        raise UserError(
            f"{joined.rows} records{left}: nothing can be learned from fewer than {LEAST_ROWS}",
            where=", ".join(map(str, paths)),
            remedy="give a longer sample; a hundred records are a beginning, a thousand are good",
        )
    return joined


def _joined(one: Sample, other: Sample, first: str, second: str) -> Sample:
    names = (one.layout.name if one.layout else "", other.layout.name if other.layout else "")
    if names[0] != names[1] or list(one.cells) != list(other.cells) or one.separator != other.separator:
        said = " and ".join(name or "no known layout" for name in names)
        raise LayoutError(
            f"is not of the same layout as {first} ({said})", where=second, remedy="learn one model of each layout"
        )
    cells = {name: column + other.cells[name] for name, column in one.cells.items()}
    return replace(one, cells=cells, left_out=one.left_out + other.left_out)


def _read(path: Path, known: Mapping[str, Layout], wanted: str | None) -> Sample:
    try:
        source = inspect(path, known, wanted)
    except LayoutError:
        if wanted is not None:
            raise
        return _plain(path)
    if source.layout is None:
        raise UserError("is empty", where=str(path), remedy="give a file with records")
    if source.layout.format.kind != "csv":
        raise LayoutError(
            f"is of layout {source.layout.name}, which is {source.layout.format.kind}: samples are CSV files",
            where=str(path),
            remedy="convert it first, or generate by --service, which writes this layout too",
        )
    return _by_layout(source)


def _text(path: Path, source: Source | None, encoding: str = "utf-8") -> str:
    try:
        with source.open(MOST_BYTES) if source else path.open("rb") as stream:
            content = stream.read(MOST_BYTES + 1)
    except (OSError, Damaged) as problem:
        raise UserError(f"cannot be read: {problem}", where=str(path)) from problem
    if len(content) > MOST_BYTES:
        raise UserError(f"is larger than {MOST_BYTES >> 20} MiB", where=str(path), remedy="give a part of it")
    return content.removeprefix(BOM).decode(encoding, errors="replace")  # a line with U+FFFD is left out


def _by_layout(source: Source) -> Sample:
    layout = source.layout
    assert layout is not None  # noqa: S101  the caller looked
    lines = _text(source.path, source, layout.encoding).splitlines()
    above = {"names": 1, "names-and-types": 2, "none": 0}[layout.format.header]
    preamble = tuple(line for line in lines[:above] if line)
    names = source.header or layout.header
    judge = None
    hints = {column.raw: column for column in layout.columns}
    raw = {column.name: column.raw for column in layout.columns}
    if layout.paced is None and source.header in ((), layout.header):
        judge = compile_layout(layout, b"").mediate
    return _rows(
        [raw.get(name, name) for name in names],
        _records(lines[above:], layout.separator, source.path, judge, skip=set(preamble)),
        Sample({}, hints, layout, layout.separator, preamble),
        spare=layout.format.header == "none",
    )


def _records(lines: list[str], separator: str, path: Path, judge: object, skip: set[str]) -> Iterator[list[str] | None]:
    """Cells of each line that is a record; None for one that is not."""
    csv.field_size_limit(1 << 24)
    for line in lines:
        if not line or line in skip:
            continue
        if REPLACEMENT in line or "\0" in line:
            yield None
            continue
        if callable(judge):
            outcome = judge(line)
            if isinstance(outcome, Reject) and outcome.reason is not Reason.BAD_VALUE:
                yield None
                continue
        try:
            yield next(csv.reader([line], delimiter=separator, strict=True))
        except (csv.Error, StopIteration):
            yield None


def _plain(path: Path) -> Sample:
    text = _text(path, None)
    if "\0" in text:
        raise UserError("is a binary file, not text", where=str(path), remedy="give a CSV file in UTF-8")
    first = text[:_HEAD].split("\n", 1)[0].rstrip("\r")
    separator = max(_SEPARATORS, key=first.count)
    try:
        header = next(csv.reader(io.StringIO(first), delimiter=separator, strict=True), [])
    except csv.Error as problem:
        raise UserError(f"has a header that is no CSV: {problem}", where=str(path)) from problem
    if not any(cell.strip() for cell in header):
        raise UserError("is empty", where=str(path), remedy="give a CSV file whose first line names the columns")
    names = [cell.strip() or f"column-{place}" for place, cell in enumerate(header, 1)]
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise UserError(f"has two columns {twice[0]!r}", where=str(path), remedy="give each column a name of its own")
    lines = text.splitlines()
    return _rows(
        names,
        _records(lines[1:], separator, path, None, {first}),
        Sample({}, {}, None, separator, (first,)),
        spare=False,
    )


def _rows(names: list[str], records: Iterator[list[str] | None], form: Sample, *, spare: bool) -> Sample:
    """`spare`: records may lack cells at the end."""
    kept: list[list[str]] = []
    left_out = 0
    for record in records:
        if record is not None and spare:
            record += [""] * (len(names) - len(record))
        if record is None or len(record) != len(names):
            left_out += 1
            continue
        kept.append([cell.strip() for cell in record] if form.layout and form.layout.strip else record)
    columns = list(map(list, zip(*kept, strict=True))) if kept else [[] for _ in names]
    return replace(form, cells=dict(zip(names, columns, strict=True)), left_out=left_out)
