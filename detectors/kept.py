"""Points that were read before, kept in files, so that a training reads only what is new or was rolled again.

One Parquet file per KPI and resolution, written whole. It says which store it was read from, which span and entities it holds,
and when it was read. A later reading asks for points written since (less an allowance, for a roll-up that was under way) and for
the parts of the span that it lacks. What comes out is held against the store's own count of points and sum of their stamps;
where they differ (a clock went back, a point was removed), everything is read anew. So a file that is lost, broken, of another
store or cut by kill -9 costs time and nothing else.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

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
_PRIME = 1_000_003  # stamps are summed modulo it: the sum of a billion of them still is an exact number
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
    """Loads panels from `folder` and the store. `points`: in the panels, each once; `read`: of them from the store, in `seconds`.

    What one object has loaded it does not ask the store for again: a training sees the same points throughout.
    """

    store: Store
    folder: Path
    read: int = 0
    seconds: float = 0.0
    anew: list[str] = field(default_factory=list)
    _loaded: dict[tuple[str, int, int], int] = field(default_factory=dict)

    @property
    def points(self) -> int:
        return sum(self._loaded.values())

    def load(self, kpi: Kpi, step_sec: int, since_ms: int, until_ms: int, entities: set[Entity] | None = None) -> Panel:
        """As `reading.load_panel`."""
        wanted = None if entities is None else frozenset(one.id for one in entities)
        path = self.folder / f"{kpi.id}-v{kpi.version}-{step_sec}.parquet"
        parts = self.store.identities(KPI_INDEX[step_sec])
        before = _usable(_opened(path), wanted, parts, since_ms, until_ms)
        named = wanted if before is None else before.named
        key = (path.name, since_ms, until_ms)
        if before is not None and key in self._loaded:
            return _panel(before.frame, kpi, step_sec, since_ms, until_ms, wanted, named)
        read_at = self.store.clock()
        frame = self._joined(before, kpi, step_sec, since_ms, until_ms, named)
        if before is not None and _proof(frame) != self._proof(kpi, step_sec, since_ms, until_ms, named):
            self.anew.append(path.name)
            frame = self._read(kpi, step_sec, since_ms, until_ms, named)
        _write(path, _File(frame, since_ms, until_ms, read_at, named, parts))
        self._loaded[key] = len(frame)
        return _panel(frame, kpi, step_sec, since_ms, until_ms, wanted, named)

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

    def _proof(
        self, kpi: Kpi, step_sec: int, since_ms: int, until_ms: int, named: frozenset[str] | None
    ) -> tuple[int, int]:
        """How many points the store holds, and the sum of their stamps: a point that is written again moves it."""
        ids = sorted(named or ())
        if named is not None and not ids:
            return 0, 0
        chosen = f" AND entity.id IN ({', '.join('?' * len(ids))})" if ids else ""
        text = f"""FROM {KPI_INDEX[step_sec]}
| WHERE @timestamp >= ? AND @timestamp < ? AND kpi.id == ? AND kpi.version == ?{chosen}
| STATS points = COUNT(*), stamps = SUM(TO_LONG(event.ingested) % {_PRIME})"""
        span = [iso(from_epoch_ms(since_ms)), iso(from_epoch_ms(until_ms))]
        rows = self.store.esql(text, [*span, kpi.id, kpi.version, *ids]).rows
        return (int(rows[0][0]), int(rows[0][1] or 0)) if rows else (0, 0)


def _panel(
    frame: pd.DataFrame,
    kpi: Kpi,
    step_sec: int,
    since_ms: int,
    until_ms: int,
    wanted: frozenset[str] | None,
    named: frozenset[str] | None,
) -> Panel:
    """The panel of the entities that are `wanted`; `named`: those that the frame holds."""
    panel = from_frame(frame, kpi, step_sec, since_ms, until_ms)
    if wanted is None or named == wanted:
        return panel
    return panel.rows([row for row, series in enumerate(panel.series) if series.entity.id in wanted])


def _proof(frame: pd.DataFrame) -> tuple[int, int]:
    """As `KeptPoints._proof`, of what is at hand."""
    return len(frame), int((frame["ingested"].astype("int64") % _PRIME).sum())


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
