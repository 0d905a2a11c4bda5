"""Values pushed to another system: JSON lines, or InfluxDB's line protocol, which VictoriaMetrics and Telegraf take too.

Both carry the bucket's time and what identifies the point, so that a push that is repeated changes nothing at a receiver that
keys by them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import orjson

from contracts.clock import epoch_ms, iso, parse_iso
from contracts.errors import UserError
from contracts.indices import KPI_INDEX
from infrastructure.store import Store
from kpis.collecting.fetching import Fetcher
from kpis.tracking import Tracked

FORMATS = ("json", "influx")
BATCH = 5_000
_TRIES = 4
_TYPES = {"json": "application/x-ndjson", "influx": "text/plain; charset=utf-8"}
_ESCAPED = str.maketrans({",": "\\,", "=": "\\=", " ": "\\ "})


class Pushed(NamedTuple):
    points: int
    requests: int
    until: datetime


def push(
    store: Store,
    tracked: Sequence[Tracked],
    url: str,
    start: datetime,
    end: datetime,
    resolution_sec: int,
    form: str,
    *,
    secret: str = "",
    sleep: Callable[[float], None] = time.sleep,
) -> Pushed:
    """Posts points written (not: of the time) between `start` and `end`, `BATCH` a request, in the order of their writing.

    So a scheduled push goes on from `until` of the last one, late values included. Raises OperatorError where the receiver
    refuses or stays away: what was accepted so far is complete batches.
    """
    if form not in FORMATS:
        raise UserError(f"unknown format {form[:20]!r}", remedy=f"one of {', '.join(FORMATS)}")
    sender = Fetcher(store.settings, tries=_TRIES, sleep=sleep)
    count = batches = 0
    for batch in _batches(_points(store, tracked, start, end, resolution_sec)):
        text = "\n".join(_line(each) if form == "influx" else orjson.dumps(_row(each)).decode() for each in batch)
        sender.post(url, (text + "\n").encode(), _TYPES[form], secret=secret)
        count, batches = count + len(batch), batches + 1
    return Pushed(count, batches, end)


def _points(
    store: Store, tracked: Sequence[Tracked], start: datetime, end: datetime, resolution_sec: int
) -> Iterator[Mapping[str, Any]]:
    versions = {one.id: one.version for one in tracked}
    filters = [
        {"terms": {"kpi.id": list(versions)}},
        {"range": {"event.ingested": {"gte": iso(start), "lt": iso(end)}}},
        {"exists": {"field": "kpi.value"}},
    ]
    store.refresh(KPI_INDEX[resolution_sec])
    for hit in store.scan(KPI_INDEX[resolution_sec], {"bool": {"filter": filters}}, sort=[{"event.ingested": "asc"}]):
        source: dict[str, Any] = hit["_source"]
        if versions.get(source["kpi"]["id"]) == source["kpi"]["version"]:
            yield source


def _batches(points: Iterator[Mapping[str, Any]]) -> Iterator[list[Mapping[str, Any]]]:
    batch: list[Mapping[str, Any]] = []
    for point in points:
        batch.append(point)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _row(source: Mapping[str, Any]) -> dict[str, Any]:
    kpi = source["kpi"]
    return {
        "kpi": kpi["id"],
        "entity_type": source["entity"]["type"],
        "entity": source["entity"]["id"],
        "time": source["@timestamp"],
        "seconds": kpi["resolution"]["sec"],
        "value": kpi["value"],
        "unit": kpi["unit"],
        "state": kpi["state"],
        "samples": kpi["samples"],
    }


def _line(source: Mapping[str, Any]) -> str:
    """`busyhour_kpi,kpi=…,entity_type=…,entity=…,seconds=… value=…,samples=…i <ns>`; unprintable characters become `_`."""
    row = _row(source)
    tags = ",".join(f"{name}={_tag(str(row[name]))}" for name in ("kpi", "entity_type", "entity", "seconds", "unit"))
    moment = epoch_ms(parse_iso(row["time"])) * 1_000_000
    return f"busyhour_kpi,{tags} value={float(row['value'])!r},samples={int(row['samples'])}i {moment}"


def _tag(text: str) -> str:
    clean = "".join(each if each.isprintable() else "_" for each in text).rstrip("\\")
    return clean.translate(_ESCAPED) or "_"
