"""`busyhour bench train`: points learned from Elasticsearch a second, beside how fast the node gives the same points to nobody.

Made series (`detectors.fleet.bench`) are written as the roll-up writes them, by five minutes and by the hour. The same queries
are then read without making anything of the answers, before and after a training that has nothing kept, and a second training
follows, when one more day has come.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd

from contracts.clock import epoch_ms, from_epoch_ms, iso
from contracts.ids import joined
from contracts.indices import KPI_INDEX
from detectors.fleet.bench import FIRST_MS, KPIS, make_piece, pieces
from detectors.kept import ALLOWANCE
from detectors.pipeline import train
from detectors.reading import points_query
from detectors.subject import Kpi
from infrastructure.store import Operation, Store

_STEPS = (300, 3600)
_AGE = 2 * ALLOWANCE  # of what is there from the start: a training looks at what is younger than the allowance again
_KEY = ["kpi", "service", "entity_type", "entity_id"]


def bench_train(
    store: Store, kpis: Sequence[Kpi], *, series: int, weeks: int, seed: int, say: Callable[[str], None]
) -> dict[str, Any]:
    """Figures of one run on an empty store, which is full of points afterwards."""
    own = [kpi for kpi in kpis if kpi.id in KPIS]
    end = from_epoch_ms(FIRST_MS) + timedelta(weeks=weeks)
    last = end - timedelta(days=1)
    say(f"writing {series} series of {weeks} weeks")
    with TemporaryDirectory(prefix="busyhour-train-") as folder:
        frames = _made(Path(folder), series, weeks, seed)
    written = _write(store, frames, epoch_ms(last), before=True)
    say("reading")
    raw = [_read(store, own, last)]
    say("learning")
    whole = train(store, until=last, kpis=own)
    raw.append(_read(store, own, last))
    written += _write(store, frames, epoch_ms(last), before=False)
    say("learning with one more day")
    again = train(store, until=end, kpis=own)
    rate = sum(points for points, _ in raw) / sum(seconds for _, seconds in raw)
    return {
        "series": whole.series, "weeks": weeks, "points_written": written, "points": whole.points,
        "points_read": whole.points_read, "node_read_points_per_s": round(rate),
        "train_read_points_per_s": round(whole.read_points_per_s),
        "read_ratio": round(whole.read_points_per_s / rate, 3),
        "train_points_per_s": round(whole.points / whole.seconds), "train_seconds": round(whole.seconds, 2),
        "again_points": again.points, "again_points_read": again.points_read,
        "again_seconds": round(again.seconds, 2), "again_points_per_s": round(again.points / again.seconds),
    }  # fmt: skip


def _read(store: Store, kpis: Sequence[Kpi], until: datetime) -> tuple[int, float]:
    """(points, seconds) of the answers to the queries of a training, left as they come."""
    began, points = time.monotonic(), 0
    for kpi in kpis:
        for step in _STEPS:
            tables = store.esql_windows(
                points_query(kpi, step), from_epoch_ms(FIRST_MS), until, step=timedelta(seconds=step)
            )
            points += sum(len(table.rows) for table in tables)
    return points, time.monotonic() - began


def _made(folder: Path, series: int, weeks: int, seed: int) -> list[pd.DataFrame]:
    """By five minutes and by the hour: columns of _KEY, bucket (epoch ms), numerator, denominator."""
    parts = []
    for piece in pieces(folder, series, weeks, seed):
        make_piece(piece)
        parts.append(pd.read_parquet(piece.path))
    fine = pd.concat(parts, ignore_index=True)
    fine[_KEY] = fine[_KEY].astype(str)
    fine["bucket"] = fine["bucket"].astype("datetime64[ms, UTC]").astype("int64")
    if "value" in fine:
        fine["numerator"] = fine["numerator"].fillna(fine["value"])
    fine = fine[[*_KEY, "bucket", "numerator", "denominator"]]
    hours = fine.assign(bucket=fine["bucket"] - fine["bucket"] % 3_600_000)
    return [fine, hours.groupby([*_KEY, "bucket"], as_index=False).sum(min_count=1)]


def _write(store: Store, frames: Sequence[pd.DataFrame], split_ms: int, *, before: bool) -> int:
    written = 0
    for step, frame in zip(_STEPS, frames, strict=True):
        part = frame[frame["bucket"] < split_ms] if before else frame[frame["bucket"] >= split_ms]
        stamp = store.clock() - (_AGE if before else timedelta(0))
        written += store.write_all(_operations(store, part, step, iso(stamp)))
    store.refresh(*KPI_INDEX.values())
    return written


def _operations(store: Store, frame: pd.DataFrame, step: int, stamp: str) -> Iterator[Operation]:
    for kpi, service, kind, name, bucket, numerator, denominator in frame.itertuples(index=False):
        moment, counted = from_epoch_ms(bucket), denominator != denominator
        parts = {} if counted else {"numerator": numerator, "denominator": denominator}
        value = numerator if counted else numerator / denominator if denominator else None
        document = {
            "@timestamp": iso(moment), "event": {"ingested": stamp}, "service": {"name": service},
            "entity": {"type": kind, "id": name},
            "kpi": {
                "id": kpi, "version": 1, "resolution": {"sec": step}, "origin": "cdr",
                "state": "ok" if value is not None else "insufficient_data",
                **({"value": value} if value is not None else {}), **parts,
                "samples": int(numerator if counted else denominator),
            },
        }  # fmt: skip
        key = joined((kpi, kind, name, bucket, step))
        yield Operation("index", store.place(KPI_INDEX[step], moment), key, document)
