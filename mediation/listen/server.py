"""The server: takes connections, one thread each, and ends in good order."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress

from contracts.errors import BusyhourError, OperatorError
from contracts.outcomes import Counts
from infrastructure.store import Store, to_stderr
from mediation.enrich.configured import layouts_in_use
from mediation.layout import Layout
from mediation.listen.budget import Budget
from mediation.listen.connection import Connection, Socket, Stopped, shake_hands
from mediation.listen.frames import FrameError, Limits
from mediation.listen.words import Words
from mediation.listen.writer import Writer

_POLL_SEC = 0.5


class Server:
    """Listens from its construction on; `address` is where. `serve` returns after `stop`.

    Raises OperatorError when the address cannot be had, SettingError and OperatorError on the key of the hashes.
    """

    def __init__(
        self,
        store: Store,
        limits: Limits | None = None,
        *,
        host: str = "127.0.0.1",
        port: int = 5044,
        tls: ssl.SSLContext | None = None,
        layouts: Mapping[str, Layout] | None = None,
        say: Callable[[str], None] = to_stderr,
    ) -> None:
        self._limits = limits or Limits.of(store.settings.number("ingest.line.bytes"))
        self._writer = Writer(store, layouts_in_use(store.settings, layouts))
        self._budget = Budget(self._limits.flight_bytes)
        self._tls, self._words = tls, Words(say)
        self._stopping = threading.Event()
        self._threads: set[threading.Thread] = set()
        self._lock = threading.Lock()
        self._listener = _listener(host, port)
        self.address: tuple[str, int] = self._listener.getsockname()[:2]

    @property
    def counts(self) -> Counts:
        """What became of the lines that were acknowledged."""
        return self._writer.counts

    def stop(self) -> None:
        """Takes no more connections and reads nothing more; may be called from a signal handler, and more than once."""
        self._stopping.set()

    def serve(self) -> bool:
        """Serves until `stop`; then finishes what was read. Whether that came to its end within `grace_sec`."""
        self._writer.start()
        self._listener.settimeout(_POLL_SEC)
        with self._listener:
            while not self._stopping.is_set():
                try:
                    connected, address = self._listener.accept()
                except TimeoutError:
                    continue
                except OSError as error:  # no file descriptors left, or the client has gone again
                    self._words.say(f"a connection could not be taken: {error}")
                    time.sleep(_POLL_SEC)
                    continue
                self._take(connected, f"{address[0]}:{address[1]}")
        return self._finish()

    def _finish(self) -> bool:
        end = time.monotonic() + self._limits.grace_sec
        with self._lock:
            threads = list(self._threads)
        for thread in threads:
            thread.join(max(0.0, end - time.monotonic()))
        whole = not any(thread.is_alive() for thread in threads)
        return self._writer.stop(end - time.monotonic()) and whole

    def _take(self, connected: socket.socket, client: str) -> None:
        with self._lock:
            if len(self._threads) >= self._limits.connections:
                connected.close()
                self._words.say(f"{client} was turned away: {self._limits.connections} connections are open")
                return
            thread = threading.Thread(target=self._serve, args=(connected, client), name=client, daemon=True)
            self._threads.add(thread)
        try:
            thread.start()
        except RuntimeError as error:  # the system has no more threads for us
            with self._lock:
                self._threads.discard(thread)
            connected.close()
            self._words.say(f"{client} was turned away: {error}")

    def _serve(self, connected: socket.socket, client: str) -> None:
        try:
            connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._tls is not None:
                connected = shake_hands(connected, self._tls, self._limits)
            channel = Socket(connected, self._stopping.is_set)
            try:
                Connection(channel, self._limits, self._budget, self._writer).serve()
            finally:
                channel.close()
        except Stopped:
            pass
        except FrameError as error:
            self._words.say(f"{client} was cut off: {error}")
        except BusyhourError as error:
            self._words.say(f"{client} will have to send again: {error.sentence()}")
        except OSError as error:  # TLS refused, or the client has gone
            self._words.say(f"{client} was lost: {error}")
        finally:
            with suppress(OSError):
                connected.close()
            with self._lock:
                self._threads.discard(threading.current_thread())


def _listener(host: str, port: int) -> socket.socket:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=128)
    except (OSError, OverflowError) as error:
        raise OperatorError(
            f"cannot listen: {error}",
            where=f"{host}:{port}",
            remedy="choose another --host or --port, or stop who has it",
        ) from error
