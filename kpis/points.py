"""Reading KPI points back: whole series as columns, and the newest values of entities."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd

from contracts.entities import Entity
from contracts.errors import DefinitionError
from contracts.indices import KPI_INDEX
from infrastructure.store import Store, Table
from kpis import catalogue, compiler
from kpis.definitions import Definition

COLUMNS = (
    "kpi",
    "entity_type",
    "entity_id",
    "service",
    "bucket",
    "value",
    "numerator",
    "denominator",
    "samples",
    "state",
    "bins",
)
_NAMES = ("kpi", "entity_type", "entity_id", "service", "state")  # few different ones: kept as categories
_NUMBERS = ("value", "numerator", "denominator")


def read_points(
    store: Store,
    resolution_sec: int,
    since: datetime,
    until: datetime,
    kpi_ids: Sequence[str] | None = None,
    *,
    with_bins: bool = False,
) -> pd.DataFrame:
    """Points with `since` ≤ bucket < `until`, of the catalogue's present versions, sorted by kpi, entity and bucket.

    Columns: kpi, entity_type, entity_id, service, state (categories), bucket (start, ms since the epoch), value, numerator,
    denominator (NaN: absent), samples, bins (text; empty unless `with_bins`: kpis.bins.decode reads it).
    Raises DefinitionError on an unknown resolution or KPI.
    """
    index = _index(resolution_sec)
    chosen = _chosen(catalogue.load(store.settings), kpi_ids)
    query = _query(index, chosen, with_bins=with_bins)
    windows = store.esql_windows(lambda a, b: (query, [a, b]), since, until, step=timedelta(seconds=resolution_sec))
    frames = [_frame(table, with_bins=with_bins) for table in windows if table.rows]
    return _joined(frames or [_frame(Table(list(COLUMNS), []), with_bins=True)])


def latest(
    store: Store, resolution_sec: int, entity: Entity | None = None, kpi_ids: Sequence[str] | None = None
) -> list[dict[str, Any]]:
    """Newest point with a value of each KPI and entity at one resolution, as stored documents, sorted by KPI and entity."""
    chosen = _chosen(catalogue.load(store.settings), kpi_ids)
    return newest(store, resolution_sec, [definition.id for definition in chosen], entity)


def newest(store: Store, resolution_sec: int, ids: Sequence[str], entity: Entity | None = None) -> list[dict[str, Any]]:
    """The same of any KPIs by their ids, those that people define included."""
    filters: list[dict[str, Any]] = [{"terms": {"kpi.id": list(ids)}}, {"exists": {"field": "kpi.value"}}]
    if entity is not None:
        filters += [{"term": {"entity.type": entity.type}}, {"term": {"entity.id": entity.id}}]
    found: dict[tuple[str, str, str], dict[str, Any]] = {}
    for bucket in _newest(store, _index(resolution_sec), filters):
        for hit in bucket["newest"]["hits"]["hits"]:
            source = hit["_source"]
            key = source["kpi"]["id"], source["entity"]["type"], source["entity"]["id"]
            found[key] = source
    return [found[key] for key in sorted(found)]


def _newest(store: Store, index: str, filters: list[dict[str, Any]]) -> Iterable[dict[str, Any]]:
    """One group a series, page by page."""
    sources = [{name: {"terms": {"field": name}}} for name in ("kpi.id", "entity.type", "entity.id")]
    composite: dict[str, Any] = {"size": 1000, "sources": sources}
    newest = {"top_hits": {"size": 1, "sort": [{"@timestamp": "desc"}]}}
    while True:
        aggregations = {"series": {"composite": composite, "aggs": {"newest": newest}}}
        answer = store.search(index, query={"bool": {"filter": filters}}, size=0, aggs=aggregations)
        series = answer.get("aggregations", {}).get("series", {})
        yield from series.get("buckets", [])
        if "after_key" not in series:
            return
        composite["after"] = series["after_key"]


def _index(resolution_sec: int) -> str:
    if resolution_sec not in KPI_INDEX:
        known = ", ".join(str(seconds) for seconds in KPI_INDEX)
        raise DefinitionError(f"no points are kept by {resolution_sec} s", remedy=f"one of {known}")
    return KPI_INDEX[resolution_sec]


def _chosen(known: Mapping[str, Definition], kpi_ids: Sequence[str] | None) -> list[Definition]:
    return list(known.values()) if kpi_ids is None else [catalogue.find(known, name) for name in kpi_ids]


def _query(index: str, definitions: Iterable[Definition], *, with_bins: bool) -> str:
    versions: dict[int, list[str]] = {}
    for definition in definitions:
        versions.setdefault(definition.version, []).append(compiler.constant(definition.id))
    conditions = [f"(kpi.version == {version} AND kpi.id IN ({', '.join(ids)}))" for version, ids in versions.items()]
    bins = ", bins = kpi.bins" if with_bins else ""
    keep = ", ".join(COLUMNS if with_bins else COLUMNS[:-1])
    return f"""FROM {index}
| WHERE @timestamp >= ? AND @timestamp < ? AND ({" OR ".join(conditions) or "false"})
| EVAL kpi = kpi.id, entity_type = entity.type, entity_id = entity.id, service = service.name, bucket = TO_LONG(@timestamp),
       value = kpi.value, numerator = kpi.numerator, denominator = kpi.denominator, samples = kpi.samples, state = kpi.state{bins}
| KEEP {keep}"""


def _frame(table: Table, *, with_bins: bool) -> pd.DataFrame:
    columns = dict(zip(table.columns, zip(*table.rows, strict=True), strict=True)) if table.rows else {}
    frame: dict[str, Any] = {name: pd.Categorical(columns.get(name, ())) for name in _NAMES}
    frame |= {name: np.array(columns.get(name, ()), dtype=np.float64) for name in _NUMBERS}
    frame |= {name: np.array(columns.get(name, ()), dtype=np.int64) for name in ("bucket", "samples")}
    frame["bins"] = [text or "" for text in columns.get("bins", ())] if with_bins else ""
    return pd.DataFrame(frame)[list(COLUMNS)]


def _joined(frames: list[pd.DataFrame]) -> pd.DataFrame:
    """One frame; categories of all windows together, in the order of their names."""
    for name in _NAMES:
        everything = sorted(set().union(*(frame[name].cat.categories for frame in frames)))
        for frame in frames:
            frame[name] = frame[name].cat.set_categories(everything)
    whole = pd.concat(frames, ignore_index=True)
    return whole.sort_values(["kpi", "entity_type", "entity_id", "bucket"], kind="stable", ignore_index=True)
