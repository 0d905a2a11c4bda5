"""A server in a thread of the test's own."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

from mediation.listen import Server


@dataclass
class Running:
    """`words`: what the server has said."""

    server: Server
    thread: threading.Thread
    words: list[str]

    @property
    def address(self) -> tuple[str, int]:
        return self.server.address

    def stop(self) -> None:
        self.server.stop()
        self.thread.join(60)
        assert not self.thread.is_alive()

    def said(self, part: str, seconds: float = 10.0) -> bool:
        """Whether it says so within some seconds."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if any(part in text for text in list(self.words)):
                return True
            time.sleep(0.02)
        return False
