"""An event of Filebeat becomes a line with its place; and which lines are no data on a route that sees no files."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from typing import Any, NamedTuple

import orjson

from contracts.ids import ID_LENGTH
from mediation.collect import KEPT_BYTES, LongLine
from mediation.formats.cut import BOM, type_line
from mediation.layout import Layout
from mediation.listen.frames import FrameError
from mediation.settle import reject_prefix
from mediation.values import WHITE_SPACE

_LONGEST_PATH = 4096
_LONGEST_NAME = 128
_MOST = 2**63 - 1


class Event(NamedTuple):
    """`layout`: what the input's `fields.layout` says, "" where it says nothing. `fingerprint` "": Filebeat sent none."""

    layout: str
    path: str
    fingerprint: str
    offset: int
    message: bytes


def read_event(payload: bytes) -> Event:
    """Raises FrameError when it is not an event of an input that reads files."""
    try:
        found = orjson.loads(payload)
    except orjson.JSONDecodeError as error:
        raise FrameError(f"an event is not JSON: {error}") from None
    if not isinstance(found, dict):
        raise FrameError("an event is not a JSON object")
    message, log = found.get("message"), _object(found, "log")
    if not isinstance(message, str):
        raise FrameError("an event without `message`: an input with a parser or a processor is not taken")
    offset = log.get("offset")
    if type(offset) is not int or not 0 <= offset <= _MOST:
        raise FrameError("an event without `log.offset`: only inputs that read files are taken (filestream)")
    file = _object(log, "file")
    path = _text(file, "path", "log.file.path", _LONGEST_PATH)
    if not path:
        raise FrameError("an event without `log.file.path`: only inputs that read files are taken (filestream)")
    fingerprint = _text(file, "fingerprint", "log.file.fingerprint", _LONGEST_NAME)
    layout = _text(_object(found, "fields"), "layout", "fields.layout", _LONGEST_NAME)
    return Event(layout, path, fingerprint, offset, message.encode())


def _object(parent: dict[str, Any], name: str) -> dict[str, Any]:
    found = parent.get(name)
    return found if isinstance(found, dict) else {}


def _text(parent: dict[str, Any], name: str, where: str, longest: int) -> str:
    found = parent.get(name, "")
    if not isinstance(found, str) or len(found) > longest:
        raise FrameError(f"`{where}` is no text of at most {longest:,} characters")
    return found


def ended(message: bytes, layout: Layout, offset: int, limit: int) -> bytes:
    """The line without carriage returns at its end; a `LongLine` when it is longer than `limit` bytes."""
    line = message.rstrip(b"\r") if message[-1:] == b"\r" else message
    if not offset and not layout.headed:
        line = line.removeprefix(BOM)  # a byte order mark is no part of the first record
    if len(line) <= limit:
        return line
    long = LongLine(line[:KEPT_BYTES])
    long.length = len(line)
    long.digest = hashlib.sha256(reject_prefix(layout.name) + line).hexdigest()[:ID_LENGTH]
    return long


def no_data_test(layout: Layout) -> Callable[[bytes], bool]:
    """Whether a line is blank or the header: the layout's columns in its own order, quoted or not (as in logstash/ruby/line.rb).

    On this route lines come without their file, so that a header in another order is a line like any other.
    """
    if not layout.headed:
        return lambda line: not line.removeprefix(BOM)
    header = _header_test(layout)
    types = None
    if layout.format.header == "names-and-types":
        types = re.compile(type_line(layout.separator).pattern.encode())

    def no_data(line: bytes) -> bool:
        line = line.removeprefix(BOM)
        return not line or header(line) or (types is not None and types.fullmatch(line) is not None)

    return no_data


def _header_test(layout: Layout) -> Callable[[bytes], bool]:
    separator = layout.separator.encode()
    strip = WHITE_SPACE.encode() if layout.strip else b""
    quoted = re.compile(rb'"(.*)"', re.DOTALL)
    header = separator.join(name.encode() for name in layout.header)

    def cells(line: bytes) -> list[bytes]:
        parts = [cell.strip(strip) for cell in line.split(separator)] if strip else line.split(separator)
        return [match[1] if (match := quoted.fullmatch(part)) else part for part in parts]

    # Hardly any line has this word in it, and the others are not cut into cells.
    wanted, rarest = cells(header), max(layout.header, key=len, default="").encode()
    return lambda line: rarest in line and cells(line) == wanted
