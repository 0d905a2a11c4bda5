"""Runs the web channels as a server of their own, until it is told to stop."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn

from contracts.errors import OperatorError
from servicedesk.channels.pipeline import Channels
from servicedesk.channels.web.app import create_app
from servicedesk.channels.web.chat import MOST_BYTES

_STOP_SEC = 5


def serve(channels: Channels, host: str, port: int, ready: Callable[[str], None]) -> None:
    """Serves until SIGINT or SIGTERM; `ready` is told the address. Raises OperatorError when the port is taken."""
    listening = _bound(host, port)
    ready(f"http://{host}:{listening.getsockname()[1]}")
    _server(channels).run(sockets=[listening])


@contextmanager
def served(channels: Channels) -> Iterator[str]:
    """The same on a free port of loopback, in a thread of this process; its address."""
    listening = _bound("127.0.0.1", 0)
    server = _server(channels)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(timeout=20)
        listening.close()


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


def _bound(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except OSError as error:
        listening.close()
        where = f"{host}:{port}"
        raise OperatorError(
            f"cannot listen: {error.strerror}", where=where, remedy="name another with --port"
        ) from error
    listening.listen(256)
    return listening
