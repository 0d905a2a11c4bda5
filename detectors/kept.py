"""Points that were read before, kept in files, so that a training reads only what is new or was rolled again.

One Parquet file per KPI and resolution, written whole. It says which store it was read from, which span and entities it holds,
and when it was read. A later reading asks for points written since (less an allowance, for a roll-up that was under way) and for
the parts of the span that it lacks. What comes out is counted against the store; where the numbers differ, everything is read
anew. So a file that is lost, broken, of another store or cut by kill -9 costs time and nothing else.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
from pyarrow import parquet

from contracts.clock import from_epoch_ms, iso, parse_iso
from contracts.entities import Entity
from contracts.indices import KPI_INDEX
from detectors.panel import Panel, from_frame
from detectors.reading import load_frame
from detectors.subject import Kpi
from infrastructure.store import Store

ALLOWANCE = timedelta(minutes=30)  # a roll-up stamps its points when it begins and writes them until it ends
_FORMAT = 1
_META = b"busyhour.points"
_POINT = [
    "service",
    "entity_type",
    "entity_id",
    "bucket",
    "origin",
]  # what makes a point the same when it is rolled again


@dataclass(frozen=True, slots=True)
class _File:
    """`named`: ids of its entities, None: all of them. `read_at`: when the store was asked."""

    frame: pd.DataFrame
    since_ms: int
    until_ms: int
    read_at: datetime
    named: frozenset[str] | None
    parts: frozenset[str]


@dataclass
class KeptPoints:
    """Loads panels from `folder` and the store. `points`: in the panels, `read`: of them from the store, in `seconds`."""

    store: Store
    folder: Path
    points: int = 0
    read: int = 0
    seconds: float = 0.0
    anew: list[str] = field(default_factory=list)

    def load(self, kpi: Kpi, step_sec: int, since_ms: int, until_ms: int, entities: set[Entity] | None = None) -> Panel:
        """As `reading.load_panel`."""
        wanted = None if entities is None else frozenset(one.id for one in entities)
        path = self.folder / f"{kpi.id}-v{kpi.version}-{step_sec}.parquet"
        parts = self.store.identities(KPI_INDEX[step_sec])
        before = _usable(_opened(path), wanted, parts, since_ms, until_ms)
        named = wanted if before is None else before.named
        read_at = self.store.clock()
        frame = self._joined(before, kpi, step_sec, since_ms, until_ms, named)
        if before is not None and len(frame) != self._count(kpi, step_sec, since_ms, until_ms, named):
            self.anew.append(path.name)
            frame = self._read(kpi, step_sec, since_ms, until_ms, named)
        _write(path, _File(frame, since_ms, until_ms, read_at, named, parts))
        self.points += len(frame)
        panel = from_frame(frame, kpi, step_sec, since_ms, until_ms)
        if entities is None or named == wanted:
            return panel
        return panel.rows([row for row, series in enumerate(panel.series) if series.entity.id in (wanted or ())])

    def _joined(
        self, before: _File | None, kpi: Kpi, step_sec: int, since_ms: int, until_ms: int, named: frozenset[str] | None
    ) -> pd.DataFrame:
        if before is None:
            return self._read(kpi, step_sec, since_ms, until_ms, named)
        first, last = max(since_ms, before.since_ms), min(until_ms, before.until_ms)
        kept = before.frame[(before.frame["bucket"] >= first) & (before.frame["bucket"] < last)]
        frames = [kept, self._read(kpi, step_sec, first, last, named, before.read_at - ALLOWANCE)]
        for begin, end in ((since_ms, first), (last, until_ms)):
            if begin < end:
                frames.append(self._read(kpi, step_sec, begin, end, named))
        some = [frame for frame in frames if len(frame)]
        if not some:
            return kept
        whole = pd.concat(some, ignore_index=True)
        return whole.drop_duplicates(_POINT, keep="last").sort_values("ingested", kind="stable", ignore_index=True)

    def _read(
        self,
        kpi: Kpi,
        step_sec: int,
        since_ms: int,
        until_ms: int,
        named: frozenset[str] | None,
        written_since: datetime | None = None,
    ) -> pd.DataFrame:
        began = time.monotonic()
        ids: Sequence[str] | None = None if named is None else sorted(named)
        frame = load_frame(self.store, kpi, step_sec, since_ms, until_ms, ids, written_since)
        self.seconds += time.monotonic() - began
        self.read += len(frame)
        return frame

    def _count(self, kpi: Kpi, step_sec: int, since_ms: int, until_ms: int, named: frozenset[str] | None) -> int:
        times = {"gte": iso(from_epoch_ms(since_ms)), "lt": iso(from_epoch_ms(until_ms))}
        filters: list[dict[str, Any]] = [
            {"range": {"@timestamp": times}},
            {"term": {"kpi.id": kpi.id}},
            {"term": {"kpi.version": kpi.version}},
        ]
        if named is not None:
            filters.append({"terms": {"entity.id": sorted(named)}})
        return self.store.count(KPI_INDEX[step_sec], {"bool": {"filter": filters}})


def _usable(
    file: _File | None, wanted: frozenset[str] | None, parts: frozenset[str], since_ms: int, until_ms: int
) -> _File | None:
    """The file where it holds points of this store, of all that is asked for and of some of the span."""
    if file is None or not file.parts <= parts or not parts:
        return None
    if file.named is not None and (wanted is None or not wanted <= file.named):
        return None
    return file if file.since_ms < until_ms and file.until_ms > since_ms else None


def _opened(path: Path) -> _File | None:
    """A kept file, None where there is none that can be used: it is only a copy."""
    try:
        table = parquet.read_table(path)
        meta = json.loads((table.schema.metadata or {})[_META])
        if meta["format"] != _FORMAT:
            return None
        named = None if meta["named"] is None else frozenset(meta["named"])
        return _File(
            table.to_pandas(),
            int(meta["since"]),
            int(meta["until"]),
            parse_iso(meta["read_at"]),
            named,
            frozenset(meta["parts"]),
        )
    except (OSError, pa.ArrowException, KeyError, TypeError, ValueError):
        return None


def _write(path: Path, file: _File) -> None:
    """Whole under its name or not at all; a folder that cannot be written costs the next training time, not this one."""
    meta = {
        "format": _FORMAT,
        "since": file.since_ms,
        "until": file.until_ms,
        "read_at": iso(file.read_at),
        "named": None if file.named is None else sorted(file.named),
        "parts": sorted(file.parts),
    }
    table = pa.Table.from_pandas(file.frame, preserve_index=False)
    table = table.replace_schema_metadata({**(table.schema.metadata or {}), _META: json.dumps(meta).encode()})
    part = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        parquet.write_table(table, part, compression="zstd")
        part.replace(path)
    except OSError:
        with suppress(OSError):
            part.unlink(missing_ok=True)
