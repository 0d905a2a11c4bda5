"""Routes of the REST API. Signed in by API key (`Authorization: ApiKey …`) or by the session's cookie with `X-CSRF-Token`."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request

from alerting import acknowledge
from alerting import history as alert_history
from console.api.models import (
    Acknowledgement,
    AnyDocument,
    Documents,
    KpiPoints,
    NewTicket,
    NewUser,
    ProfileChange,
    TicketChange,
    UserChange,
)
from console.errors import Denied, RequestError
from console.nouns import MOST_PAGE, NOUNS, PAGE, Noun, find, one
from console.pages.actions import moved, opened
from console.pages.people import MANAGE
from console.timerange import time_range
from console.viewer import Viewer, allowed, current, services
from infrastructure import users
from servicedesk import TicketDesk

DESCRIPTION = """KPIs, anomalies, incidents, alerts, tickets, customers, files, rejects, users and profiles.

Send an Elasticsearch API key (`Authorization: ApiKey <base64 of id:key>`; the console's account page makes one).
What it may do is what its owner's roles allow. Errors are `application/problem+json` (RFC 9457). Lists come a page
at a time: hand the `after` of one to the next, until it is empty."""
router = APIRouter(prefix="/api/v1")
_PROBLEMS: dict[int | str, dict[str, Any]] = {
    code: {"description": words, "content": {"application/problem+json": {}}}
    for code, words in (
        (400, "bad request"),
        (401, "no key, or none that is known"),
        (403, "not allowed"),
        (503, "away"),
    )
}
_NO_PERSON = {"customers", "rejects"}


def changing(*needs: str) -> Any:
    """As `allowed`; a request that comes with a session's cookie has to carry its token as well."""
    base = allowed(*needs)

    def dependency(request: Request) -> Viewer:
        viewer = base(request)
        if viewer.session is not None and not viewer.session.accepts(request.headers.get("x-csrf-token", "")):
            raise Denied("X-CSRF-Token is missing or wrong", remedy="send that of the page, or use an API key")
        return viewer

    dependency.needs = needs  # type: ignore[attr-defined]
    return Depends(dependency)


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
        responses=_PROBLEMS,
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
            responses=_PROBLEMS,
            tags=[_noun.name],
        )


@router.get("/kpis", tags=["kpis"], responses=_PROBLEMS, summary="points of a KPI of an entity")
def kpis(
    request: Request,
    viewer: Annotated[Viewer, Depends(allowed("kpi-5m:read", "kpi-1h:read", "kpi-1d:read"))],
    kpi: str = Query(max_length=80, examples=["voip.ner"]),
    entity: str = Query("", max_length=200, description="type:id", examples=["trunk_group:TG2"]),
    since: str = Query("now-24h", alias="from", max_length=40),
    until: str = Query("now", alias="to", max_length=40),
    resolution: int = Query(3600, description="length of a bucket in seconds: 300, 3600 or 86400"),
) -> KpiPoints:
    names = {300: "kpi-5m", 3600: "kpi-1h", 86400: "kpi-1d"}
    if resolution not in names:
        raise RequestError(f"resolution: {resolution} is not 300, 3600 or 86400")
    times = time_range(since, until, services(request).clock(), 1)
    kind, _, name = entity.partition(":")
    wanted: list[dict[str, Any]] = [
        {"term": {"kpi.id": kpi}},
        {"range": {"@timestamp": {"gte": times.since.isoformat(), "lt": times.until.isoformat()}}},
    ]
    wanted += [{"term": {"entity.type": kind}}, {"term": {"entity.id": name}}] if entity else []
    answer = viewer.store.search(
        names[resolution], query={"bool": {"filter": wanted}}, size=10_000, sort=[{"@timestamp": "asc"}]
    )["hits"]
    return KpiPoints(
        items=[
            {"at": hit["_source"]["@timestamp"], "entity": hit["_source"]["entity"], **hit["_source"]["kpi"]}
            for hit in answer["hits"]
        ],
        total=answer["total"]["value"],
    )


@router.post("/alerts/{key}/acknowledgement", tags=["alerts"], responses=_PROBLEMS, summary="somebody has it")
def acknowledge_alert(
    request: Request, key: str, given: Acknowledgement, viewer: Annotated[Viewer, changing("alert:read", "alert:index")]
) -> AnyDocument:
    made = services(request)
    source = acknowledge(viewer.store, key, by=viewer.username, why=given.why, clock=made.clock)
    made.audit.note(viewer.username, "alert acknowledged", key)
    return AnyDocument.with_id(key, {**source, "alert": {**source["alert"], "history": alert_history(source)}})


@router.post("/tickets", status_code=201, tags=["tickets"], responses=_PROBLEMS, summary="open a ticket")
def open_ticket(
    request: Request, given: NewTicket, viewer: Annotated[Viewer, changing("ticket:read", "ticket:index")]
) -> AnyDocument:
    return AnyDocument.of(opened(request, viewer, given.model_dump()))


@router.patch("/tickets/{key}", tags=["tickets"], responses=_PROBLEMS, summary="comment, give, move a ticket")
def change_ticket(
    request: Request, key: str, given: TicketChange, viewer: Annotated[Viewer, changing("ticket:read", "ticket:index")]
) -> AnyDocument:
    made = services(request)
    desk = TicketDesk(viewer.store, made.clock)
    ticket = desk.get(key)
    if given.assignee:
        ticket = desk.assign(key, given.assignee, by=viewer.username)
        made.audit.note(viewer.username, f"ticket assigned to {given.assignee}", key)
    if given.state:
        ticket = moved(request, viewer, key, given.state, given.comment)
    elif given.comment:
        ticket = desk.comment(key, given.comment, by=viewer.username)
        made.audit.note(viewer.username, "ticket commented", key)
    return AnyDocument.of(ticket)


@router.get("/users", tags=["users"], responses=_PROBLEMS, summary="staff")
def list_users(viewer: Annotated[Viewer, Depends(allowed(MANAGE))]) -> list[AnyDocument]:
    return [AnyDocument.of(user) for user in users.list_users(viewer.store)]


@router.post("/users", status_code=201, tags=["users"], responses=_PROBLEMS, summary="make an account")
def create_user(request: Request, given: NewUser, viewer: Annotated[Viewer, changing(MANAGE)]) -> AnyDocument:
    password = given.password.get_secret_value()
    made = users.create_user(viewer.store, given.username, password, given.roles, name=given.name)
    services(request).audit.note(viewer.username, "user created", made.username, roles=given.roles)
    return AnyDocument.of(made)


@router.patch("/users/{name}", tags=["users"], responses=_PROBLEMS, summary="change roles, disable, enable")
def change_user(
    request: Request, name: str, given: UserChange, viewer: Annotated[Viewer, changing(MANAGE)]
) -> AnyDocument:
    made = services(request)
    user = users.find_user(viewer.store, name)
    if given.roles is not None:
        user = users.set_roles(viewer.store, name, given.roles)
        made.audit.note(viewer.username, "roles changed", name, roles=given.roles)
    if given.enabled is not None:
        user = users.set_enabled(viewer.store, name, given.enabled)
        if not given.enabled:
            made.sessions.close_all_of(name)
        made.audit.note(viewer.username, "user enabled" if given.enabled else "user disabled", name)
    return AnyDocument.of(user)


@router.get("/profile", tags=["profiles"], responses=_PROBLEMS, summary="one's own profile")
def get_profile(request: Request, viewer: Annotated[Viewer, Depends(current)]) -> AnyDocument:
    return AnyDocument.of(services(request).profiles.get(viewer.username))


@router.patch("/profile", tags=["profiles"], responses=_PROBLEMS, summary="change one's own profile")
def change_profile(request: Request, given: ProfileChange, viewer: Annotated[Viewer, changing()]) -> AnyDocument:
    made = services(request)
    profile = made.profiles.change(viewer.username, given.model_dump(exclude_none=True))
    made.sessions.renew(profile)
    made.audit.note(viewer.username, "profile changed", viewer.username)
    return AnyDocument.of(profile)
