"""`GET /metrics` on the loopback address, nothing else."""

from __future__ import annotations

from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from cli.context import say
from contracts.errors import BusyhourError
from kpis.exposition import CONTENT_TYPE


def server(text: Callable[[], bytes], port: int) -> ThreadingHTTPServer:
    """Not started yet; port 0: any free one."""

    class Handler(BaseHTTPRequestHandler):
        timeout = 10  # seconds that a client may take

        def do_GET(self) -> None:
            if self.path.partition("?")[0] != "/metrics":
                self.send_error(404)
                return
            try:
                body = text()
            except BusyhourError as error:
                self.send_error(503, explain=error.what)
                return
            self.send_response(200)
            self.send_header("Content-Type", CONTENT_TYPE)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Scrapes are not news."""

    return ThreadingHTTPServer(("127.0.0.1", port), Handler)


def serve_metrics(text: Callable[[], bytes], port: int) -> None:
    """Until Ctrl-C."""
    with server(text, port) as found:
        say(f"http://127.0.0.1:{found.server_address[1]}/metrics")
        try:
            found.serve_forever()
        except KeyboardInterrupt:
            say("stopped")
