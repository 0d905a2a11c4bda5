"""Routes for customers and other systems. `create_app` is an application of its own; `routes` can be mounted in another.

GET, POST /survey/TOKEN      how satisfied somebody was
GET /healthz                 whether it listens
GET, POST /messages/NAME     webhook of a messaging service
POST /voice                  events of the telephone system
WebSocket /chat              web chat
"""

from __future__ import annotations

import html
import logging
from collections.abc import Awaitable, Callable
from functools import wraps

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute

from contracts.errors import BusyhourError, OperatorError, UserError
from servicedesk.channels import survey, voice
from servicedesk.channels.pipeline import Channels, Receipt
from servicedesk.channels.tokens import BadToken
from servicedesk.channels.web.adapters import Adapter, Spoofed, adapters, check_signed
from servicedesk.channels.web.chat import Chat

LARGEST_BODY = 4_194_304  # bytes; Meta gives 3 MB as the largest webhook of WhatsApp
_HEADERS = {
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",  # the address is the right to answer
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
}
_log = logging.getLogger("busyhour.channels")
Handler = Callable[[Request], Awaitable[Response]]


class TooLong(UserError):
    """A body beyond LARGEST_BODY."""


def create_app(channels: Channels) -> Starlette:
    return Starlette(routes=routes(channels))


def routes(channels: Channels) -> list[BaseRoute]:
    web = _Web(channels)
    return [
        Route("/healthz", _alive, methods=["GET"]),
        Route("/survey/{token}", web.survey_form, methods=["GET"]),
        Route("/survey/{token}", web.survey_answer, methods=["POST"]),
        Route("/messages/{name}", web.challenge, methods=["GET"]),
        Route("/messages/{name}", web.messages, methods=["POST"]),
        Route("/voice", web.call, methods=["POST"]),
        WebSocketRoute("/chat", Chat(channels).serve),
    ]


async def _alive(_: Request) -> Response:
    """That it listens; whether Elasticsearch does is said by what needs it."""
    return PlainTextResponse("ok")


def _told(handler: Callable[[_Web, Request], Awaitable[Response]]) -> Callable[[_Web, Request], Awaitable[Response]]:
    """Errors as answers: 403 not genuine, 404 no such link, 413, 400 the sender's fault, 503 try again."""

    @wraps(handler)
    async def answered(web: _Web, request: Request) -> Response:
        try:
            return await handler(web, request)
        except BusyhourError as error:
            kinds: tuple[tuple[type[BusyhourError], int], ...] = (
                (Spoofed, 403),
                (BadToken, 404),
                (TooLong, 413),
                (UserError, 400),
                (OperatorError, 503),
            )
            status = next((code for kind, code in kinds if isinstance(error, kind)), 503)
            _log.info("%s %s: %s", request.method, request.url.path.partition("/survey/")[0] or "/survey", error.what)
            headers = {"retry-after": "30"} if status == 503 else {}
            what = error.what if status != 503 else "not now"
            return JSONResponse({"error": what}, status, headers=headers)

    return answered


class _Web:
    def __init__(self, channels: Channels) -> None:
        self._channels = channels
        self._adapters = adapters(channels.store.settings)

    @_told
    async def messages(self, request: Request) -> Response:
        adapter, body = self._adapter(request), await _body(request)
        now = self._channels.clock()
        adapter.check(request.headers, body, now)

        def take() -> list[Receipt]:
            for report in adapter.reports(body):
                self._channels.reported(adapter.name, report)
            return [self._channels.receive(message) for message in adapter.messages(body, now)]

        taken = await run_in_threadpool(take)
        return JSONResponse({"taken": len(taken), "new": sum(receipt.new for receipt in taken)})

    @_told
    async def challenge(self, request: Request) -> Response:
        return PlainTextResponse(self._adapter(request).challenge(request.query_params))

    @_told
    async def call(self, request: Request) -> Response:
        settings, body = self._channels.store.settings, await _body(request)
        secret, window = settings.text("channel.voice.secret"), settings.number("channel.webhook.window.sec")
        check_signed(secret, request.headers, body, self._channels.clock(), window)
        receipt = await run_in_threadpool(voice.take, self._channels, body)
        return JSONResponse({"id": receipt.id, "status": receipt.status, "ticket": receipt.ticket})

    @_told
    async def survey_form(self, request: Request) -> Response:
        """Only shows the form: mail scanners open links, and would answer for the customer."""
        asked = survey.question(self._channels, request.path_params["token"])
        done = await run_in_threadpool(survey.answered, self._channels, asked)
        return _page("Thank you. Your answer is kept." if done else _form(asked.ticket))

    @_told
    async def survey_answer(self, request: Request) -> Response:
        asked = survey.question(self._channels, request.path_params["token"])
        await _body(request)  # bounded; the form is then read from what was kept of it
        form = await request.form(max_fields=10)
        score, comment = str(form.get("score", "")), str(form.get("comment", ""))
        if not score.isascii() or not score.isdigit() or len(score) > 2:
            raise UserError("choose a number from 1 to 5")
        await run_in_threadpool(survey.answer, self._channels, asked, int(score), comment)
        return _page("Thank you. Your answer is kept.")

    def _adapter(self, request: Request) -> Adapter:
        found = self._adapters.get(request.path_params["name"])
        if found is None:
            raise Spoofed("no such service")
        return found


async def _body(request: Request) -> bytes:
    """Raises TooLong before more is read than LARGEST_BODY and a piece."""
    length = request.headers.get("content-length", "0")
    if not length.isdigit() or int(length) > LARGEST_BODY:
        raise TooLong(f"more than {LARGEST_BODY} bytes")
    read = bytearray()
    async for piece in request.stream():
        read += piece
        if len(read) > LARGEST_BODY:
            raise TooLong(f"more than {LARGEST_BODY} bytes")
    request._body = bytes(read)  # where Starlette keeps a body that was read whole
    return request._body


def _form(ticket: str) -> str:
    choices = "".join(
        f'<label><input type="radio" name="score" value="{score}" required> {score}</label> ' for score in survey.SCORES
    )
    return (
        f"<p>How satisfied are you with our help ({html.escape(ticket)})? 1: not at all, 5: very.</p>"
        f'<form method="post"><fieldset><legend>Your answer</legend>{choices}</fieldset>'
        '<p><label for="comment">Anything else?</label><br><textarea id="comment" name="comment" rows="4" cols="40" '
        'maxlength="2000"></textarea></p><p><button>Send</button></p></form>'
    )


def _page(content: str) -> Response:
    shown = content if content.startswith("<") else f"<p>{html.escape(content)}</p>"
    style = "body{font:1.1rem/1.5 sans-serif;max-width:34rem;margin:2rem auto;padding:0 1rem}label{margin-right:1rem}"
    page = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>Survey</title><style>{style}</style></head><body><main><h1>Survey</h1>{shown}</main></body></html>"
    )
    return HTMLResponse(page, headers=_HEADERS)
