"""Questions to a node over HTTP, each with a timeout: ports, health, version."""

from __future__ import annotations

import base64
import errno
import http.client
import json
import socket
from contextlib import ExitStack, closing
from dataclasses import dataclass
from typing import Any

from contracts.errors import NodeError

LOOPBACK = "127.0.0.1"
TIMEOUT_SEC = 5.0


@dataclass(frozen=True, slots=True)
class Answer:
    """`status` is HTTP's; `body` is empty where the answer is no JSON object."""

    status: int
    body: dict[str, Any]


def ask(port: int, path: str, credentials: tuple[str, str], timeout_sec: float = TIMEOUT_SEC) -> Answer | None:
    """GET from the node on this port of loopback; None when nothing answers in time.

    Not through `urllib` or `requests`: a proxy in the environment must not see loopback traffic or its password.
    """
    token = base64.b64encode(":".join(credentials).encode()).decode()
    with closing(http.client.HTTPConnection(LOOPBACK, port, timeout=timeout_sec)) as connection:
        try:
            connection.request("GET", path, headers={"Authorization": f"Basic {token}"})
            response = connection.getresponse()
            text = response.read()
        except (OSError, http.client.HTTPException):
            return None
    try:
        body = json.loads(text)
    except ValueError:
        body = {}
    return Answer(response.status, body if isinstance(body, dict) else {})


@dataclass(frozen=True, slots=True)
class Ports:
    """Where the node is to listen: HTTP for clients, transport for other nodes, of which there are none."""

    http: int
    transport: int


def choose_ports(named: int) -> Ports:
    """The HTTP port `named` (0: any that is free) and a free one for the transport.

    Both are held open while the other is chosen, so that they differ. Somebody may still take one before the node
    binds it; the caller tries again then. Raises NodeError when the named port is taken or may not be had.
    """
    with ExitStack() as held:
        http_port, transport_port = (held.enter_context(_bound(port)).getsockname()[1] for port in (named, 0))
        return Ports(http_port, transport_port)


def _bound(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    # As Elasticsearch binds: connections of an earlier node that linger in TIME_WAIT do not make the port taken.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((LOOPBACK, port))
        listener.listen(1)  # with SO_REUSEADDR, only listening tells whether another listener is there
    except OSError as problem:
        listener.close()
        taken = problem.errno == errno.EADDRINUSE
        what = "another program listens on this port" if taken else f"this port cannot be used: {problem.strerror}"
        raise NodeError(
            what,
            where=f"{LOOPBACK}:{port}",
            remedy="name another port, or 0 for a free one (--port, BUSYHOUR_NODE_PORT)",
        ) from problem
    return listener


def health_words(answer: Answer | None) -> str | None:
    """`green`, `yellow` or `red`; None when the node did not tell."""
    status = answer.body.get("status") if answer is not None and answer.status in (200, 408) else None
    return status if isinstance(status, str) else None
