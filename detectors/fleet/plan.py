"""Which series lie where in a folder of Parquet files, and how they are cut into batches.

One row per series and bucket. Rows of a series lie together in one file, in any order of time; a file that is sorted by kpi,
service, entity_type, entity_id does so. Only the key columns are read here, a row group at a time.

How series are cut into batches depends on the files alone, never on who works on them: the same files give the same baselines
to the last bit on one process, on two and on many machines.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from contracts.entities import ENTITY_TYPES, Entity
from contracts.errors import DefinitionError, UserError
from detectors.fleet.columns import KEYS, bucket_range, check_schema, key_columns
from detectors.panel import Ints
from detectors.subject import Kpi, Series

ROWS_A_BATCH = 300_000  # some 18 series of eight weeks by five minutes: their arrays fit a processor's last cache
SERIES_A_BATCH = 256
ROWS_A_GROUP = 4_000_000  # a row group is read whole: a longer one would not stay within the memory that is promised
_SORT = "write the files sorted by kpi, service, entity_type, entity_id, bucket"


class Run(NamedTuple):
    """Rows of one series: `first` counts from the start of its batch's first row group."""

    series: Series
    first: int
    rows: int


@dataclass(frozen=True, slots=True)
class Batch:
    """Series of one KPI that are worked on together: what one task is given. `whole`: they are services."""

    file: str
    groups: tuple[int, ...]
    kpi: Kpi
    runs: tuple[Run, ...]
    whole: bool

    @property
    def rows(self) -> int:
        return sum(run.rows for run in self.runs)


@dataclass(frozen=True, slots=True)
class Plan:
    """`since_ms`, `until_ms`: earliest bucket and the end of the latest one; `points`: rows in all files."""

    batches: tuple[Batch, ...]
    since_ms: int
    until_ms: int
    points: int

    @property
    def series(self) -> int:
        return sum(len(batch.runs) for batch in self.batches)


def plan_of(folder: Path, kpis: Mapping[str, Kpi], step_sec: int) -> Plan:
    """The batches of every `*.parquet` in `folder`, in order of name.

    Raises UserError where files are missing, unreadable, of another shape, not sorted, or name a series twice;
    DefinitionError on a KPI that the catalogue lacks.
    """
    batches: list[Batch] = []
    seen: set[Series] = set()
    first, last, points = 2**62, -(2**62), 0
    for path in _paths(folder):
        file = opened(path)
        if not file.metadata.num_rows:
            continue
        low, high = bucket_range(file, path)
        first, last = min(first, low), max(last, high)
        points += file.metadata.num_rows
        batches += _batches(path, file, kpis, seen)
    if not batches:
        raise UserError("no rows in any file", where=str(folder))
    return Plan(tuple(batches), first, last + step_sec * 1000, points)


def opened(path: Path | str) -> Any:
    """The Parquet file, its key columns as dictionaries. Raises UserError where it is none."""
    try:
        return parquet.ParquetFile(path, read_dictionary=list(KEYS))
    except (OSError, pa.ArrowException) as error:
        raise UserError(f"cannot be read as Parquet: {_first_line(error)}", where=str(path)) from error


def _first_line(error: BaseException) -> str:
    return str(error).splitlines()[0][:200] if str(error) else type(error).__name__


def _paths(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise UserError("no such folder", where=str(folder), remedy="name a folder that holds .parquet files")
    found = sorted(path for path in folder.glob("*.parquet") if path.is_file() and not path.name.startswith("."))
    if not found:
        raise UserError("holds no .parquet file", where=str(folder))
    return found


def _batches(path: Path, file: Any, kpis: Mapping[str, Kpi], seen: set[Series]) -> Iterator[Batch]:
    check_schema(file.schema_arrow, path)
    offsets = _group_offsets(path, file)
    own: list[tuple[Series, int, int]] = []
    for series, begin, rows in _runs(path, file, offsets, kpis):
        if series in seen:
            raise UserError(f"rows of {series.key} do not lie together", where=str(path), remedy=_SORT)
        seen.add(series)
        if own and not _fits(own, series, rows):
            yield _batch(path, own, offsets, kpis)
            own = []
        own.append((series, begin, rows))
    if own:
        yield _batch(path, own, offsets, kpis)


def _group_offsets(path: Path, file: Any) -> Ints:
    sizes = [file.metadata.row_group(one).num_rows for one in range(file.metadata.num_row_groups)]
    if max(sizes) > ROWS_A_GROUP:
        remedy = f"write the file with at most {ROWS_A_GROUP:,} rows a row group"
        raise UserError(f"a row group of {max(sizes):,} rows", where=str(path), remedy=remedy)
    return np.array([0, *np.cumsum(sizes)], dtype=np.int64)


def _runs(path: Path, file: Any, offsets: Ints, kpis: Mapping[str, Kpi]) -> Iterator[tuple[Series, int, int]]:
    """(series, first row in the file, rows), in the file's order; a series may go on over row groups."""
    current: Series | None = None
    begin = 0
    for group in range(len(offsets) - 1):
        names, starts = _group_runs(path, file, group)
        for name, start in zip(names, starts.tolist(), strict=True):
            series = _series(name, kpis, path)
            if series == current:
                continue
            if current is not None:
                yield current, begin, int(offsets[group]) + start - begin
            current, begin = series, int(offsets[group]) + start
    if current is not None:
        yield current, begin, int(offsets[-1]) - begin


def _group_runs(path: Path, file: Any, group: int) -> tuple[list[tuple[str, ...]], Ints]:
    try:
        columns = key_columns(file, group, path)
    except (OSError, pa.ArrowException) as error:
        raise UserError(f"row group {group} cannot be read: {_first_line(error)}", where=str(path)) from error
    change = np.zeros(len(columns[0].codes), dtype=bool)
    if not len(change):
        return [], np.zeros(0, dtype=np.int64)
    change[0] = True
    for column in columns:
        change[1:] |= np.diff(column.codes) != 0
    starts = np.flatnonzero(change)
    names = zip(*([column.labels[code] for code in column.codes[starts].tolist()] for column in columns), strict=True)
    return list(names), starts


def _series(name: tuple[str, ...], kpis: Mapping[str, Kpi], path: Path) -> Series:
    kpi, service, kind, entity = name
    if kpi not in kpis:
        remedy = "busyhour kpi list shows the KPIs that are judged"
        raise DefinitionError(f"no judged KPI {kpi!r}", where=str(path), remedy=remedy)
    if kind not in ENTITY_TYPES or not entity:
        raise UserError(f"no entity {kind}:{entity}", where=str(path), remedy=f"types are {', '.join(ENTITY_TYPES)}")
    return Series(kpi, service or kpis[kpi].service, Entity(kind, entity))


def _fits(own: list[tuple[Series, int, int]], series: Series, rows: int) -> bool:
    before = own[0][0]
    alike = before.kpi == series.kpi and (before.entity.type == "service") == (series.entity.type == "service")
    return alike and len(own) < SERIES_A_BATCH and sum(part[2] for part in own) + rows <= ROWS_A_BATCH


def _batch(path: Path, own: list[tuple[Series, int, int]], offsets: Ints, kpis: Mapping[str, Kpi]) -> Batch:
    begin, end = own[0][1], own[-1][1] + own[-1][2]
    first = int(np.searchsorted(offsets, begin, side="right")) - 1
    last = int(np.searchsorted(offsets, end, side="left"))
    runs = tuple(Run(series, start - int(offsets[first]), rows) for series, start, rows in own)
    kpi = kpis[own[0][0].kpi]
    return Batch(str(path), tuple(range(first, last)), kpi, runs, own[0][0].entity.type == "service")
