"""`busyhour bench fleet`: makes a fleet's files, trains, scores, and says how fast and in how much memory.

Every series follows a day and a week of its own with noise beyond chance, has gaps, and now and then an outage; all are dense
enough to be learned by five minutes, so that no point is saved by a coarser resolution.
"""

from __future__ import annotations

import os
import resource
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from detectors.fleet.pipeline import score_files, train_files
from detectors.fleet.running import in_order, workers_of
from detectors.subject import Kpi
from infrastructure.memory import peak_bytes

STEP_SEC = 300
KPIS = ("voip.attempts", "voip.asr", "voip.mos")  # a count, a ratio, a continuous value
FIRST_MS = 1_788_134_400_000  # 2026-08-31T00:00Z, a Monday
_SERIES_A_FILE = 500
_SERIES_A_GROUP = 18


class Piece(NamedTuple):
    """One file to make: trunk groups `first` to `last` of a KPI; the very first file of a KPI holds the service too."""

    path: str
    kpi: str
    first: int
    last: int
    weeks: int
    seed: int


def bench_fleet(
    kpis: Sequence[Kpi],
    zone: ZoneInfo,
    *,
    series: int,
    weeks: int,
    seed: int,
    processes: int,
    say: Callable[[str], None],
) -> dict[str, Any]:
    """Figures of one run over made files in a temporary folder that is removed afterwards."""
    folder = Path(mkdtemp(prefix="busyhour-fleet-"))
    try:
        say(f"making {series:,} series × {weeks} weeks")
        (folder / "points").mkdir()
        with workers_of(processes) as workers:
            made = sum(
                in_order(workers, make_piece, ((piece,) for piece in pieces(folder / "points", series, weeks, seed)))
            )
        size = sum(path.stat().st_size for path in (folder / "points").iterdir())
        used = {"processes": processes}
        say("training")
        with Watch() as training:
            learned = train_files(
                folder / "points", folder / "model.parquet", kpis, zone, weeks=weeks, processes=processes
            )
        say("scoring")
        with Watch() as scoring:
            scored = score_files(
                folder / "points", folder / "model.parquet", folder / "scores.parquet", kpis, zone, processes=processes
            )
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return {
        "series": series, "weeks": weeks, "points": made, "file_bytes": size, **used,
        "series_learned": learned.series, "by_resolution": learned.by_resolution,
        "train_seconds": round(learned.seconds, 1), "train_cpu_seconds": round(training.cpu, 1),
        "train_points_per_s": round(learned.points_per_s),
        "score_seconds": round(scored.seconds, 1), "score_cpu_seconds": round(scoring.cpu, 1),
        "score_points_per_s": round(scored.points_per_s), "judged": scored.judged,
        "peak_rss_bytes": _peak_bytes(processes),
    }  # fmt: skip


def pieces(folder: Path, series: int, weeks: int, seed: int) -> list[Piece]:
    """Files of a fleet of this many series, the KPIs sharing it equally; a service's own series is one of them."""
    found = []
    for number, kpi in enumerate(KPIS):
        share = series // len(KPIS) + (number < series % len(KPIS))
        for first in range(0, share, _SERIES_A_FILE):
            path = folder / f"{kpi}-{first:06d}.parquet"
            found.append(Piece(str(path), kpi, first, min(first + _SERIES_A_FILE, share), weeks, seed))
    return found


def make_piece(piece: Piece) -> int:
    """Writes one file; returns its rows."""
    rng = np.random.default_rng([piece.seed, KPIS.index(piece.kpi), piece.first])
    rows = 0
    with parquet.ParquetWriter(piece.path, _schema(piece.kpi), compression="lz4", use_dictionary=_WORDS) as writer:
        for first in range(piece.first, piece.last, _SERIES_A_GROUP):
            table = _table(piece, range(first, min(first + _SERIES_A_GROUP, piece.last)), rng)
            rows += len(table)
            writer.write_table(table)
    return rows


_WORDS = ["kpi", "service", "entity_type", "entity_id"]


def _schema(kpi: str) -> Any:
    numbers = ["value"] if kpi == KPIS[0] else ["numerator", "denominator"]
    words = [pa.field(name, pa.dictionary(pa.int32(), pa.string())) for name in _WORDS]
    return pa.schema(
        [*words, pa.field("bucket", pa.timestamp("ms", tz="UTC")), *(pa.field(n, pa.float32()) for n in numbers)]
    )


def _table(piece: Piece, numbers: range, rng: np.random.Generator) -> Any:
    buckets = piece.weeks * 7 * 86400 // STEP_SEC
    rate, kept = _rate(len(numbers), buckets, rng), rng.random((len(numbers), buckets), dtype=np.float32) >= 0.005
    calls = np.rint(np.maximum(rate + np.sqrt(rate * (1 + 0.003 * rate)) * _normal(rng, rate.shape), 0))
    parts = _parts(piece.kpi, calls, rng)
    row = np.repeat(np.arange(len(numbers), dtype=np.int32), kept.sum(axis=1))
    names = ["service:voip" if number == 0 else f"trunk_group:TG{number:05d}" for number in numbers]
    texts = ([piece.kpi] * len(names), ["voip"] * len(names), *zip(*(name.split(":") for name in names), strict=True))
    words = [pa.DictionaryArray.from_arrays(pa.array(row), pa.array(list(each), pa.string())) for each in texts]
    starts = FIRST_MS + STEP_SEC * 1000 * np.arange(buckets, dtype=np.int64)
    bucket = pa.array(np.broadcast_to(starts, kept.shape)[kept]).cast(pa.timestamp("ms", tz="UTC"))
    return pa.Table.from_arrays([*words, bucket, *(pa.array(part[kept]) for part in parts)], schema=_schema(piece.kpi))


def _normal(rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
    return rng.standard_normal(shape, dtype=np.float32)


def _rate(count: int, buckets: int, rng: np.random.Generator) -> Any:
    """Calls expected per bucket: own peaks, weekend and days that stray, an outage of two hours in one of three series."""
    hour = np.arange(buckets, dtype=np.float32) / 12 % 24
    peak = rng.uniform(9, 16, (count, 1)).astype(np.float32)
    shape = 0.15 + np.exp(-(((hour - peak + 12) % 24 - 12) ** 2) / 25)
    day = (np.arange(buckets) // 288).astype(np.int64)
    weekend = np.where(day % 7 >= 5, rng.uniform(0.4, 1.0, (count, 1)), 1.0)
    stray = np.exp(0.04 * rng.standard_normal((count, int(day[-1]) + 1)))[:, day]
    rate = (rng.lognormal(5, 0.6, (count, 1)) + 100) * shape * weekend * stray
    for row in np.flatnonzero(rng.random(count) < 1 / 3):
        begin = int(rng.integers(0, max(buckets - 24, 1)))
        rate[row, begin : begin + 24] *= 0.2
    return rate.astype(np.float32)


def _parts(kpi: str, calls: Any, rng: np.random.Generator) -> list[Any]:
    if kpi == KPIS[0]:
        return [calls]
    if kpi == KPIS[1]:
        share = rng.uniform(0.6, 0.95, (len(calls), 1)).astype(np.float32)
        spread = np.sqrt(share * (1 - share) * (calls + 0.002 * calls**2))
        return [np.clip(np.rint(calls * share + spread * _normal(rng, calls.shape)), 0, calls), calls]
    return [calls * np.float32(4.1) + np.float32(0.35) * np.sqrt(calls) * _normal(rng, calls.shape), calls]


class Watch:
    """Processor seconds of this process and of the children that ended while it watched."""

    def __enter__(self) -> Watch:
        self._before = _cpu()
        return self

    def __exit__(self, *_: object) -> None:
        self.cpu = _cpu() - self._before


def _cpu() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def _peak_bytes(processes: int) -> int:
    """Most memory at once, from above: this process's own peak and the largest child's as often as there are children."""
    child = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return peak_bytes() + (processes * child if processes > 1 else 0)
