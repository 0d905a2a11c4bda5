"""What the network does and what is said of it: verdicts on anomalies, alerts somebody has, silences."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request

from alerting import Silence, acknowledge, add_silence, expire_silence, list_silences
from alerting import history as alert_history
from console.api.common import PROBLEMS, ROOT, changing
from console.api.models import Acknowledgement, AnyDocument, NewSilence, Verdict
from console.errors import NotFound, RequestError
from console.nouns import NOUNS, one
from console.verdicts import judged, judged_incident
from console.viewer import Viewer, allowed, services
from contracts.clock import iso, parse_iso

router = APIRouter(prefix=ROOT)
_SILENCES = 1000  # listed at once, those that end last


@router.post("/alerts/{key}/acknowledgement", tags=["alerts"], responses=PROBLEMS, summary="somebody has it")
def acknowledge_alert(
    request: Request, key: str, given: Acknowledgement, viewer: Annotated[Viewer, changing("alert:read", "alert:index")]
) -> AnyDocument:
    made = services(request)
    source = acknowledge(viewer.store, key, by=viewer.username, why=given.why, clock=made.clock)
    made.audit.note(viewer.username, "alert acknowledged", key)
    return AnyDocument.with_id(key, {**source, "alert": {**source["alert"], "history": alert_history(source)}})


@router.get("/silences", tags=["silences"], responses=PROBLEMS, summary="silences, the one that ends last first")
def silences(
    request: Request,
    viewer: Annotated[Viewer, Depends(allowed("silence:read"))],
    over: bool = Query(False, description="also those that are over"),
) -> list[AnyDocument]:
    now = services(request).clock()
    found = list_silences(viewer.store, since=None if over else now)
    return [_shown(each, now) for each in found[:_SILENCES]]


@router.post("/silences", status_code=201, tags=["silences"], responses=PROBLEMS, summary="tell nobody, for a while")
def silence(
    request: Request, given: NewSilence, viewer: Annotated[Viewer, changing("silence:read", "silence:index")]
) -> AnyDocument:
    """Asked for twice with the same times it is one."""
    made = services(request)
    starts, ends = _moment("starts_at", given.starts_at), _moment("ends_at", given.ends_at)
    if ends - starts > timedelta(days=366):
        raise RequestError("ends_at: a silence of more than a year is a mistake")
    added = add_silence(
        viewer.store, given.matchers, starts_at=starts, ends_at=ends, by=viewer.username, comment=given.comment
    )
    made.audit.note(viewer.username, "silence added", added.id, matchers=given.matchers)
    return _shown(added, made.clock())


@router.delete(
    "/silences/{key}", tags=["silences"], responses=PROBLEMS, summary="end a silence now; it stays on record"
)
def expire(
    request: Request, key: str, viewer: Annotated[Viewer, changing("silence:read", "silence:index")]
) -> AnyDocument:
    if viewer.store.get("silence", key) is None:
        raise NotFound(f"there is no silence {key[:80]!r}")
    made = services(request)
    ended = expire_silence(viewer.store, key, by=viewer.username)
    made.audit.note(viewer.username, "silence ended", key)
    return _shown(ended, made.clock())


@router.put("/anomalies/{key}/verdict", tags=["anomalies"], responses=PROBLEMS, summary="say what an anomaly was")
def judge_anomaly(
    request: Request,
    key: str,
    given: Verdict,
    viewer: Annotated[Viewer, changing("anomaly:read", "feedback:read", "feedback:index")],
) -> AnyDocument:
    """A false one keeps others like it quiet for `days` from its start; a later verdict takes this one's place."""
    source = one(viewer.store, NOUNS["anomalies"], key)
    return AnyDocument.of(judged(request, viewer, source, given.verdict, given.why, given.scope, given.days))


@router.put("/incidents/{key}/verdict", tags=["incidents"], responses=PROBLEMS, summary="say what an incident was")
def judge_incident(
    request: Request,
    key: str,
    given: Verdict,
    viewer: Annotated[Viewer, changing("incident:read", "anomaly:read", "feedback:read", "feedback:index")],
) -> list[AnyDocument]:
    """The verdict is kept of each of its anomalies."""
    one(viewer.store, NOUNS["incidents"], key)
    said = judged_incident(request, viewer, key, given.verdict, given.why, given.scope, given.days)
    return [AnyDocument.of(each) for each in said]


def _moment(name: str, text: str) -> Any:
    try:
        return parse_iso(text)
    except ValueError:
        raise RequestError(f"{name}: {text[:40]!r} is no time", remedy="write 2026-11-21T10:00:00Z") from None


def _shown(silence: Silence, now: Any) -> AnyDocument:
    fields = asdict(silence) | {"starts_at": iso(silence.starts_at), "ends_at": iso(silence.ends_at)}
    return AnyDocument(**{**fields, "matchers": [str(each) for each in silence.matchers], "state": silence.state(now)})
