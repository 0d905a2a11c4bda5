"""JSON objects that go over several lines, cut out of a stream."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import BinaryIO

from mediation.collect import Gathered, Line

_BLOCK = 262_144
_MARK = b"\xef\xbb\xbf"
_FIRST = re.compile(rb"[^\s,\[\]]")  # the members of one array are records, too
_ENDS = {
    "string": re.compile(rb'[\\"]'),
    "object": re.compile(rb'[\[\]{}"]'),
    "other": re.compile(rb"[{\n]"),
}


def object_records(stream: BinaryIO, limit: int, prefix: bytes = b"") -> Iterator[Line]:
    """Objects one behind the other, or the members of an array, over as many lines as they like; the number counts records.

    What stands between them and is no white space, comma or bracket is a record of its own, up to the line's end or the next
    object. Line ends inside a record are line feeds, so that it reads the same whatever system wrote it.
    """
    position, number = 0, 1
    cutter = _Cutter(limit, prefix)
    while block := stream.read(_BLOCK):
        if position == 0 and block.startswith(_MARK):
            block = b" " * len(_MARK) + block[len(_MARK) :]
        for offset, record in cutter.cut(block, position):
            yield offset, number, record
            number += 1
        position += len(block)
    if cutter.gathered is not None:
        yield cutter.start, number, cutter.gathered.line()


class _Cutter:
    """Where the stream is: between records (`gathered` None), in an object `depth` brackets deep, or in what is no object."""

    def __init__(self, limit: int, prefix: bytes) -> None:
        self.limit, self.prefix = limit, prefix
        self.gathered: Gathered | None = None
        self.start = self.depth = 0
        self.inside = "object"
        self.escaped = False

    def cut(self, block: bytes, position: int) -> Iterator[tuple[int, bytes]]:
        """Records that end in `block`, which stands at `position`, with the offsets of their first bytes."""
        at = 0
        while at < len(block):
            if self.gathered is None:
                first = _FIRST.search(block, at)
                if first is None:
                    return
                at = first.start()
                self.gathered, self.start = Gathered(self.limit, self.prefix), position + at
                self.inside, self.depth = ("object" if first[0] == b"{" else "other"), 0
            end, done = self._end(block, at)
            self.gathered.add(block[at:end].replace(b"\r", b"\n"))
            at = end
            if done:
                yield self.start, self.gathered.line()
                self.gathered = None

    def _end(self, block: bytes, at: int) -> tuple[int, bool]:
        """Up to where `block` belongs to the record, and whether it ends there."""
        if self.escaped:
            self.escaped, at = False, at + 1
        while (found := _ENDS[self.inside].search(block, at)) is not None:
            at, mark = found.end(), found[0]
            if self.inside == "other":
                return at - 1, True
            if mark == b"\\":
                self.escaped = at == len(block)
                at += 1
            elif mark == b'"':
                self.inside = "string" if self.inside == "object" else "object"
            else:
                self.depth += 1 if mark in b"{[" else -1
                if self.depth == 0:
                    return at, True
        return len(block), False
