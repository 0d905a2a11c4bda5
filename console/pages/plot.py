"""The plot of an anomaly: actual against expected, with the normal band, a day around it; and what else belongs to it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from console.nouns import NOUNS, find, one
from console.templating import data
from console.viewer import Viewer, allowed
from contracts.clock import hour_of_week, iso, parse_iso
from infrastructure.store import Store

router = APIRouter()
BEFORE, AFTER = timedelta(hours=24), timedelta(hours=6)
_QUERY = """FROM kpi-5m, kpi-1h, kpi-1d
| WHERE kpi.id == ? AND entity.type == ? AND entity.id == ? AND @timestamp >= ? AND @timestamp < ?
| SORT @timestamp
| LIMIT 5000
| KEEP @timestamp, kpi.value, kpi.resolution.sec, kpi.unit"""
_NEEDS = ("anomaly:read", "kpi-5m:read", "kpi-1h:read", "kpi-1d:read", "baseline:read")


@router.get("/anomalies/{key}/plot")
def plot(request: Request, key: str, viewer: Annotated[Viewer, Depends(allowed(*_NEEDS))]) -> Response:
    """JSON for the page's script: an ECharts option."""
    source = one(viewer.store, NOUNS["anomalies"], key)
    return Response(str(data(picture(viewer.store, source))), media_type="application/json")


def picture(store: Store, source: dict[str, Any]) -> dict[str, Any]:
    """Points of the finest resolution that has a baseline (else of the finest), and the baseline of each one's hour of week."""
    start = parse_iso(source["event"]["start"])
    end = parse_iso(source["event"].get("end") or source["anomaly"].get("last") or source["event"]["start"])
    since, until = start - BEFORE, min(end, start + timedelta(days=14)) + AFTER
    entity = source["entity"]
    kpi = source["anomaly"].get("kpis", [source["kpi"]["id"]])[0]
    asked = [kpi, entity["type"], entity["id"], since, until]
    rows = store.esql(_QUERY, asked).dicts()
    bands = _bands(store, kpi, entity)
    there = {row["kpi.resolution.sec"] for row in rows}
    finest = min(there & set(bands) or there, default=0)
    points = [(row["@timestamp"], row["kpi.value"]) for row in rows if row["kpi.resolution.sec"] == finest]
    band = bands.get(finest, {})
    expected, lower, upper = (
        [_at(band, moment, part) for moment, _ in points] for part in ("expected", "lower", "upper")
    )
    series = [
        _line("actual", [[at, value] for at, value in points], "@series-0", 2),
        _line("expected", expected, "@ink", 1, dashed=True),
        _line("normal from", lower, "@band", 1),
        _line("normal to", upper, "@band", 1),
    ]
    series[0]["markArea"] = {
        "silent": True,
        "itemStyle": {"color": "@mark"},
        "data": [[{"xAxis": iso(start)}, {"xAxis": iso(end)}]],
    }
    option = {
        "grid": {"left": 8, "right": 16, "top": 16, "bottom": 36, "containLabel": True},
        "legend": {"bottom": 0, "type": "scroll"},
        "tooltip": {"trigger": "axis"},
        "xAxis": {"type": "time"},
        "yAxis": {"type": "value", "scale": True},
        "series": series,
    }
    unit = rows[0]["kpi.unit"] if rows else ""
    return {"kind": "chart", "option": option, "unit": unit, "rows": len(points), "click": {}, "cut": 0}


def _bands(store: Store, kpi: str, entity: Mapping[str, Any]) -> dict[int, dict[int, dict[str, Any]]]:
    """Newest baseline by resolution and hour of week."""
    wanted = {
        "kpi.id": kpi,
        "entity.type": entity["type"],
        "entity.id": entity["id"],
    }
    query = {"bool": {"filter": [{"term": {name: value}} for name, value in wanted.items()]}}
    hits = store.search("baseline", query=query, size=1000, sort=[{"baseline.trained": "asc"}])["hits"]["hits"]
    found: dict[int, dict[int, dict[str, Any]]] = {}
    for baseline in (hit["_source"]["baseline"] for hit in hits):
        found.setdefault(baseline["resolution"]["sec"], {})[baseline["hour_of_week"]] = baseline
    return found


def _at(bands: dict[int, dict[str, Any]], moment: str, part: str) -> list[Any]:
    if not bands:
        return [moment, None]
    zone = ZoneInfo(next(iter(bands.values())).get("timezone", "UTC"))
    at: datetime = parse_iso(moment)
    return [moment, bands.get(hour_of_week(at, zone), {}).get(part)]


def _line(name: str, points: list[Any], colour: str, width: int, *, dashed: bool = False) -> dict[str, Any]:
    style = {"width": width, "color": colour, "type": "dashed" if dashed else "solid"}
    return {
        "name": name,
        "type": "line",
        "showSymbol": len(points) < 3,
        "lineStyle": style,
        "itemStyle": {"color": colour},
        "data": points,
    }


def contributors(store: Store, source: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Other anomalies of the same incident, the highest scores first."""
    incident = source.get("incident", {}).get("id")
    if not incident:
        return []
    rows = find(store, NOUNS["anomalies"], {"incident": incident}, size=100).rows
    others = [row for row in rows if row["id"] != source["id"]]
    return sorted(others, key=lambda row: -row["anomaly"]["score"])[:20]
