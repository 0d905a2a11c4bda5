"""Users, for administrators; and everybody's own account: name, language, zone, notices, API keys."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response

from console.errors import Denied, RequestError
from console.i18n import zones
from console.pages.actions import text
from console.pages.signing import authenticate
from console.profiles import SEVERITIES, THEMES, Profile
from console.templating import page
from console.viewer import Posted, Viewer, allowed, services
from contracts.errors import StoreRefused, UserError
from infrastructure import users
from infrastructure.roles import staff_roles

router = APIRouter()
MANAGE = "cluster:manage_security"
Manager = Annotated[Viewer, Depends(allowed(MANAGE))]
Someone = Annotated[Viewer, Depends(allowed())]
_KEY_DAYS = (7, 30, 90, 365)


@router.get("/users")
def listed(request: Request, viewer: Manager) -> Response:
    return _users_page(request, viewer)


def _users_page(request: Request, viewer: Viewer, problem: str = "", status: int = 200) -> Response:
    found = users.list_users(viewer.store)
    return page(request, "users.html", viewer, status, users=found, roles=staff_roles(), problem=problem)


@router.post("/users")
def create(request: Request, viewer: Manager, form: Posted) -> Response:
    name = text(form, "username", 100)
    try:
        given = [text(form, "role", 100)]
        users.create_user(viewer.store, name, str(form.get("password", "")), given, name=text(form, "name", 100))
    except UserError as error:
        return _users_page(request, viewer, viewer.words.problem(error), 400)
    services(request).audit.note(viewer.username, "user created", name, roles=given)
    return RedirectResponse("/users", 303)


@router.post("/users/{name}/roles")
def change_roles(request: Request, name: str, viewer: Manager, form: Posted) -> Response:
    try:
        given = [text(form, "role", 100)]
        users.set_roles(viewer.store, name, given)
    except UserError as error:
        return _users_page(request, viewer, viewer.words.problem(error), 400)
    services(request).audit.note(viewer.username, "roles changed", name, roles=given)
    return RedirectResponse("/users", 303)


@router.post("/users/{name}/enabled")
def change_enabled(request: Request, name: str, viewer: Manager, form: Posted) -> Response:
    """A person who is disabled is signed out everywhere at once."""
    made, enabled = services(request), form.get("enabled") == "yes"
    try:
        users.set_enabled(viewer.store, name, enabled)
    except UserError as error:
        return _users_page(request, viewer, viewer.words.problem(error), 400)
    if not enabled:
        made.sessions.close_all_of(name)
    made.audit.note(viewer.username, "user enabled" if enabled else "user disabled", name)
    return RedirectResponse("/users", 303)


@router.get("/account")
def account(request: Request, viewer: Someone) -> Response:
    return _account_page(request, viewer)


def _account_page(request: Request, viewer: Viewer, status: int = 200, **values: Any) -> Response:
    fixed = {"zones": zones(), "severities": SEVERITIES, "themes": THEMES, "days": _KEY_DAYS, "keys": _keys(viewer)}
    return page(request, "account.html", viewer, status, **fixed, **{"problem": "", "new_key": "", **values})


def _keys(viewer: Viewer) -> list[dict[str, Any]]:
    """The person's own API keys that still work; [] where their roles do not allow the question."""
    try:
        answer = viewer.store.exchange.ask("GET", "/_security/api_key", params={"owner": "true"})
    except StoreRefused:
        return []
    return [key for key in answer["api_keys"] if not key["invalidated"]]


@router.post("/account")
def change_account(request: Request, viewer: Someone, form: Posted) -> Response:
    made = services(request)
    values: dict[str, Any] = {key: form[key] for key in ("name", "language", "timezone", "theme") if key in form}
    values["notify"] = [severity for severity in SEVERITIES if form.get(f"notify-{severity}")]
    try:
        made.profiles.change(viewer.username, values)
    except UserError as error:
        return _account_page(request, viewer, 400, problem=viewer.words.problem(error))
    made.audit.note(viewer.username, "profile changed", viewer.username)
    return RedirectResponse("/account", 303)


@router.post("/account/theme")
def change_theme(request: Request, viewer: Someone, form: Posted) -> Response:
    """From the button in the head of every page."""
    made = services(request)
    theme = "dark" if form.get("theme") == "dark" else "light"
    made.profiles.change(viewer.username, {"name": viewer.profile.name, "theme": theme})
    back = request.headers.get("referer", "/")
    return RedirectResponse(back if back.startswith(str(request.base_url)) else "/", 303)


@router.post("/account/password")
def change_password(request: Request, viewer: Someone, form: Posted) -> Response:
    """The old one is asked for again; every other session of this person ends."""
    made = services(request)
    made.by_name.take(f"password {viewer.username}")
    old, new = str(form.get("old", "")), str(form.get("new", ""))
    try:
        _prove(made, viewer, old)
        users.check_password(viewer.username, new)
        if new != form.get("again"):
            raise RequestError(viewer.words.text("The two passwords differ."))
        viewer.store.exchange.ask("POST", "/_security/user/_password", {"password": new})
    except UserError as error:
        return _account_page(request, viewer, 400, problem=viewer.words.problem(error))
    made.audit.note(viewer.username, "password changed", viewer.username)
    made.sessions.close_all_of(viewer.username)
    return RedirectResponse("/sign-in", 303)


def _prove(made: Any, viewer: Viewer, password: str) -> Profile:
    profile = authenticate(made, viewer.username, password)
    if profile.username != viewer.username:
        raise Denied("this is somebody else's password")
    return profile


@router.post("/account/keys")
def create_key(request: Request, viewer: Someone, form: Posted) -> Response:
    """An API key of Elasticsearch with the person's own rights; it is shown once, and expires."""
    made = services(request)
    days = text(form, "days", 5)
    if days not in map(str, _KEY_DAYS):
        raise RequestError(f"days: {days!r} cannot be chosen")
    body = {"name": text(form, "name", 60) or "console", "expiration": f"{days}d", "metadata": {"made_by": "busyhour"}}
    answer = viewer.store.exchange.ask("POST", "/_security/api_key", body)
    made.audit.note(viewer.username, "API key made", answer["id"])
    return _account_page(request, viewer, new_key=answer["encoded"])


@router.post("/account/keys/{key}/revoke")
def revoke_key(request: Request, key: str, viewer: Someone, form: Posted) -> Response:
    made = services(request)
    viewer.store.exchange.ask("DELETE", "/_security/api_key", {"ids": [key], "owner": True}, allow=(404,))
    made.audit.note(viewer.username, "API key revoked", key)
    return RedirectResponse("/account", 303)
