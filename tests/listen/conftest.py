"""A running server for the tests of `busyhour listen`."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from infrastructure.store import Store
from mediation.listen import Limits, Server
from tests.listen.running import Running

Start = Callable[..., Running]


@pytest.fixture
def start(store: Store) -> Iterator[Start]:
    """Starts a server on a free port; keywords as for `Limits`, and `server` for `Server`. It is stopped after the test."""
    running: list[Running] = []

    def begin(*, server: dict[str, Any] | None = None, **limits: Any) -> Running:
        words: list[str] = []
        whole = Limits.of(store.settings.number("ingest.line.bytes"), **limits)
        made = Server(**{"store": store, "limits": whole, "port": 0, "say": words.append, **(server or {})})
        thread = threading.Thread(target=made.serve)
        thread.start()
        running.append(Running(made, thread, words))
        return running[-1]

    yield begin
    for each in running:
        each.stop()
