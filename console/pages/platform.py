"""Health of the platform, the glossary, and whether the console itself lives."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse, Response

from console.glossary import rows
from console.i18n import terms
from console.marking import marked as _
from console.templating import page
from console.viewer import Viewer, allowed, services
from contracts.indices import ALL

router = APIRouter()
_FACTS = {  # of Elasticsearch, then of the console
    "version": _("Version of Elasticsearch"),
    "cluster": _("Cluster"),
    "nodes": _("Nodes"),
    "health": _("State of the cluster"),
    "url": _("Address"),
    "rows": _("Most rows of an answer"),
    "lifecycle": _("Has lifecycle policies"),
    "sessions": _("Sessions of the console"),
    "watching": _("Dashboards kept live"),
    "users": _("Signed in as"),
}


@router.get("/health")
def health(request: Request, viewer: Annotated[Viewer, Depends(allowed("cluster:monitor"))]) -> Response:
    """Elasticsearch, jobs, and what is stored."""
    made = services(request)
    info = viewer.store.info()
    jobs = _jobs(viewer) if viewer.may("job:read") else None
    console = {"sessions": made.sessions.count(), "watching": request.app.state.watching, "users": viewer.username}
    return page(
        request, "health.html", viewer, info=info, jobs=jobs, console=console, facts=_FACTS, stored=_stored(viewer)
    )


def _jobs(viewer: Viewer) -> list[dict[str, Any]]:
    hits = viewer.store.search(
        "job", query={"exists": {"field": "job.checkpoint"}}, size=100, sort=[{"job.name": "asc"}]
    )
    return [hit["_source"] for hit in hits["hits"]["hits"]]


def _stored(viewer: Viewer) -> list[tuple[str, str, int]]:
    """Documents of each index that the viewer may read."""
    viewer.learn(f"{index.name}:read" for index in ALL)
    return [
        (index.name, index.meaning, viewer.store.count(index.name)) for index in ALL if viewer.may(f"{index.name}:read")
    ]


@router.get("/glossary")
def words(request: Request, viewer: Annotated[Viewer, Depends(allowed())]) -> Response:
    """Every term in the viewer's language, in its order, the English one beside it: the data say that."""
    own = terms(viewer.words.language)
    said = [(own.get(term, term), term, viewer.words.text(told)) for term, told in rows()]
    return page(request, "glossary.html", viewer, terms=sorted(said, key=lambda each: each[0].casefold()))


@router.get("/healthz")
def alive() -> Response:
    """For a load balancer: the console answers. It says nothing of Elasticsearch, nor of anybody."""
    return JSONResponse({"ok": True})
