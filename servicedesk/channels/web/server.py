"""Runs the web channels as a server of their own, until it is told to stop."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn

from infrastructure.listening import bound, in_thread
from servicedesk.channels.pipeline import Channels
from servicedesk.channels.web.app import create_app
from servicedesk.channels.web.chat import MOST_BYTES

_STOP_SEC = 5


def serve(channels: Channels, host: str, port: int, ready: Callable[[str], None]) -> None:
    """Serves until SIGINT or SIGTERM; `ready` is told the address. Raises OperatorError when the port is taken."""
    listening = bound(host, port)
    ready(f"http://{host}:{listening.getsockname()[1]}")
    _server(channels).run(sockets=[listening])


@contextmanager
def served(channels: Channels) -> Iterator[str]:
    """The same on a free port of loopback, in a thread of this process; its address."""
    with in_thread(_server(channels)) as address:
        yield address


def _server(channels: Channels) -> uvicorn.Server:
    most = channels.store.settings.number("channel.chat.viewers")
    config = uvicorn.Config(
        create_app(channels),
        log_level="critical",
        access_log=False,
        server_header=False,
        ws="websockets-sansio",
        ws_max_size=MOST_BYTES,
        ws_max_queue=8,
        limit_concurrency=2 * most,
        timeout_graceful_shutdown=_STOP_SEC,
    )
    return uvicorn.Server(config)
