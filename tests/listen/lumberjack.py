"""A client of the Beats protocol for tests: sends windows, also wrong ones, and reads acknowledgements."""

from __future__ import annotations

import socket
import ssl
import struct
import zlib
from collections.abc import Sequence
from typing import Any

import orjson


def window(count: int) -> bytes:
    return b"2W" + struct.pack(">I", count)


def frame(sequence: int, payload: bytes | dict[str, Any]) -> bytes:
    data = payload if isinstance(payload, bytes) else orjson.dumps(payload)
    return b"2J" + struct.pack(">II", sequence, len(data)) + data


def compressed(frames: bytes, level: int = 3) -> bytes:
    packed = zlib.compress(frames, level)
    return b"2C" + struct.pack(">I", len(packed)) + packed


def event(
    message: str, *, layout: str = "voip-busyhour", path: str = "/cdr/a.csv", offset: int = 0, **file: str
) -> dict[str, Any]:
    """As Filebeat 8.19 ships a line of a filestream input."""
    return {
        "@timestamp": "2026-11-01T00:00:00.000Z",
        "@metadata": {"beat": "filebeat", "type": "_doc", "version": "8.19.20"},
        "message": message,
        "tags": ["voip", layout],
        "fields": {"family": "voip", "layout": layout},
        "input": {"type": "filestream"},
        "log": {"file": {"path": path, "inode": "1", "device_id": "2", **file}, "offset": offset},
        "agent": {"name": "busyhour", "type": "filebeat", "version": "8.19.20"},
        "ecs": {"version": "8.0.0"},
        "host": {"name": "busyhour"},
    }


def events_of(data: bytes, **place: Any) -> list[dict[str, Any]]:
    """The events that Filebeat makes of a file's bytes, the last line of which is ended."""
    found, offset = [], 0
    for line in data.split(b"\n")[:-1]:
        found.append(event(line.decode(errors="replace"), offset=offset, **place))
        offset += len(line) + 1
    return found


class Client:
    """One connection. `sequence` goes on within a window only, as Filebeat has it."""

    def __init__(self, address: tuple[str, int], tls: ssl.SSLContext | None = None, timeout: float = 30.0) -> None:
        self.socket: socket.socket = socket.create_connection(address, timeout=timeout)
        if tls is not None:
            with self.socket as bare:  # which wrapping empties, unless the handshake fails
                self.socket = tls.wrap_socket(bare, server_hostname="localhost")

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *exception: object) -> None:
        self.socket.close()

    def send(self, events: Sequence[dict[str, Any]], *, packed: bool = True) -> None:
        """A window of events, not waiting for its acknowledgement."""
        frames = b"".join(frame(number, each) for number, each in enumerate(events, 1))
        self.socket.sendall(window(len(events)) + (compressed(frames) if packed else frames))

    def ack(self) -> int:
        """The next acknowledgement. Raises EOFError when the server has closed."""
        data = b""
        while len(data) < 6:
            try:
                piece = self.socket.recv(6 - len(data))
            except ConnectionResetError:
                piece = b""
            if not piece:
                raise EOFError
            data += piece
        assert data[:2] == b"2A"
        return int(struct.unpack(">I", data[2:])[0])

    def acks_up_to(self, sequence: int) -> list[int]:
        """Acknowledgements until that of `sequence`."""
        found = [self.ack()]
        while found[-1] < sequence:
            found.append(self.ack())
        return found

    def ship(self, events: Sequence[dict[str, Any]], *, packed: bool = True) -> list[int]:
        """Sends a window and waits until all of it is acknowledged."""
        self.send(events, packed=packed)
        return self.acks_up_to(len(events))

    def closed(self) -> bool:
        """Whether the server ends the connection without acknowledging anything."""
        try:
            while self.ack() == 0:
                pass
        except EOFError:
            return True
        return False
