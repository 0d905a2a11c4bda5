"""The wire: what is taken, what is refused, and that nothing hostile gets further than an exception of its own."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediation.listen.events import read_event
from mediation.listen.frames import FrameError, Limits, ack, read_events, read_window
from tests.listen.lumberjack import compressed, event, frame, window

LIMITS = Limits(window=1000, frame_bytes=1000, flight_bytes=10_000)


class Memory:
    """A stream of given bytes that also remembers the largest read."""

    def __init__(self, data: bytes) -> None:
        self.data, self.position, self.largest = data, 0, 0

    def read(self, size: int) -> bytes:
        self.largest = max(self.largest, size)
        rest = len(self.data) - self.position
        if rest < size:
            if rest:
                raise FrameError("cut")
            raise EOFError
        self.position += size
        return self.data[self.position - size : self.position]


def read(
    data: bytes, limits: Limits = LIMITS, admit: Callable[[int], None] = lambda size: None
) -> list[tuple[int, bytes]]:
    stream = Memory(data)
    found = list(read_events(stream, read_window(stream, limits), limits, admit))
    assert stream.position == len(data)
    return found


def test_events_come_out_in_order_when_sent_plain_compressed_or_both() -> None:
    frames = [frame(number, b"%d" % number) for number in range(1, 8)]
    wanted = [(number, b"%d" % number) for number in range(1, 8)]
    assert read(window(7) + b"".join(frames)) == wanted
    assert read(window(7) + compressed(b"".join(frames))) == wanted
    mixed = frames[0] + compressed(frames[1] + frames[2]) + frames[3] + compressed(b"".join(frames[4:]))
    assert read(window(7) + mixed) == wanted
    assert read(window(7) + compressed(frames[0] + compressed(b"".join(frames[1:6])) + frames[6])) == wanted
    assert read(window(0)) == []


@given(st.lists(st.binary(max_size=300), max_size=40), st.integers(0, 9), st.integers(0, 2**32 - 1))
def test_events_survive_the_wire_whatever_they_hold(payloads: list[bytes], level: int, first: int) -> None:
    sent = [((first + number) % 2**32, payload) for number, payload in enumerate(payloads)]
    frames = b"".join(frame(*each) for each in sent)
    assert read(window(len(sent)) + (compressed(frames, level) if frames else b"")) == sent


@given(st.binary(max_size=200))
def test_garbage_is_an_error_of_the_wire_and_nothing_else(data: bytes) -> None:
    stream = Memory(data)
    with pytest.raises((FrameError, EOFError)):
        while True:
            list(read_events(stream, read_window(stream, LIMITS), LIMITS, lambda size: None))


@given(st.data())
def test_a_window_with_one_byte_changed_gives_events_or_an_error(data: Any) -> None:
    frames = b"".join(frame(number, {"n": number}) for number in range(1, 5))
    whole = bytearray(
        window(4) + data.draw(st.sampled_from([frames, compressed(frames), compressed(compressed(frames))]))
    )
    whole[data.draw(st.integers(0, len(whole) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        found = read(bytes(whole))
    except (FrameError, EOFError, AssertionError):
        return
    assert len(found) == struct.unpack(">I", whole[2:6])[0]


ONE = frame(1, b"{}")
PACKED = zlib.compress(ONE)


def packed(length: int, data: bytes) -> bytes:
    return window(1) + b"2C" + struct.pack(">I", length) + data


HOSTILE = {
    "not a window": b"GET / HTTP/1.1\r\n",
    "TLS to a plain port": b"\x16\x03\x01\x02\x00\x01",
    "version 1": b"1W\0\0\0\1",
    "a window beyond the limit": window(1001) + ONE,
    "an event beyond the window": window(1) + compressed(ONE + frame(2, b"{}")),
    "an event that says it is too long": window(1) + b"2J" + struct.pack(">II", 1, 1001),
    "an event cut off": window(1) + ONE[:-1],
    "a window cut off": window(2) + ONE,
    "an unknown frame": window(1) + b"2D\0\0\0\1",
    "an acknowledgement": window(1) + ack(1),
    "a window in a window": window(2) + ONE + window(1),
    "sequences that jump": window(2) + ONE + frame(3, b"{}"),
    "sequences that stand still": window(2) + ONE + ONE,
    "compressed three times over": window(1) + compressed(compressed(compressed(ONE))),
    "compressed without an event": window(1) + compressed(b"") + ONE,
    "an empty compressed frame": window(1) + b"2C\0\0\0\0" + ONE,
    "compressed data that is none": window(1) + b"2C\0\0\0\4abcd",
    "compressed data cut off": packed(10, PACKED[:10]),
    "compressed data that ends early": packed(len(PACKED), PACKED[:-1]),
    "compressed data without its checksum": packed(len(PACKED) - 4, PACKED[:-4]),
    "bytes behind compressed data": packed(len(PACKED) + 3, PACKED + b"abc"),
    "a frame cut off in compressed data": window(1) + compressed(ONE[:-1]),
    "a bomb of zeros": window(1) + compressed(bytes(100_000_000), 9),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_frames_are_refused_and_no_more_is_read_than_a_frame_may_have(name: str) -> None:
    stream = Memory(HOSTILE[name])
    with pytest.raises(FrameError):
        for _ in read_events(stream, read_window(stream, LIMITS), LIMITS, lambda size: None):
            pass
    assert stream.largest <= 65_536


def test_room_is_asked_for_before_an_event_is_read() -> None:
    asked: list[int] = []
    read(window(2) + compressed(ONE + frame(2, b"[1, 2]")), admit=asked.append)
    assert asked == [2, 6]


def test_limits_leave_room_for_a_line_that_is_one_byte_too_long_and_all_escaped() -> None:
    line = "\x01" * (1024 + 1)
    assert len(orjson.dumps(event(line))) < Limits.of(1024).frame_bytes
    with pytest.raises(ValueError, match="for ever"):
        Limits(frame_bytes=2, flight_bytes=1)


NO_EVENTS: dict[str, Any] = {
    "not JSON": b"{",
    "not UTF-8": b'{"message": "\xff"}',
    "half a character": b'{"message": "\\ud800"}',
    "deeply nested": b"[" * 100_000,
    "no object": b"[]",
    "no message": {**event("x"), "message": None},
    "a message that is no text": {**event("x"), "message": 5},
    "no place": {**event("x"), "log": {}},
    "a place that is no object": {**event("x"), "log": 5},
    "a negative offset": event("x", offset=-1),
    "an offset beyond 64 bits": {**event("x"), "log": {"offset": 2**63, "file": {"path": "/a"}}},
    "an offset that is no number": {**event("x"), "log": {"offset": True, "file": {"path": "/a"}}},
    "no path": event("x", path=""),
    "a path too long": event("x", path="/" * 5000),
    "a path that is no text": {**event("x"), "log": {"offset": 0, "file": {"path": ["/a"]}}},
    "a fingerprint too long": event("x", fingerprint="f" * 200),
    "a layout that is no text": {**event("x"), "fields": {"layout": {}}},
}


@pytest.mark.parametrize("name", NO_EVENTS)
def test_what_is_no_line_of_a_file_is_refused(name: str) -> None:
    payload = NO_EVENTS[name]
    with pytest.raises(FrameError):
        read_event(payload if isinstance(payload, bytes) else orjson.dumps(payload))


def test_an_event_is_its_line_and_place() -> None:
    found = read_event(orjson.dumps(event("a,b", layout="sms-busyhour", path="/x.csv", offset=7, fingerprint="ab")))
    assert found == ("sms-busyhour", "/x.csv", "ab", 7, b"a,b")
    bare = read_event(b'{"message":"","log":{"offset":0,"file":{"path":"C:\\\\x.csv"}}}')
    assert bare == ("", "C:\\x.csv", "", 0, b"")
