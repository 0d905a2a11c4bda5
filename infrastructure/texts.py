"""Encoded operations in order, of which runs may lie side by side in one buffer: sent without being cut apart first."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, overload

import numpy as np
import numpy.typing as npt


class Run(Sequence[bytes]):
    """Texts that follow each other in `buffer`; number n lies between edges n and n + 1."""

    __slots__ = ("_buffer", "_edges")

    def __init__(self, buffer: memoryview, edges: npt.NDArray[Any]) -> None:
        self._buffer, self._edges = buffer, edges

    def __len__(self) -> int:
        return max(len(self._edges) - 1, 0)

    def __iter__(self) -> Iterator[bytes]:
        body, first = bytes(self.body()), int(self._edges[0]) if len(self) else 0
        return (body[start - first : end - first] for start, end in pairwise(self._edges.tolist()))

    @overload
    def __getitem__(self, at: int) -> bytes: ...
    @overload
    def __getitem__(self, at: slice) -> Run: ...
    def __getitem__(self, at: int | slice) -> bytes | Run:
        if isinstance(at, slice):
            start, end, _ = at.indices(len(self))
            return Run(self._buffer, self._edges[start : end + 1])
        place = range(len(self))[at]
        return bytes(self._buffer[self._edges[place] : self._edges[place + 1]])

    def body(self) -> memoryview:
        """All of them, one behind the other."""
        return self._buffer[self._edges[0] : self._edges[-1]] if len(self) else self._buffer[:0]


NONE = Run(memoryview(b""), np.zeros(0, np.int64))


class Texts(Sequence[bytes]):
    """Single texts and runs, in the order in which they were added. `size`: bytes of all."""

    def __init__(self, texts: Sequence[bytes] = ()) -> None:
        self._pieces: list[bytes | Run] = []
        self._starts: list[int] = []  # position of the first text of each piece
        self._count = self.size = 0
        for text in texts:
            self.append(text)

    def append(self, text: bytes) -> None:
        self._pieces.append(text)
        self._starts.append(self._count)
        self._count += 1
        self.size += len(text)

    def extend(self, run: Run) -> None:
        if len(run):
            self._pieces.append(run)
            self._starts.append(self._count)
            self._count += len(run)
            self.size += len(run.body())

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._pieces:
            if isinstance(piece, bytes):
                yield piece
            else:
                yield from piece

    @overload
    def __getitem__(self, at: int) -> bytes: ...
    @overload
    def __getitem__(self, at: slice) -> list[bytes]: ...
    def __getitem__(self, at: int | slice) -> bytes | list[bytes]:
        if isinstance(at, slice):
            return [self[place] for place in range(*at.indices(self._count))]
        place = range(self._count)[at]
        number = bisect_right(self._starts, place) - 1
        piece = self._pieces[number]
        return piece if isinstance(piece, bytes) else piece[place - self._starts[number]]

    def body(self) -> bytes:
        """All of them, one behind the other."""
        return b"".join([piece if isinstance(piece, bytes) else piece.body() for piece in self._pieces])

    def replace(self, before: bytes, after: bytes) -> None:
        """In each of them the first `before` becomes `after`."""
        texts = [text.replace(before, after, 1) for text in self]
        self._pieces, self._starts = list(texts), list(range(len(texts)))
        self.size = sum(map(len, texts))
