"""A session of requests with an end: its own limits are those of one read, and a byte now and then keeps them."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool


class Late(Exception):
    """The time was over."""


class _Adapter(HTTPAdapter):
    """Notes every socket that it opens."""

    def __init__(self) -> None:
        self.sockets: list[socket.socket] = []
        super().__init__()

    def init_poolmanager(self, *arguments: Any, **named: Any) -> None:
        super().init_poolmanager(*arguments, **named)
        pools = {"http": HTTPConnectionPool, "https": HTTPSConnectionPool}
        self.poolmanager.pool_classes_by_scheme = {
            scheme: _noting(pool, self.sockets) for scheme, pool in pools.items()
        }


def _noting(pool: Any, sockets: list[socket.socket]) -> Any:
    class Connection(pool.ConnectionCls):  # type: ignore[misc] # of urllib3's own choice
        def connect(self) -> None:
            super().connect()
            sockets.append(self.sock)

    return type("Pool", (pool,), {"ConnectionCls": Connection})


@contextmanager
def session(seconds: float) -> Iterator[requests.Session]:
    """For one request. Raises Late in place of what the request raises, or answers, when `seconds` were over first."""
    late, adapter = threading.Event(), _Adapter()

    def shut() -> None:
        late.set()
        for each in list(adapter.sockets):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    clock = threading.Timer(seconds, shut)
    clock.daemon = True
    with requests.Session() as found:
        found.trust_env = False  # neither proxies nor .netrc of whoever runs the job
        for scheme in ("http://", "https://"):
            found.mount(scheme, adapter)
        clock.start()
        try:
            yield found
        except Exception as error:
            if late.is_set():
                raise Late from error
            raise
        finally:
            clock.cancel()
    if late.is_set():  # a body without a length looks whole when its connection is shut
        raise Late
