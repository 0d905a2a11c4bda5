"""An Elasticsearch that does not answer for a while: its process is stopped and continued."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from contracts.settings import Settings
from infrastructure.node.lifecycle import LocalNode


@contextmanager
def frozen(settings: Settings) -> Iterator[None]:
    pid = LocalNode(Path(settings.text("home")), settings).status().pid
    assert pid
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)
