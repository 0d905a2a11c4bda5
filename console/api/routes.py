"""Routes of the REST API. Signed in by API key (`Authorization: ApiKey …`) or by the session's cookie with `X-CSRF-Token`."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from console.api import accounts, contact, desk, kpis, macros, network, staff
from console.api.common import PROBLEMS, ROOT
from console.api.models import AnyDocument, Documents
from console.errors import RequestError
from console.nouns import MOST_PAGE, NOUNS, PAGE, Noun, find, one
from console.viewer import Viewer, allowed, services
from kpis.exposition import CONTENT_TYPE, exposition
from kpis.tracking import load

DESCRIPTION = """KPIs, anomalies, incidents, alerts, tickets, customers, files, rejects, users and profiles.

Send an Elasticsearch API key (`Authorization: ApiKey <base64 of id:key>`; the console's account page makes one).
What it may do is what its owner's roles allow. Errors are `application/problem+json` (RFC 9457). Lists come a page
at a time: hand the `after` of one to the next, until it is empty."""
router = APIRouter(prefix=ROOT)
_NO_PERSON = {"customers", "rejects"}


def _listing(noun: Noun) -> Any:
    def listing(
        request: Request,
        viewer: Viewer = Depends(allowed(noun.need)),  # noqa: B008
        q: str = Query("", max_length=200, description="words to look for"),
        after: str = Query("", max_length=500, description="cursor of the page before"),
        size: int = Query(PAGE, ge=1, le=MOST_PAGE),
    ) -> Documents:
        names = {parameter for parameter, _, _ in noun.filters}
        unknown = sorted(set(request.query_params) - names - {"q", "after", "size"})
        if unknown:
            raise RequestError(
                f"{unknown[0][:40]!r} is no filter", remedy=f"one of {', '.join(sorted(names))}, q, after, size"
            )
        given = {**{name: request.query_params.get(name, "") for name in names}, "q": q, "after": after}
        found = find(viewer.store, noun, given, size=size)
        return Documents(items=found.rows, after=found.after, total=found.total, exact=found.exact)

    return listing


def _getting(noun: Noun) -> Any:
    def getting(request: Request, key: str, viewer: Viewer = Depends(allowed(noun.need))) -> AnyDocument:  # noqa: B008
        found = one(viewer.store, noun, key)
        if noun.name in _NO_PERSON:
            services(request).audit.note(viewer.username, f"read {noun.index}", key)
        return AnyDocument(**found)

    return getting


def _filters_of(noun: Noun) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "in": "query",
            "required": False,
            "schema": {"type": "string"},
            "description": f"{field}; several with commas",
        }
        for name, field, _ in noun.filters
    ]


for _noun in NOUNS.values():
    router.add_api_route(
        f"/{_noun.name}",
        _listing(_noun),
        methods=["GET"],
        summary=f"list {_noun.name}, newest first",
        operation_id=f"list_{_noun.name}",
        responses=PROBLEMS,
        tags=[_noun.name],
        openapi_extra={"parameters": _filters_of(_noun)},
    )
    if _noun.name != "audit":
        router.add_api_route(
            f"/{_noun.name}/{{key}}",
            _getting(_noun),
            methods=["GET"],
            summary=f"one of {_noun.name}",
            operation_id=f"get_{_noun.name}",
            responses=PROBLEMS,
            tags=[_noun.name],
        )


@router.get("/metrics", tags=["kpis"], responses=PROBLEMS, summary="newest value of every KPI, for Prometheus to pull")
def metrics(
    viewer: Annotated[Viewer, Depends(allowed("kpi-definition:read", "kpi-1h:read", "kpi-1d:read"))],
) -> Response:
    """Prometheus' text format. In its configuration: `authorization: {type: ApiKey, credentials: …}`."""
    return Response(exposition(viewer.store, load(viewer.store)), media_type=CONTENT_TYPE)


PARTS = (router, kpis.router, network.router, desk.router, contact.router, accounts.router, macros.router, staff.router)
