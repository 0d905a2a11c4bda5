"""What went wrong, as a page for people and as problem+json (RFC 9457) for machines. Never a traceback, never a secret."""

from __future__ import annotations

import contextlib
import logging
from typing import Any
from urllib.parse import quote

import orjson
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse, Response
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from console.errors import RequestError, TooMany, Unknown
from console.i18n import where_of
from console.marking import marked as _
from console.sessions import COOKIE
from console.templating import page
from console.viewer import services, words_for
from contracts.errors import BusyhourError, ConflictError, StoreRefused, StoreUnavailable, UserError

PROBLEM = "application/problem+json"
_log = logging.getLogger("busyhour.console")
_TITLES = {
    400: _("Bad request"),
    401: _("Not signed in"),
    403: _("Not allowed"),
    404: _("Not found"),
    405: _("Not possible here"),
    409: _("Changed meanwhile"),
    413: _("Too large"),
    422: _("Bad request"),
    429: _("Too many requests"),
    500: _("A defect of ours"),
    502: _("Elasticsearch refused"),
    503: _("Elasticsearch is away"),
}
_HTTP = {404: _("there is no such page"), 405: _("this address does not take what was sent")}
_DEFECT = _("something is wrong with the console itself")
_REPORT = _("please report it with the time of day")


def install(app: FastAPI) -> None:
    app.add_exception_handler(BusyhourError, _ours)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(Exception, _defect)


def status_of(error: BusyhourError) -> int:
    """HTTP status of one of our errors."""
    if isinstance(error, RequestError):
        return error.status
    if isinstance(error, StoreUnavailable):
        return 503
    if isinstance(error, StoreRefused):
        return {401: 401, 403: 403}.get(error.status, 502)
    if isinstance(error, ConflictError):
        return 409
    if isinstance(error, UserError):
        return 404 if error.what.startswith("there is no ") else 400
    return 500


async def _ours(request: Request, error: Exception) -> Response:
    assert isinstance(error, BusyhourError)  # noqa: S101 - registered for it
    status = status_of(error)
    if isinstance(error, Unknown):
        # Of an account that is gone, the session would lead from the sign-in back here for ever.
        with contextlib.suppress(BusyhourError):
            await run_in_threadpool(services(request).sessions.close, request.cookies.get(COOKIE, ""))
    if isinstance(error, Unknown) and _wants_page(request) and request.method == "GET":
        to = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        return RedirectResponse(f"/sign-in?to={quote(to)}", 303)
    if status >= 500:
        _log.warning("%s %s: %s", request.method, request.url.path, error.what)
    answer = said(request, status, error.what, error.remedy, where_of(error))
    if isinstance(error, TooMany):
        answer.headers["retry-after"] = str(error.retry_sec)
    return answer


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for it
    return said(request, error.status_code, _HTTP.get(error.status_code, str(error.detail)), "")


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for it
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"] if part not in ("query", "body", "path"))
    return said(request, 422, f"{where}: {first['msg']}", "")


async def _defect(request: Request, error: Exception) -> Response:
    _log.error("%s %s", request.method, request.url.path, exc_info=error)
    return said(request, 500, _DEFECT, _REPORT)


def said(request: Request, status: int, what: str, remedy: str, where: str = "") -> Response:
    """As a page where the browser asks for one, else as problem+json."""
    if _wants_page(request):
        words, title = words_for(request), _TITLES.get(status, "")
        told: dict[str, Any] = {"title": title, "what": where + words.error(what), "remedy": words.error(remedy)}
        return page(request, "error.html", status=status, code=status, **told)
    body = {"type": "about:blank", "title": _TITLES.get(status, "Error"), "status": status, "detail": where + what}
    body |= {"remedy": remedy} if remedy else {}
    return Response(orjson.dumps(body), status, media_type=PROBLEM)


def _wants_page(request: Request) -> bool:
    return not request.url.path.startswith("/api/") and "text/html" in request.headers.get("accept", "")
