"""KPI points and baselines from the store, as panels. Reads only the KPIs, entities and resolution that are asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import orjson
import pandas as pd

from contracts.clock import from_epoch_ms, iso, parse_iso
from contracts.entities import Entity
from contracts.indices import KPI_INDEX
from detectors.baseline import Baseline
from detectors.joint_records import KIND, joints_from
from detectors.panel import Panel, from_frame
from detectors.records import baselines_from
from detectors.scorers.joint import Joint
from detectors.subject import Kpi
from infrastructure.store import Store

_COLUMNS = (
    "kpi",
    "service",
    "entity_type",
    "entity_id",
    "bucket",
    "value",
    "numerator",
    "denominator",
    "samples",
    "state",
    "origin",
    "ingested",
)


def load_panel(
    store: Store, kpi: Kpi, step_sec: int, since_ms: int, until_ms: int, entities: Iterable[Entity] | None = None
) -> Panel:
    """Points of one KPI at a stored resolution as a panel over all buckets of [since, until); `entities`: only these."""
    named = None if entities is None else sorted({one.id for one in entities})
    frame = load_frame(store, kpi, step_sec, since_ms, until_ms, named)
    return from_frame(frame, kpi, step_sec, since_ms, until_ms)


def load_frame(
    store: Store,
    kpi: Kpi,
    step_sec: int,
    since_ms: int,
    until_ms: int,
    named: Sequence[str] | None = None,
    written_since: datetime | None = None,
) -> pd.DataFrame:
    """Points in [since, until), the one written last at the end. `named`: ids of entities, None: all of them.

    `written_since`: only points that were written, or rolled again, from then on.
    """

    if named is not None and not named:
        return _frame([], kpi)
    start, end = from_epoch_ms(since_ms), from_epoch_ms(until_ms)
    query = points_query(kpi, step_sec, named, written_since)
    rows: list[list[Any]] = []
    if start < end:
        for table in store.esql_windows(query, start, end, step=timedelta(seconds=step_sec)):
            rows += table.rows
    return _frame(rows, kpi)


def points_query(
    kpi: Kpi, step_sec: int, named: Sequence[str] | None = None, written_since: datetime | None = None
) -> Callable[[datetime, datetime], tuple[str, list[Any]]]:
    """The query for the points of one KPI between two times, as `load_frame` asks it."""

    def query(start: datetime, end: datetime) -> tuple[str, list[Any]]:
        parts = "" if kpi.mergeable else ", kpi.bins"
        chosen = f" AND entity.id IN ({', '.join('?' * len(named))})" if named is not None else ""
        chosen += "" if written_since is None else " AND event.ingested >= ?"
        text = f"""FROM {KPI_INDEX[step_sec]}
| WHERE @timestamp >= ? AND @timestamp < ? AND kpi.id == ? AND kpi.version == ?{chosen}
| EVAL bucket = TO_LONG(@timestamp), ingested = TO_LONG(event.ingested)
| KEEP service.name, entity.type, entity.id, bucket, kpi.value, kpi.numerator, kpi.denominator, kpi.samples, kpi.state,
       kpi.origin, ingested{parts}
| SORT ingested"""
        limits = [] if written_since is None else [iso(written_since)]
        return text, [iso(start), iso(end), kpi.id, kpi.version, *(named or ()), *limits]

    return query


def _frame(rows: list[list[Any]], kpi: Kpi) -> pd.DataFrame:
    names = [*_COLUMNS[1:], *(() if kpi.mergeable else ("bins",))]
    frame = pd.DataFrame(rows, columns=names)
    frame.insert(0, "kpi", kpi.id)
    numbers = ["value", "numerator", "denominator", "samples"]
    frame[numbers] = frame[numbers].astype("float64")
    return frame.astype({"bucket": "int64", "ingested": "int64"})


class Trained(NamedTuple):
    """What the last training left: `set_name` in use, `stamp` of its documents, `digest` of their content, up to when.

    `zone`: the time zone that it learned in.
    """

    set_name: str
    stamp: str
    digest: str
    until: datetime
    zone: str = ""


def job_state(store: Store, name: str) -> tuple[datetime | None, dict[str, Any]]:
    """Checkpoint and detail of a job; (None, {}) before its first run."""
    document = store.get("job", name)
    if document is None:
        return None, {}
    job = document.source["job"]
    checkpoint = parse_iso(job["checkpoint"]) if "checkpoint" in job else None
    return checkpoint, orjson.loads(job.get("detail", "{}"))


def keep_job(store: Store, name: str, checkpoint: datetime, detail: Mapping[str, Any]) -> None:
    """Writes a job's checkpoint and detail."""
    document = {
        "event": {"ingested": iso(store.clock())},
        "job": {"name": name, "checkpoint": iso(checkpoint), "detail": orjson.dumps(detail).decode()},
    }
    store.modify("job", name, lambda _: document, create=lambda: document)


def trained(store: Store) -> Trained | None:
    """The training in use, None before the first."""
    until, detail = job_state(store, "train")
    if until is None or "set" not in detail:
        return None
    return Trained(detail["set"], detail["stamp"], detail["digest"], until, detail.get("zone", ""))


def other_zone(store: Store) -> str:
    """The time zone that the training in use learned in, where it is not the network's (any more): its hours are others then."""
    found = trained(store)
    return found.zone if found is not None and found.zone != store.settings.text("network.timezone") else ""


def load_baselines(store: Store, kpis: Mapping[str, Kpi]) -> list[Baseline]:
    """Baselines of the training in use; none before the first, and none that were learned in another time zone."""
    return baselines_from(_in_use(store, [{"terms": {"kpi.id": sorted(kpis)}}]), kpis)


def load_joints(store: Store, kpis: Iterable[str]) -> list[Joint]:
    """How KPIs hang together, of the training in use; those of KPIs that are still judged."""
    return joints_from(_in_use(store, [{"term": {"baseline.kind": KIND}}]), tuple(kpis))


class BaselinesInUse:
    """Baselines of the training in use, read once and kept until another one is: a round of jobs cannot read them all."""

    def __init__(self) -> None:
        self._key: object = None
        self._kept: list[Baseline] = []

    def of(self, store: Store, kpis: Mapping[str, Kpi]) -> list[Baseline]:
        """As `load_baselines`."""
        key = (trained(store), store.settings.text("network.timezone"), tuple(kpis.items()))
        if key != self._key:
            self._key, self._kept = None, load_baselines(store, kpis)
            self._key = key
        return self._kept


def baseline_hours(store: Store, kpi: str, entity: Entity) -> list[dict[str, Any]]:
    """What is normal for one KPI and entity: fields of `baseline` for each hour of week, in order; [] where unknown."""
    terms = {"kpi.id": kpi, "entity.type": entity.type, "entity.id": entity.id}
    found = _in_use(store, [{"term": {name: value}} for name, value in terms.items()])
    return sorted((document["baseline"] for document in found), key=lambda hour: int(hour["hour_of_week"]))


def _in_use(store: Store, filters: list[dict[str, Any]]) -> Iterable[dict[str, Any]]:
    """Baseline documents of the training in use: a set that is being written, or was left half written, is not."""
    current = trained(store)
    if current is None:
        return ()
    own = [
        {"term": {"baseline.set": current.set_name}},
        {"term": {"baseline.trained": current.stamp}},
        {"term": {"baseline.timezone": store.settings.text("network.timezone")}},
    ]
    return (hit["_source"] for hit in store.scan("baseline", {"bool": {"filter": own + filters}}))
