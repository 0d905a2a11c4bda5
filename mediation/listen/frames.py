"""Lumberjack version 2, the protocol that Beats speak: frames in, acknowledgements out. Nothing here knows what an event means.

    '2' 'W' count                       so many events follow                       client → server
    '2' 'J' sequence length JSON        one event                                   client → server
    '2' 'C' length zlib                 frames, compressed; may hold one more level client → server
    '2' 'A' sequence                    everything up to this event is done         server → client

Numbers are 32 bits, big endian. Sequences rise by one within a window. A client takes each acknowledgement for the window that
it waits for, so that nothing is acknowledged but between the first event of a window and its last.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

_PIECE = 65_536
_DEEPEST = 2  # a compressed frame, and compressed frames in it
_LAST = 0xFFFF_FFFF
_ADDED = 65_536  # bytes of an event beside its line: place, tags, fields, host, agent


class FrameError(Exception):
    """What came is not the protocol, or more than is taken. Ends the connection; never leaves `mediation.listen`."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one server takes. Bytes in flight bound its memory: event frames of all connections that are not settled yet."""

    connections: int = 64
    window: int = 65_536  # events; Filebeat's bulk_max_size is 2,048 at most in practice
    frame_bytes: int = 8 << 20  # one event: the longest line, escaped, and what Filebeat adds to it
    batch_events: int = 4096  # settled and acknowledged at once
    batch_bytes: int = 4 << 20
    flight_bytes: int = 32 << 20
    handshake_sec: float = 10.0
    frame_sec: float = 60.0  # from the first byte of a frame to its last
    idle_sec: float = 300.0  # between two windows
    alive_sec: float = 5.0  # how often a waiting client is told that its events are in work
    grace_sec: float = 25.0  # from the stop to the end, whatever is under way

    def __post_init__(self) -> None:
        if self.frame_bytes > self.flight_bytes:
            raise ValueError("an event that exceeds the bytes in flight would wait for ever")

    @classmethod
    def of(cls, line_bytes: int, **changed: Any) -> Limits:
        """Room for lines that are one byte too long, every byte of them escaped, so that they become rejects."""
        frame = 6 * (line_bytes + 1) + _ADDED
        return cls(**{"frame_bytes": frame, "flight_bytes": max(32 << 20, 2 * frame), **changed})


class Stream(Protocol):
    def read(self, size: int) -> bytes:
        """Exactly `size` bytes. Raises EOFError before the first of them, FrameError after it."""


Admit = Callable[[int], None]  # called before an event frame of so many bytes is read: may wait


def ack(sequence: int) -> bytes:
    return struct.pack(">2sI", b"2A", sequence)


def read_window(stream: Stream, limits: Limits) -> int:
    """Number of events in the window that begins here. Raises EOFError where the client has gone."""
    kind, count = struct.unpack(">2sI", stream.read(6))
    if kind != b"2W":
        raise FrameError(f"a window was due, not {kind!r}{_hint(kind)}")
    if count > limits.window:
        raise FrameError(f"a window of {count:,} events, more than {limits.window:,}")
    return int(count)


def _hint(kind: bytes) -> str:
    if kind.startswith(b"\x16\x03"):
        return ": the client speaks TLS and this server does not"
    if kind[:1] == b"1":
        return ": version 1 of the protocol is not spoken here"
    return ""


def read_events(stream: Stream, count: int, limits: Limits, admit: Admit) -> Iterator[tuple[int, bytes]]:
    """Sequence and JSON of the `count` events of a window. Raises FrameError on anything else."""
    reader = _Window(count, limits, admit)
    while reader.left:
        yield from reader.frame(stream, 0)


class _Window:
    def __init__(self, count: int, limits: Limits, admit: Admit) -> None:
        self.left = count
        self._limits, self._admit = limits, admit
        self._last: int | None = None

    def frame(self, stream: Stream, depth: int) -> Iterator[tuple[int, bytes]]:
        kind = stream.read(2) if depth else _within(stream, 2)
        if kind == b"2J":
            yield self._event(stream)
        elif kind == b"2C":
            if depth == _DEEPEST:
                raise FrameError(f"compressed more than {_DEEPEST} times over")
            (length,) = struct.unpack(">I", _within(stream, 4))
            yield from self._compressed(stream, length, depth + 1)
        else:
            raise FrameError(f"an event was due, not {kind!r}{_hint(kind)}")

    def _event(self, stream: Stream) -> tuple[int, bytes]:
        sequence, length = struct.unpack(">II", _within(stream, 8))
        if not self.left:
            raise FrameError("more events than the window announced")
        if self._last is not None and sequence != (self._last + 1) & _LAST:
            raise FrameError(f"event {sequence} after event {self._last}")
        if length > self._limits.frame_bytes:
            raise FrameError(f"an event of {length:,} bytes, more than {self._limits.frame_bytes:,}")
        self._admit(length)
        payload = _within(stream, length)
        self._last = sequence
        self.left -= 1
        return sequence, payload

    def _compressed(self, stream: Stream, length: int, depth: int) -> Iterator[tuple[int, bytes]]:
        inner = _Inflated(stream, length)
        before = self.left
        while True:
            try:
                yield from self.frame(inner, depth)
            except EOFError:
                break
        if before == self.left:
            raise FrameError("a compressed frame without an event")


def _within(stream: Stream, size: int) -> bytes:
    """Bytes in the middle of something."""
    try:
        return stream.read(size)
    except EOFError:
        raise FrameError("ended, or was silent for too long, in the middle of a window") from None


class _Inflated:
    """What is in a compressed frame, piece by piece: however much it becomes, one piece of it is held."""

    def __init__(self, stream: Stream, length: int) -> None:
        self._stream, self._left = stream, length
        self._inflate = zlib.decompressobj()
        self._packed = b""
        self._plain = bytearray()

    def read(self, size: int) -> bytes:
        while len(self._plain) < size:
            piece = self._piece(max(_PIECE, size - len(self._plain)))
            if piece is None:
                if self._plain:
                    raise FrameError("a compressed frame ends in the middle of a frame")
                raise EOFError
            self._plain += piece
        taken = bytes(memoryview(self._plain)[:size])
        del self._plain[:size]
        return taken

    def _piece(self, most: int) -> bytes | None:
        """The next bytes, perhaps none yet; None at the end."""
        if self._inflate.eof:
            if self._left or self._inflate.unused_data:
                raise FrameError("bytes behind the end of compressed data")
            return None
        if not self._packed:
            if not self._left:
                # All is read; what is still inside the decompressor comes out now, or the data is cut off.
                piece = self._decompress(b"", most)
                if not piece and not self._inflate.eof:
                    raise FrameError("compressed data is cut off")
                return piece
            size = min(_PIECE, self._left)
            self._packed = _within(self._stream, size)
            self._left -= size
        return self._decompress(self._packed, most)

    def _decompress(self, packed: bytes, most: int) -> bytes:
        try:
            piece = self._inflate.decompress(packed, most)
        except zlib.error as error:
            raise FrameError(f"compressed data is broken: {error}") from None
        self._packed = self._inflate.unconsumed_tail
        return piece
