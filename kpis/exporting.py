"""Points as files for other programs: CSV, JSON, XLSX and Parquet, row by row within bounded memory."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

from contracts.errors import UserError
from contracts.indices import KPI_INDEX
from infrastructure.store import Store
from kpis import compiler
from kpis.history.windows import own
from kpis.tracking import Tracked
from kpis.whole_files import write_whole

FORMATS = ("csv", "json", "xlsx", "parquet")
COLUMNS = (
    "kpi",
    "entity_type",
    "entity",
    "time",
    "value",
    "numerator",
    "denominator",
    "samples",
    "state",
    "unit",
    "origin",
)
MOST_SHEET_ROWS = 1_000_000  # a sheet of a workbook holds 1,048,576
_RISKY = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet would work these out


def export_points(
    store: Store,
    tracked: Sequence[Tracked],
    start: datetime,
    end: datetime,
    resolution_sec: int,
    path: Path,
    form: str,
    *,
    entity: str = "",
) -> int:
    """Writes points of start ≤ t < end; how many. The file appears whole or not at all.

    Raises UserError on an unknown format, and where a workbook cannot hold the rows.
    """
    if form not in FORMATS:
        raise UserError(f"unknown format {form[:20]!r}", remedy=f"one of {', '.join(FORMATS)}")
    counted = _Counted(_rows(store, tracked, start, end, resolution_sec, entity))
    write_whole(path, lambda aside: _WRITERS[form](counted, aside))
    return counted.count


class _Counted:
    """Chunks of rows, counted as they pass."""

    def __init__(self, chunks: Iterable[list[list[Any]]]) -> None:
        self._chunks, self.count = chunks, 0

    def __iter__(self) -> Iterator[list[list[Any]]]:
        for chunk in self._chunks:
            self.count += len(chunk)
            yield chunk


def _rows(
    store: Store, tracked: Sequence[Tracked], start: datetime, end: datetime, resolution_sec: int, entity: str
) -> Iterator[list[list[Any]]]:
    step = timedelta(seconds=resolution_sec)
    kind, _, name = entity.partition(":")
    condition = (
        f" AND entity.type == {compiler.constant(kind)} AND entity.id == {compiler.constant(name)}" if entity else ""
    )
    for one in tracked:
        query = f"""FROM {KPI_INDEX[resolution_sec]}
| WHERE @timestamp >= ? AND @timestamp < ? AND {own(one)}{condition}
| SORT @timestamp, entity.type, entity.id
| KEEP kpi.id, entity.type, entity.id, @timestamp, kpi.value, kpi.numerator, kpi.denominator, kpi.samples, kpi.state,
       kpi.unit, kpi.origin"""
        windows = store.esql_windows(lambda a, b, q=query: (q, [a, b]), start, end, step=step)  # type: ignore[misc]
        for table in windows:
            if table.rows:
                yield table.rows


def safe(text: Any) -> Any:
    """A text that a spreadsheet would work out as a formula, with an apostrophe before it."""
    return f"'{text}" if isinstance(text, str) and text.startswith(_RISKY) else text


def _csv(chunks: Iterable[list[list[Any]]], path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for chunk in chunks:
            writer.writerows([[safe(cell) for cell in row] for row in chunk])


def _json(chunks: Iterable[list[list[Any]]], path: Path) -> None:
    """One array of objects."""
    with path.open("wb") as file:
        separator = b"[\n"
        for chunk in chunks:
            for row in chunk:
                file.write(separator + orjson.dumps(dict(zip(COLUMNS, row, strict=True))))
                separator = b",\n"
        file.write(b"\n]\n" if separator != b"[\n" else b"[]\n")


def _xlsx(chunks: Iterable[list[list[Any]]], path: Path) -> None:
    import openpyxl

    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("KPI values")
    sheet.append(list(COLUMNS))
    written = 0
    for chunk in chunks:
        written += len(chunk)
        if written > MOST_SHEET_ROWS:
            raise UserError(f"more than {MOST_SHEET_ROWS:,} rows", where=str(path), remedy="use parquet or csv")
        for row in chunk:
            sheet.append([safe(cell) for cell in row])
    book.save(path)


def _parquet(chunks: Iterable[list[list[Any]]], path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    numbers = {"value", "numerator", "denominator"}
    schema = pa.schema(
        [
            (name, pa.float64() if name in numbers else pa.int64() if name == "samples" else pa.string())
            for name in COLUMNS
        ]
    )
    with pq.ParquetWriter(path, schema) as writer:
        for chunk in chunks:
            columns = [
                pa.array(column, field.type) for column, field in zip(zip(*chunk, strict=True), schema, strict=True)
            ]
            writer.write_table(pa.Table.from_arrays(columns, schema=schema))


_WRITERS = {"csv": _csv, "json": _json, "xlsx": _xlsx, "parquet": _parquet}
