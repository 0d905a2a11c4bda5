"""Baselines learned once a day in a process of their own, beside the rounds of `busyhour run`: no bucket waits for it.

Two sets of baselines take turns (`detectors.training`), so the rounds go on with the one in use until the other is whole. A
training that is killed, or fails, takes nothing into use; the next one reads only what the last had not read yet.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from types import TracebackType
from typing import IO

from cli.context import Context, say
from contracts.clock import iso
from detectors import train
from detectors.reading import trained

EVERY = timedelta(days=1)
AGAIN = timedelta(minutes=15)  # after a training that failed
_COMMAND = (sys.executable, "-m", "cli.main", "train", "--json")


class Learner:
    """Learns where it is due. Leaving the `with` waits for a training under way, or ends it where an error ends the `with`."""

    def __init__(
        self, context: Context, *, command: Sequence[str] = _COMMAND, tell: Callable[[str], None] = say
    ) -> None:
        self._context, self._command, self._tell = context, command, tell
        self._child: subprocess.Popen[bytes] | None = None
        self._words: IO[bytes] | None = None
        self._not_before: datetime | None = None

    def __enter__(self) -> Learner:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        if self._child is None:
            return
        if kind is not None:
            self._child.terminate()
            self._child.wait()
            self._said()
        else:
            self._ended(self._child.wait())

    def first(self) -> None:
        """Learns here and now where nothing was ever learned: without it there is nothing to judge by."""
        store = self._context.store
        if self._child is None and trained(store) is None:
            train(store, until=store.clock())

    def look(self) -> None:
        """Says what became of a training that has ended; begins one where it is due."""
        if self._child is not None:
            if self._child.poll() is None:
                return
            self._ended(self._child.returncode)
        now = self._context.store.clock()
        last = trained(self._context.store)
        due = last is None or now - last.until >= EVERY
        if due and (self._not_before is None or now >= self._not_before):
            self._words = tempfile.TemporaryFile()  # noqa: SIM115  read when the process has ended
            self._child = subprocess.Popen(  # noqa: S603  our own command
                self._command, stdout=subprocess.DEVNULL, stderr=self._words, env=self._context.environment
            )

    def _ended(self, code: int) -> None:
        words, self._child = self._said(), None
        if code:
            self._not_before = self._context.store.clock() + AGAIN
            self._tell(
                f"learning failed (exit code {code}), tried again from {iso(self._not_before)} on; "
                f"the baselines of before stay in use\n  {words}"
            )

    def _said(self) -> str:
        """The end of what the process wrote to stderr."""
        if self._words is None:
            return ""
        with self._words as file:
            self._words = None
            file.seek(0)
            return file.read().decode(errors="replace").strip()[-2000:]
