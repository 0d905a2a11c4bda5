"""Why the node died: its log read for whoever has to act."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from contracts.errors import NodeError

SHOWN_LINES = 12
_READ_BYTES = 256 * 1024
_TELLING = re.compile(r"\[(ERROR|FATAL|WARN )\]|Exception|Caused by|^Error|^OpenJDK|error:", re.MULTILINE)
_STACK = re.compile(r"^\s+at |^\s*\.\.\. \d+ more")


class PortTaken(Exception):
    """Somebody took a port between choosing and binding."""


@dataclass(frozen=True, slots=True)
class _Cause:
    pattern: re.Pattern[str]
    what: str
    remedy: str


_CAUSES: tuple[_Cause, ...] = (
    _Cause(
        re.compile(r"No space left on device|Disk quota exceeded"),
        "the disk is full",
        "free some space on the disk of the home directory, or name another one in BUSYHOUR_HOME",
    ),
    _Cause(
        re.compile(r"failed to obtain node lock"),
        "another process uses this data directory",
        "stop that process, or name another home in BUSYHOUR_HOME",
    ),
    _Cause(
        re.compile(
            r"Could not reserve enough space|insufficient memory|Cannot allocate memory|"
            r"Invalid maximum heap size|exceeds the maximum representable"
        ),
        "there is not enough memory for the Java heap",
        "set a smaller heap in BUSYHOUR_NODE_HEAP_MIB",
    ),
    _Cause(
        re.compile(r"java\.lang\.OutOfMemoryError|Terminating due to java"),
        "the Java heap is too small",
        "set a larger heap in BUSYHOUR_NODE_HEAP_MIB",
    ),
    _Cause(
        re.compile(r"cannot (up|down)grade a node from version"),
        "the data was written by another version of Elasticsearch",
        "name another home in BUSYHOUR_HOME",
    ),
    _Cause(
        re.compile(r"AccessDeniedException|Permission denied"),
        "a file of the node may not be read or written",
        "run as the user who owns the home directory",
    ),
)
_PORT_TAKEN = re.compile(r"Address already in use|BindHttpException|BindTransportException|Failed to bind to")


@dataclass(frozen=True, slots=True)
class LogMark:
    """How long the log was when the node was started: what is older tells of an earlier life."""

    log: Path
    console: Path
    offset: int

    @classmethod
    def now(cls, log: Path, console: Path) -> LogMark:
        return cls(log, console, log.stat().st_size if log.exists() else 0)

    def text(self) -> str:
        """Console and log since the mark, at most the last 256 KiB of each."""
        return _tail(self.console, 0) + _tail(self.log, self.offset)


def _tail(path: Path, offset: int) -> str:
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            start = 0 if size < offset else offset  # shorter than before: it was rolled
            file.seek(max(start, size - _READ_BYTES))
            return file.read().decode("utf-8", "replace")
    except FileNotFoundError:
        return ""


def node_died(mark: LogMark) -> NodeError:
    """The error for a node that ended before it was ready. Raises PortTaken when another port may help."""
    text = mark.text()
    cause = next((cause for cause in _CAUSES if cause.pattern.search(text)), None)
    if cause is None and _PORT_TAKEN.search(text):
        raise PortTaken
    what = cause.what if cause else "the local node ended while it started"
    return NodeError(
        f"{what}; it said:\n{relevant_lines(text)}",
        where=str(mark.log),
        remedy=cause.remedy if cause else "read the log named above",
    )


def relevant_lines(text: str) -> str:
    """The last lines that tell of trouble, or all where they are few or none tells; no stack frames, indented."""
    lines = [line for line in text.splitlines() if line.strip() and not _STACK.search(line)] or ["(nothing)"]
    telling = lines if len(lines) <= SHOWN_LINES else [line for line in lines if _TELLING.search(line)] or lines
    return "\n".join(f"    {line[:300]}" for line in telling[-SHOWN_LINES:])
