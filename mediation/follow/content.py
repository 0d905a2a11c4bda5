"""What a file holds, as far as it must be known to say that it is still the same file: its head, and what was read last."""

from __future__ import annotations

import hashlib
import os
from io import RawIOBase
from typing import Any, NamedTuple

from mediation.sniff import FINGERPRINT_BYTES

SLICE_BYTES = 1_048_576  # read at once of one file; more only where a single line is longer
TAIL_BYTES = 1024
_BLOCK = 262_144


class Mark(NamedTuple):
    """A place in a file, and what was before it: `fingerprint` of the first `head_bytes`, `tail` of the last before `offset`."""

    fingerprint: str
    head_bytes: int
    offset: int
    tail: str


def open_regular(path: str) -> int:
    """Descriptor of a file that is not followed if it is a link, and does not block if it became a pipe. Raises OSError."""
    return os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)


def fingerprint(descriptor: int, length: int = FINGERPRINT_BYTES) -> tuple[str, int]:
    """SHA-256 of the first `length` bytes, as `mediation.sniff` has it, and of how many it really is."""
    head = read_at(descriptor, 0, length)
    return hashlib.sha256(head).hexdigest(), len(head)


def tail(descriptor: int, offset: int) -> str:
    """Digest of what stands right before `offset`; a file that has shrunk gives another one."""
    start = max(0, offset - TAIL_BYTES)
    return hashlib.sha256(read_at(descriptor, start, offset - start)).hexdigest()


def fits(descriptor: int, mark: Mark) -> bool:
    """Whether a file still begins as it did and has before `offset` what was read there.

    A file that begins alike and was replaced, truncated or filled anew is told apart, unless only bytes in its middle differ.
    """
    size = os.fstat(descriptor).st_size
    if size < mark.offset or size < mark.head_bytes or (mark.head_bytes == 0 and size > 0):
        return False
    head, _ = fingerprint(descriptor, mark.head_bytes)
    return head == mark.fingerprint and tail(descriptor, mark.offset) == mark.tail


def end_of_lines(descriptor: int, start: int, size: int, most: int = SLICE_BYTES) -> int | None:
    """End of the whole lines from `start` on within `most` bytes, of the first line if it is longer; None: no whole line."""
    near = min(size, start + most)
    for end in range(near, start, -_BLOCK):
        begin = max(start, end - _BLOCK)
        found = read_at(descriptor, begin, end - begin).rfind(b"\n")
        if found >= 0:
            return begin + found + 1
    for begin in range(near, size, _BLOCK):
        found = read_at(descriptor, begin, min(_BLOCK, size - begin)).find(b"\n")
        if found >= 0:
            return begin + found + 1
    return None


def read_at(descriptor: int, start: int, length: int) -> bytes:
    """Up to `length` bytes; fewer at the file's end."""
    pieces: list[bytes] = []
    while length > 0 and (piece := os.pread(descriptor, length, start)):
        pieces.append(piece)
        start += len(piece)
        length -= len(piece)
    return b"".join(pieces)


class Part(RawIOBase):
    """Bytes `start` ≤ position < `end` of an open file as a stream; a line of any length passes through a block at a time."""

    def __init__(self, descriptor: int, start: int, end: int) -> None:
        super().__init__()
        self._descriptor, self._at, self._end = descriptor, start, end

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer)
        piece = os.pread(self._descriptor, min(len(view), self._end - self._at), self._at)
        view[: len(piece)] = piece
        self._at += len(piece)
        return len(piece)
