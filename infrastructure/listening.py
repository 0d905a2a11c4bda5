"""How our web servers listen: the socket taken before anything else starts, and a server in a thread of this process."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from contracts.errors import OperatorError

_ENDING_SEC = 20  # longest wait for a server in a thread to end


def bound(host: str, port: int, *, backlog: int = 1024) -> socket.socket:
    """A listening socket; `port` 0: a free one. Raises OperatorError when somebody has it."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except OSError as error:
        listening.close()
        raise OperatorError(
            f"cannot listen: {error.strerror}",
            where=f"{host}:{port}",
            remedy="name another with --port, or stop what has it",
        ) from error
    listening.listen(backlog)
    return listening


@contextmanager
def in_thread(server: uvicorn.Server) -> Iterator[str]:
    """Serves on a free port of loopback meanwhile; its address."""
    listening = bound("127.0.0.1", 0)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(timeout=_ENDING_SEC)
        listening.close()
