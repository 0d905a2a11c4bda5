"""KPIs: definitions in versions, their points, and values that people enter."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request

from console.api.common import PROBLEMS, ROOT, changing
from console.api.models import AnyDocument, Documents, KpiChange, KpiPoints, NewKpi, NewKpiValue
from console.errors import NotFound, RequestError
from console.nouns import MOST_PAGE
from console.timerange import time_range
from console.viewer import Viewer, allowed, services
from contracts.clock import iso, parse_iso
from kpis.entering import Entry, Wanted, enter, history
from kpis.tracking import Registry, Tracked, editing, load

router = APIRouter(prefix=f"{ROOT}/kpis", tags=["kpis"], responses=PROBLEMS)
_INDICES = {300: "kpi-5m", 3600: "kpi-1h", 86400: "kpi-1d"}
# What the others fetch or read, the jobs' machine does: whoever runs the jobs defines those, on the command line.
_SOURCES = ("manual", "formula")
MayRead = Annotated[Viewer, Depends(allowed("kpi-definition:read"))]
_CHANGING = ("kpi-definition:read", "kpi-definition:create_doc")


@router.get("", summary="list KPIs by id, with what they are held against")
def listed(
    viewer: MayRead,
    q: str = Query("", max_length=200, description="words of id or name"),
    source: str = Query("", max_length=20, description="cdr, store, formula, manual …"),
    retired: bool = Query(False, description="also those that are out of use"),
    after: str = Query("", max_length=64, description="cursor of the page before"),
    size: int = Query(MOST_PAGE, ge=1, le=MOST_PAGE),
) -> Documents:
    words = q.lower().split()
    found = [
        each
        for _, each in sorted(load(viewer.store).known.items())
        if (retired or each.active)
        and source in ("", each.source)
        and all(word in f"{each.id} {each.name}".lower() for word in words)
    ]
    rest = [each for each in found if each.id > after]
    items = [_shown(each) for each in rest[:size]]
    return Documents(items=items, after=items[-1]["id"] if len(rest) > size else "", total=len(found), exact=True)


@router.get("/{key}", summary="a KPI, and every revision that people wrote")
def shown(key: str, viewer: MayRead) -> AnyDocument:
    one = _one(load(viewer.store), key)
    written = [asdict(each) for each in editing.revisions(viewer.store, one.id)]
    return AnyDocument(**{**_shown(one), "revisions": written})


@router.post("", status_code=201, summary="define a KPI that people enter, or one made of others by a formula")
def define(request: Request, given: NewKpi, viewer: Annotated[Viewer, changing(*_CHANGING)]) -> AnyDocument:
    _check_source(given.definition)
    made = editing.define(viewer.store, given.definition, by=viewer.username, why=given.why, expect=0)
    services(request).audit.note(viewer.username, "KPI defined", made.kpi, revision=made.number)
    return AnyDocument.of(made)


@router.put("/{key}", summary="another revision; of a shipped KPI: owner, target and thresholds laid over it")
def change(
    request: Request, key: str, given: KpiChange, viewer: Annotated[Viewer, changing(*_CHANGING)]
) -> AnyDocument:
    """`revision`: the one that was read (0: none yet). Another one meanwhile is a 409, and nothing is written."""
    one = _one(load(viewer.store), key)
    said: dict[str, Any] = {"by": viewer.username, "why": given.why, "expect": given.revision}
    if one.shipped:
        made = editing.lay_over(viewer.store, one.id, given.definition, **said)
    else:
        _check_source(given.definition)
        if given.definition.get("id") != one.id:
            raise RequestError(f"definition.id is not {one.id}", remedy="a KPI keeps its id; define another one")
        made = editing.define(viewer.store, given.definition, **said)
    services(request).audit.note(viewer.username, "KPI changed", made.kpi, revision=made.number)
    return AnyDocument.of(made)


@router.delete("/{key}", summary="take a KPI out of use; its values stay")
def retire(
    request: Request,
    key: str,
    viewer: Annotated[Viewer, changing(*_CHANGING)],
    why: str = Query("", max_length=1000),
) -> AnyDocument:
    one = _one(load(viewer.store), key)
    made = editing.retire(viewer.store, one.id, by=viewer.username, why=why)
    services(request).audit.note(viewer.username, "KPI retired", made.kpi, revision=made.number)
    return AnyDocument.of(made)


@router.get("/{key}/points", summary="points of a KPI")
def points(
    request: Request,
    key: str,
    viewer: Annotated[Viewer, Depends(allowed("kpi-5m:read", "kpi-1h:read", "kpi-1d:read"))],
    entity: str = Query("", max_length=200, description="type:id", examples=["trunk_group:TG2"]),
    since: str = Query("now-24h", alias="from", max_length=40),
    until: str = Query("now", alias="to", max_length=40),
    resolution: int = Query(3600, description="length of a bucket in seconds: 300, 3600 or 86400"),
) -> KpiPoints:
    if resolution not in _INDICES:
        raise RequestError(f"resolution: {resolution} is not 300, 3600 or 86400")
    times = time_range(since, until, services(request).clock(), 1)
    kind, _, name = entity.partition(":")
    wanted: list[dict[str, Any]] = [
        {"term": {"kpi.id": key}},
        {"range": {"@timestamp": {"gte": times.since.isoformat(), "lt": times.until.isoformat()}}},
    ]
    wanted += [{"term": {"entity.type": kind}}, {"term": {"entity.id": name}}] if entity else []
    answer = viewer.store.search(
        _INDICES[resolution], query={"bool": {"filter": wanted}}, size=10_000, sort=[{"@timestamp": "asc"}]
    )["hits"]
    items = [
        {"at": hit["_source"]["@timestamp"], "entity": hit["_source"]["entity"], **hit["_source"]["kpi"]}
        for hit in answer["hits"]
    ]
    return KpiPoints(items=items, total=answer["total"]["value"])


@router.get(
    "/{key}/values", summary="values that people entered, the newest first, corrections with what they corrected"
)
def values(
    key: str,
    viewer: Annotated[Viewer, Depends(allowed("kpi-definition:read", "kpi-correction:read"))],
    entity: str = Query("", max_length=200, description="type:id"),
    size: int = Query(MOST_PAGE, ge=1, le=1000),
) -> list[AnyDocument]:
    one = _one(load(viewer.store), key)
    return [_entry(each) for each in history(viewer.store, one, entity or None, size)]


@router.post("/{key}/values", status_code=202, summary="enter or correct a value of a manual KPI")
def enter_value(
    request: Request,
    key: str,
    given: NewKpiValue,
    viewer: Annotated[Viewer, changing("kpi-definition:read", "kpi-correction:read", "kpi-correction:create_doc")],
) -> AnyDocument:
    """Kept at once; the KPI's point shows it after the next run of the jobs, which alone write points."""
    one = _one(load(viewer.store), key)
    try:
        moment = parse_iso(given.at)
    except ValueError:
        raise RequestError(f"at: {given.at[:40]!r} is no time", remedy="write 2026-11-21T10:00:00Z") from None
    wanted = Wanted(one, given.entity, moment, given.value)
    (made,) = enter(viewer.store, [wanted], by=viewer.username, why=given.why, origin="api", points=False)
    services(request).audit.note(viewer.username, f"KPI value {made.status}", one.id, entity=given.entity, at=given.at)
    return AnyDocument(**{**made._asdict(), "bucket": iso(made.bucket)})


def _check_source(definition: dict[str, Any]) -> None:
    source = definition.get("source")
    kind = source.get("kind") if isinstance(source, dict) else None
    if kind is not None and kind not in _SOURCES:
        raise RequestError(
            f"source: {str(kind)[:40]!r} is not defined here", remedy="manual or formula; others: kpi define"
        )


def _one(registry: Registry, key: str) -> Tracked:
    found = registry.known.get(key)
    if found is None:
        raise NotFound(f"there is no KPI {key[:80]!r}", remedy="see the list of kpis")
    return found


def _shown(one: Tracked) -> dict[str, Any]:
    names = ("id", "name", "group", "unit", "bad", "standard", "source", "version", "owner", "meaning", "service")
    target = one.limits.target
    return {
        **{name: getattr(one, name) for name in names},
        "resolutions_sec": list(one.resolutions),
        "dimensions": list(one.dimensions),
        "target": asdict(target) if target else None,
        "thresholds": dict(one.limits.thresholds),
        "shipped": one.shipped,
        "revision": one.revision,
        "active": one.active,
    }


def _entry(entry: Entry) -> AnyDocument:
    return AnyDocument(**{**asdict(entry), "bucket": iso(entry.bucket), "at": iso(entry.at)})
