"""Live: server-sent events that say when to look again. The page asks for the data itself, so rights are checked each time."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from console.errors import TooMany
from console.pages.boards import board_of
from console.services import Services
from console.sessions import COOKIE
from console.viewer import Viewer, allowed, services
from contracts.errors import BusyhourError

router = APIRouter()
_LEAST_SEC = 5.0
_SPREAD = 0.1  # of the interval, so that viewers do not all come at once
_AGAIN_SEC = 3.0  # while Elasticsearch is away


@router.get("/dashboards/{name}/live")
async def live(request: Request, name: str, viewer: Annotated[Viewer, Depends(allowed())]) -> StreamingResponse:
    """Events `tick` (look again), `away` and `over` (signed out). Raises TooMany above the setting console.viewers."""
    made = services(request)
    board = board_of(made, name)
    if request.app.state.watching >= made.settings.number("console.viewers"):
        raise TooMany("too many dashboards are kept live", retry_sec=60)
    interval = max(float(board.refresh_sec or 60), _LEAST_SEC)
    headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
    return StreamingResponse(_events(request, made, interval), media_type="text/event-stream", headers=headers)


async def _events(request: Request, made: Services, interval: float) -> AsyncIterator[bytes]:
    request.app.state.watching += 1
    try:
        yield b"retry: 3000\n\n"
        away = False
        while True:
            wait = _AGAIN_SEC if away else interval * (1 + random.uniform(0, _SPREAD))
            if await _stopping(request, wait):
                return
            event = await run_in_threadpool(_look, made, request.cookies.get(COOKIE, ""))
            yield f"event: {event}\ndata: {{}}\n\n".encode()
            if event == "over":
                return
            away = event == "away"
    finally:
        request.app.state.watching -= 1


async def _stopping(request: Request, seconds: float) -> bool:
    """Waits; True when the server ends meanwhile: it would wait for this connection."""
    left = seconds
    while left > 0 and not request.app.state.ending():
        await asyncio.sleep(min(left, 0.5))
        left -= 0.5
    return bool(request.app.state.ending())


def _look(made: Services, token: str) -> str:
    """The event to tell: sessions are in the store, so that who asks for one also learns whether Elasticsearch answers."""
    try:
        return "over" if made.sessions.peek(token) is None else "tick"
    except BusyhourError:
        return "away"
