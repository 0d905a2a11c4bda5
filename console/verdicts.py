"""What people say of anomalies and incidents, from a page or the API: kept as their verdict, and audited."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from fastapi import Request

from console.errors import RequestError
from console.viewer import Viewer, services
from detectors import mark
from detectors.feedback import SCOPES, VERDICTS, Mark

MOST_DAYS = 400
_MOST_ANOMALIES = 10_000  # of one incident


def judged(
    request: Request, viewer: Viewer, anomaly: dict[str, Any], verdict: str, why: str, scope: str, days: int
) -> Mark:
    """Keeps the viewer's verdict on an anomaly (its document). Raises UserError on a value that cannot be."""
    said = _kept(viewer, anomaly, verdict, why, scope, days)
    services(request).audit.note(viewer.username, f"anomaly marked {verdict}", said.anomaly, why=why)
    return said


def judged_incident(
    request: Request, viewer: Viewer, key: str, verdict: str, why: str, scope: str, days: int
) -> list[Mark]:
    """The same of each anomaly of an incident."""
    hits = viewer.store.search("anomaly", query={"term": {"incident.id": key}}, size=_MOST_ANOMALIES)["hits"]["hits"]
    said = [_kept(viewer, hit["_source"], verdict, why, scope, days) for hit in hits]
    services(request).audit.note(viewer.username, f"incident marked {verdict}", key, why=why, anomalies=len(said))
    return said


def _kept(viewer: Viewer, anomaly: dict[str, Any], verdict: str, why: str, scope: str, days: int) -> Mark:
    known = next((each for each in VERDICTS if each == verdict), None)
    place = next((each for each in SCOPES if each == scope), None)
    if known is None or place is None:
        choices = VERDICTS if known is None else SCOPES
        raise RequestError(
            f"{verdict if known is None else scope!r} cannot be said", remedy=f"one of {', '.join(choices)}"
        )
    if not 1 <= days <= MOST_DAYS:
        raise RequestError(f"days: {days} is outside 1 to {MOST_DAYS}")
    return mark(viewer.store, anomaly, known, by=viewer.username, why=why, scope=place, lasting=timedelta(days=days))
