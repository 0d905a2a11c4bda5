"""A model: the baselines of a fleet as one Parquet file, one row per series, the week's 168 hours as lists.

Rows lie in the order of the batches that were learned, some thousand a row group, so that a reader takes only what it asks for.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from contracts.clock import HOURS_OF_WEEK
from contracts.entities import Entity
from contracts.errors import UserError
from detectors.baseline import MODEL_VERSION, Baseline
from detectors.fleet.columns import KEYS, coded
from detectors.panel import Floats
from detectors.subject import Kpi, Series

_WEEKLY, _PLAIN = ("centre", "between", "samples", "weeks"), ("within", "tail", "floor")
_META = b"busyhour.model"
_ROWS_A_GROUP = 2000
_SCHEMA = pa.schema(
    [pa.field(name, pa.string()) for name in KEYS]
    + [pa.field("version", pa.int32()), pa.field("step_sec", pa.int32()), pa.field("known", pa.bool_())]
    + [pa.field(name, pa.list_(pa.float64(), HOURS_OF_WEEK)) for name in _WEEKLY]
    + [pa.field(name, pa.float64()) for name in _PLAIN]
)


class Row(NamedTuple):
    """Where a series lies in the model, and at which resolution it is judged."""

    group: int
    row: int
    step_sec: int
    version: int
    known: bool


@dataclass(frozen=True, slots=True)
class Model:
    """The index of a model file: enough to know what to read."""

    path: str
    zone: ZoneInfo
    step_sec: int
    rows: Mapping[Series, Row]


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A place to write to that becomes `path` when all went well, and nothing when it did not."""
    if path.is_dir():
        raise UserError("is a folder", where=str(path), remedy="name a file to write")
    if not path.parent.is_dir():
        raise UserError("no such folder", where=str(path.parent))
    part = path.with_name(f".{path.name}.part")
    try:
        yield part
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise UserError(f"cannot be written: {error.strerror or error}", where=str(path)) from error
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def write_model(path: Path, baselines: Iterable[Sequence[Baseline]], zone: ZoneInfo, step_sec: int) -> None:
    """Writes baselines as they come; the file appears whole under its name or not at all."""
    meta = {"format": 1, "model": MODEL_VERSION, "zone": zone.key, "step_sec": step_sec}
    schema = _SCHEMA.with_metadata({_META: json.dumps(meta).encode()})
    with whole_file(path) as part, parquet.ParquetWriter(part, schema, compression="zstd") as writer:
        waiting: list[Any] = []
        for some in baselines:
            waiting += [_table(one, schema) for one in some]
            if sum(len(table) for table in waiting) >= _ROWS_A_GROUP:
                writer.write_table(pa.concat_tables(waiting))
                waiting = []
        if waiting:
            writer.write_table(pa.concat_tables(waiting))


def _table(baseline: Baseline, schema: Any) -> Any:
    count = len(baseline.series)
    arrays: list[Any] = [
        pa.array([one.kpi for one in baseline.series], pa.string()),
        pa.array([one.service for one in baseline.series], pa.string()),
        pa.array([one.entity.type for one in baseline.series], pa.string()),
        pa.array([one.entity.id for one in baseline.series], pa.string()),
        pa.array(np.full(count, baseline.kpi.version, dtype=np.int32)),
        pa.array(np.full(count, baseline.step_sec, dtype=np.int32)),
        pa.array(np.isfinite(baseline.centre).any(axis=1)),
    ]
    for name in _WEEKLY:
        flat = np.ascontiguousarray(getattr(baseline, name), dtype=float).reshape(-1)
        arrays.append(pa.FixedSizeListArray.from_arrays(pa.array(flat), HOURS_OF_WEEK))
    arrays += [pa.array(np.asarray(getattr(baseline, name), dtype=float)) for name in _PLAIN]
    return pa.Table.from_arrays(arrays, schema=schema)


def open_model(path: Path) -> Model:
    """The index of a model. Raises UserError where the file is none of ours."""
    file = _opened(path)
    raw = (file.schema_arrow.metadata or {}).get(_META)
    if raw is None:
        raise UserError("is no model", where=str(path), remedy="busyhour fleet train writes one")
    meta = json.loads(raw)
    if meta.get("format") != 1 or meta.get("model") != MODEL_VERSION:
        raise UserError(f"a model of another kind ({meta.get('model')})", where=str(path), remedy="train again")
    rows: dict[Series, Row] = {}
    for group in range(file.metadata.num_row_groups):
        table = file.read_row_group(group, columns=[*KEYS, "version", "step_sec", "known"])
        names = [coded(table.column(name), name, path) for name in KEYS]
        words = [[name.labels[code] for code in name.codes.tolist()] for name in names]
        others = [table.column(name).to_pylist() for name in ("step_sec", "version", "known")]
        for row, (kpi, service, kind, entity, *rest) in enumerate(zip(*words, *others, strict=True)):
            rows[Series(kpi, service, Entity(kind, entity))] = Row(group, row, *rest)
    return Model(str(path), ZoneInfo(meta["zone"]), int(meta["step_sec"]), rows)


def _opened(path: Path | str) -> Any:
    try:
        return parquet.ParquetFile(path)
    except (OSError, pa.ArrowException) as error:
        raise UserError(f"cannot be read as a model: {str(error).splitlines()[0][:200]}", where=str(path)) from error


def baseline_of(path: str, kpi: Kpi, zone: ZoneInfo, rows: Mapping[Series, Row]) -> Baseline:
    """The baseline of some series of one KPI and step, in their order."""
    groups = sorted({row.group for row in rows.values()})
    file = _opened(path)
    tables = {one: file.read_row_group(one, columns=[*_WEEKLY, *_PLAIN], use_threads=False) for one in groups}
    place = {group: np.array([row.row for row in rows.values() if row.group == group]) for group in groups}
    order = [series for group in groups for series, row in rows.items() if row.group == group]
    taken = pa.concat_tables([tables[group].take(pa.array(place[group])) for group in groups])
    arrays: dict[str, Any] = {name: _numbers(taken.column(name)) for name in (*_WEEKLY, *_PLAIN)}
    step = next(iter(rows.values())).step_sec
    return Baseline(kpi, step, zone, tuple(order), **arrays).aligned(tuple(rows))


def _numbers(column: Any) -> Floats:
    whole = column.combine_chunks()
    if isinstance(whole, pa.ChunkedArray):
        whole = whole.chunk(0)
    if pa.types.is_fixed_size_list(whole.type):
        return np.array(whole.flatten().to_numpy(zero_copy_only=False), dtype=float).reshape(-1, HOURS_OF_WEEK)
    return np.array(whole.to_numpy(zero_copy_only=False), dtype=float)
