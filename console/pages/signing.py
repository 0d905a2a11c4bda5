"""Sign in with the Elasticsearch account, sign out, and the first administrator."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import urlsplit

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from console.errors import Denied, Unknown
from console.profiles import Profile
from console.services import Services
from console.sessions import COOKIE
from console.templating import page
from console.viewer import Posted, services, words_for
from contracts.errors import StoreRefused, UserError
from infrastructure.behalf import with_password
from infrastructure.roles import CONSOLE, staff_roles

router = APIRouter()
_LONGEST = 200  # characters of a name or password


@router.get("/sign-in")
def sign_in_page(request: Request, to: str = "/") -> Response:
    made = services(request)
    if made.sessions.find(request.cookies.get(COOKIE, "")) is not None:
        return RedirectResponse(_inside(to), 303)
    return page(request, "sign_in.html", to=_inside(to), problem="", username="")


async def _fields(request: Request) -> dict[str, Any]:
    return {key: value for key, value in (await request.form()).items() if isinstance(value, str)}


Fields = Annotated[dict[str, Any], Depends(_fields)]


@router.post("/sign-in")
def sign_in(request: Request, form: Fields) -> Response:
    """Wrong name and wrong password are answered alike. A form from another site is refused by its origin."""
    made, words = services(request), words_for(request)
    username, password = str(form.get("username", "")).strip(), str(form.get("password", ""))
    address = request.client.host if request.client else ""
    made.by_address.take(address)
    made.by_name.take(f"{address} {username.lower()}")
    try:
        profile = authenticate(made, username, password)
    except (Unknown, Denied) as error:
        made.audit.note(username or "–", "sign-in refused", address)
        known = isinstance(error, Denied)
        problem = (
            words.text("This account has no role in Busyhour.") if known else words.text("Wrong name or password.")
        )
        to = _inside(str(form.get("to", "/")))
        return page(request, "sign_in.html", status=error.status, to=to, problem=problem, username=username)
    made.by_name.forgive(f"{address} {username.lower()}")
    made.audit.write(profile.username, "sign-in", address)
    made.sessions.close(request.cookies.get(COOKIE, ""))
    token, _ = made.sessions.open(profile, address)
    answer = RedirectResponse(_inside(str(form.get("to", "/"))), 303)
    answer.set_cookie(COOKIE, token, httponly=True, samesite="strict", secure=made.secure, path="/")
    return answer


def authenticate(made: Services, username: str, password: str) -> Profile:
    """The person's profile. Raises Unknown for a wrong name or password, Denied for an account without a role of ours."""
    if not username or not password or len(username) > _LONGEST or len(password) > _LONGEST or ":" in username:
        raise Unknown("wrong name or password")
    try:
        answer = with_password(made.store, username, password).exchange.ask("GET", "/_security/_authenticate")
    except StoreRefused as error:
        raise Unknown("wrong name or password") from error
    if not set(answer["roles"]) & set(staff_roles()) or CONSOLE in answer["roles"]:
        raise Denied("this account has no role of ours")
    profile = made.profiles.get(answer["username"])
    name = profile.name or answer.get("full_name") or answer["username"]
    return Profile(answer["username"], name, profile.language, profile.timezone, profile.theme, profile.notify)


@router.post("/sign-out")
def sign_out(request: Request, form: Posted) -> Response:
    made = services(request)
    token = request.cookies.get(COOKIE, "")
    session = made.sessions.find(token)
    if session is not None:
        made.audit.note(session.username, "sign-out")
    made.sessions.close(token)
    answer = RedirectResponse("/sign-in", 303)
    answer.delete_cookie(COOKIE, path="/")
    return answer


@router.get("/first-run")
def first_run_page(request: Request, token: str = "") -> HTMLResponse:
    _first(services(request)).check(token)
    return page(request, "first_run.html", token=token, problem="", username="")


@router.post("/first-run")
def first_run(request: Request, form: Fields) -> Response:
    """Makes the administrator; works once."""
    made = services(request)
    made.by_address.take(request.client.host if request.client else "")
    token, username = str(form.get("token", "")), str(form.get("username", "")).strip()
    first = _first(made)
    first.check(token)
    password = str(form.get("password", ""))
    if password != form.get("again"):
        problem = words_for(request).text("The two passwords differ.")
        return page(request, "first_run.html", status=400, token=token, problem=problem, username=username)
    try:
        user = first.use(token, username, password, str(form.get("name", "")).strip()[:100])
    except Denied:
        raise
    except UserError as error:
        problem = words_for(request).problem(error)
        return page(request, "first_run.html", status=400, token=token, problem=problem, username=username)
    made.audit.note(user.username, "first administrator made")
    return RedirectResponse("/sign-in", 303)


def _first(made: Services) -> Any:
    if made.first is None:
        raise Denied("there is an administrator already", remedy="sign in, or ask them for an account")
    return made.first


def _inside(to: str) -> str:
    """A path of the console: a link in somebody's mail must not lead on to another site after the sign-in."""
    parts = urlsplit(to)
    return (
        to if to.startswith("/") and not to.startswith(("//", "/\\")) and not parts.netloc and len(to) < 2000 else "/"
    )
