"""One client: reads a window, hands its events over, and acknowledges what the store has.

All of it in one thread, so that a client that has to wait is simply not read from: its own queue fills and it waits, too. While
its events are in work it is told now and then that it is not forgotten (an acknowledgement that acknowledges nothing new).
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable
from contextlib import suppress

from mediation.listen.budget import Budget
from mediation.listen.events import Event, read_event
from mediation.listen.frames import FrameError, Limits, ack, read_events, read_window
from mediation.listen.writer import Batch, Writer

_POLL_SEC = 0.5  # how soon a stop is noticed
_PIECE = 65_536
_LINGER_SEC = 2.0


class Stopped(Exception):
    """The server stops: nothing more is read. Never leaves `mediation.listen`."""


class Socket:
    """`frames.Stream` of a socket, and the way back. Silence until `deadline` is an end; `stopping` raises Stopped."""

    def __init__(self, connected: socket.socket, stopping: Callable[[], bool]) -> None:
        connected.settimeout(_POLL_SEC)
        self._socket, self._stopping = connected, stopping
        self._buffer = bytearray()
        self.deadline = 0.0

    def read(self, size: int) -> bytes:
        while len(self._buffer) < size:
            piece = self._receive()
            if not piece:
                if self._buffer:
                    raise FrameError("ended, or was silent for too long, in the middle of a frame")
                raise EOFError
            self._buffer += piece
        taken = bytes(memoryview(self._buffer)[:size])
        del self._buffer[:size]
        return taken

    def check(self) -> None:
        """Raises Stopped when the server stops."""
        if self._stopping():
            raise Stopped

    def _receive(self) -> bytes:
        while True:
            self.check()
            try:
                return self._socket.recv(_PIECE)
            except TimeoutError:
                if time.monotonic() >= self.deadline:
                    return b""

    def send(self, data: bytes) -> None:
        """Raises OSError when the client takes nothing for half a second: six bytes always fit while it reads."""
        self._socket.sendall(data)

    def close(self) -> None:
        """Says that nothing more comes and waits for the client to see it: a reset could overtake the last acknowledgement."""
        with suppress(OSError, ValueError):
            # Of the plain socket: an SSLSocket would forget its encryption and tell the client nothing.
            socket.socket.shutdown(self._socket, socket.SHUT_WR)
            end = time.monotonic() + _LINGER_SEC
            while time.monotonic() < end:
                try:
                    if not self._socket.recv(_PIECE):
                        break
                except TimeoutError:
                    continue
        self._socket.close()


class Connection:
    """Serves one client until it goes, breaks a rule, or the server stops. `events`: how many were acknowledged."""

    def __init__(self, channel: Socket, limits: Limits, budget: Budget, writer: Writer) -> None:
        self.events = 0
        self._channel, self._limits, self._budget, self._writer = channel, limits, budget, writer
        self._batch: list[Event] = []
        self._bytes = 0  # taken from the budget
        self._sequence = 0  # of the last event read
        self._acknowledged = 0  # in this window
        self._last_sent = 0.0

    def serve(self) -> None:
        """Raises FrameError on what is not the protocol, BusyhourError when the store takes nothing, OSError, Stopped."""
        try:
            while True:
                self._channel.deadline = time.monotonic() + self._limits.idle_sec
                try:
                    count = read_window(self._channel, self._limits)
                except EOFError:
                    return
                self._window(count)
        except Stopped:
            self._settle()
            raise
        finally:
            self._budget.give(self._bytes)
            self._bytes = 0

    def _window(self, count: int) -> None:
        self._acknowledged = 0
        self._last_sent = time.monotonic()
        self._next_frame()
        for sequence, payload in read_events(self._channel, count, self._limits, self._admit):
            self._batch.append(read_event(payload))
            self._sequence = sequence
            if len(self._batch) >= self._limits.batch_events or self._bytes >= self._limits.batch_bytes:
                self._settle()
            self._next_frame()
        self._settle()

    def _next_frame(self) -> None:
        self._channel.deadline = time.monotonic() + self._limits.frame_sec

    def _admit(self, size: int) -> None:
        """Room for one more event. What is held is settled before more is waited for."""
        if not self._budget.take(size):
            self._settle()
            while not self._budget.take(size, _POLL_SEC):
                self._channel.check()
                self._keep_alive()
            self._next_frame()
        self._bytes += size

    def _settle(self) -> None:
        """What was read is written and acknowledged."""
        if not self._batch:
            return
        batch, count = Batch(self._batch), len(self._batch)
        self._batch = []
        self._writer.put(batch)
        while not batch.done.wait(_POLL_SEC):
            self._keep_alive()
        if batch.error is not None:
            raise batch.error
        self._budget.give(self._bytes)
        self._bytes = 0
        self.events += count
        self._acknowledged = self._sequence
        self._acknowledge()

    def _keep_alive(self) -> None:
        if time.monotonic() - self._last_sent >= self._limits.alive_sec:
            self._acknowledge()

    def _acknowledge(self) -> None:
        self._channel.send(ack(self._acknowledged))
        self._last_sent = time.monotonic()


def shake_hands(connected: socket.socket, tls: ssl.SSLContext, limits: Limits) -> ssl.SSLSocket:
    """The same connection, encrypted. Raises OSError (ssl.SSLError) when the client has no certificate that is taken."""
    connected.settimeout(limits.handshake_sec)
    return tls.wrap_socket(connected, server_side=True)
