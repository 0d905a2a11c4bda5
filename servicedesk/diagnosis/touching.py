"""Open incidents that touch a customer, and tickets that are about them already."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from contracts.clock import iso, parse_iso
from contracts.entities import Entity
from infrastructure.store import Store
from servicedesk.diagnosis.model import Touching
from servicedesk.profiles import listed

AROUND = timedelta(hours=1)  # an incident that ended this long before a bad session may still be its cause
_MOST = 50


def incidents_of(
    store: Store, places: Collection[Entity], services: Collection[str], bad_at: datetime | None, now: datetime
) -> list[Touching]:
    """Incidents that are open, or were around the time `bad_at`, at one of the places or of one of the services.

    Those that name a place come first, then the newest.
    """
    spans: list[dict[str, Any]] = [{"term": {"incident.status": "open"}}]
    if bad_at is not None:
        begun = {"range": {"event.start": {"lte": iso(bad_at + AROUND)}}}
        ended = {"range": {"event.end": {"gte": iso(bad_at - AROUND)}}}
        spans.append({"bool": {"filter": [begun, ended], "must_not": {"term": {"incident.status": "withdrawn"}}}})
    names = {str(entity) for entity in places if entity.type != "service"}
    theirs = [{"terms": {"incident.entities": sorted(names)}}, {"terms": {"incident.services": sorted(services)}}]
    filters = [
        {"bool": {"should": spans, "minimum_should_match": 1}},
        {"bool": {"should": theirs, "minimum_should_match": 1}},
        {"range": {"event.start": {"lte": iso(now)}}},
    ]
    hits = store.search("incident", query={"bool": {"filter": filters}}, size=_MOST, sort=[{"event.start": "desc"}])
    found = [_touching(hit["_source"], names, services) for hit in hits["hits"]["hits"]]
    return sorted((one for one in found if one is not None), key=lambda one: (not one.place, -one.start.timestamp()))


def _touching(source: dict[str, Any], names: Collection[str], services: Collection[str]) -> Touching | None:
    """None for one at a single place that is not theirs, even though it is of their service."""
    incident = source["incident"]
    entities = listed(incident.get("entities"))
    place = next((name for name in entities if name in names), "")
    whole = not entities or entities[0].startswith(("service:", "feed:"))
    if not place and not whole:
        return None
    service = next((name for name in listed(incident.get("services")) if name in services), "")
    return Touching(
        id=incident["id"],
        title=incident["title"],
        reason=incident.get("reason", ""),
        status=incident["status"],
        start=parse_iso(source["event"]["start"]),
        place=place,
        service=service,
    )


def tickets_of(store: Store, customer: str, incidents: Collection[str]) -> dict[str, str]:
    """Tickets that are not closed and name the customer, or one of the incidents, newest first: id → incident, "" of none."""
    theirs: list[dict[str, Any]] = [{"term": {"customer.id": customer}}, {"terms": {"incident.id": sorted(incidents)}}]
    query = {
        "bool": {
            "filter": [{"bool": {"should": theirs, "minimum_should_match": 1}}],
            "must_not": {"term": {"ticket.state": "closed"}},
        }
    }
    fields = ["ticket.id", "incident.id"]
    hits = store.search("ticket", query=query, size=_MOST, sort=[{"@timestamp": "desc"}], _source=fields)["hits"][
        "hits"
    ]
    rows = [hit["_source"] for hit in hits]
    return {str(row["ticket"]["id"]): str(row.get("incident", {}).get("id", "")) for row in rows}
