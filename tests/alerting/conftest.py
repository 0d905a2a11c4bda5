"""Incidents as the detectors write them, a watch of one's own, and a real HTTP server that misbehaves on demand."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import orjson
import pytest

from alerting import TicketRequest, Watch, load_watches, watch_from
from contracts.clock import iso
from contracts.indices import BY_NAME
from infrastructure.setup import empty, set_up
from infrastructure.store import Operation, Store

ALL = ",".join(BY_NAME)
START = datetime(2026, 11, 10, 8, tzinfo=UTC)
MakeIncident = Callable[..., str]
MakeWatch = Callable[..., Watch]


@pytest.fixture(scope="session")
def alerting_store(connected_store: Store) -> Store:
    """Set up and emptied once; between tests only documents are removed, which is quicker than making the indices anew."""
    set_up(connected_store)
    empty(connected_store)
    return connected_store


@pytest.fixture
def store(alerting_store: Store) -> Store:
    alerting_store.refresh()
    rows = list(alerting_store.scan(ALL, fields=[]))
    for first in range(0, len(rows), 5000):
        lines = [
            orjson.dumps({"delete": {"_index": row["_index"], "_id": row["_id"]}}) for row in rows[first : first + 5000]
        ]
        alerting_store.send(b"\n".join(lines) + b"\n")
    alerting_store.refresh()
    return alerting_store


@pytest.fixture
def start() -> datetime:
    return START


@pytest.fixture
def incident(store: Store) -> MakeIncident:
    """Writes incident `name`, detected `after` minutes after START, ending `end` minutes after START (None: open)."""

    def write(name: str, after: float = 10, end: float | None = 60, severity: int = 2, **more: Any) -> str:
        begins = START + timedelta(minutes=after - 5)
        event: dict[str, Any] = {"start": iso(begins), "ingested": iso(START), "severity": severity}
        if end is not None:
            event["end"] = iso(START + timedelta(minutes=end))
        body = {
            "id": name,
            "status": "open" if end is None else "closed",
            "title": f"Incident {name}",
            "reason": "ASR of trunk group TG2 is 0.31; between 0.68 and 0.74 is normal for Tue 08:00 (212 calls)",
            "score": 97.5,
            "services": ["voip"],
            "entities": ["trunk_group:TG2", "service:voip"],
            "kpis": ["voip.asr"],
            "anomalies": 2,
            "detected": iso(START + timedelta(minutes=after)),
        }
        document = {"@timestamp": iso(begins), "event": event, "incident": {**body, **more}}
        store.write_all([Operation("index", store.place("incident"), name, document)])
        store.refresh("incident")
        return name

    return write


@pytest.fixture
def watch() -> MakeWatch:
    """A watch over incidents with the given actions; `changes` replaces parts of its content."""

    def make(spec: dict[str, Any], name: str = "mine", **changes: Any) -> Watch:
        content: dict[str, Any] = {
            "metadata": {
                "alert": {
                    "labels": {"incident": "{{ctx.payload.incident.id}}"},
                    "severity": "{{ctx.payload.event.severity}}",
                    "summary": "{{ctx.payload.incident.title}}",
                    "reason": "{{ctx.payload.incident.reason}}",
                    "incident": "{{ctx.payload.incident.id}}",
                }
            },
            "trigger": {"schedule": {"interval": "5m"}},
            "input": {
                "esql": {
                    "query": "FROM incident\n"
                    '| EVAL now = TO_DATETIME("{{ctx.trigger.scheduled_time}}")\n'
                    "| WHERE incident.detected <= now AND (event.end IS NULL OR event.end > now)\n"
                    "| KEEP incident.id, incident.title, incident.reason, event.severity"
                }
            },
            "actions": {key: {"foreach": "ctx.payload.values", **action} for key, action in spec.items()},
        }
        return watch_from({**content, **changes}, name, f"{name}.yml")

    return make


def stored_watches() -> list[Watch]:
    """The shipped watches that ask for what is stored: how full this machine's disk is must decide about no test."""
    return [watch for watch in load_watches() if "http" not in watch.input]


class Opener:
    """A ticket opener that keeps its tickets in memory, as idempotent as the port asks for."""

    def __init__(self) -> None:
        self.requests: list[TicketRequest] = []
        self.opened: dict[str, str] = {}
        self.resolved: set[str] = set()

    def open_for_alert(self, request: TicketRequest) -> str:
        self.requests.append(request)
        return self.opened.setdefault(request.alert, f"T-{len(self.opened) + 1}")

    def resolve_for_alert(self, request: TicketRequest) -> str:
        self.requests.append(request)
        self.resolved.add(request.alert)
        return self.opened.get(request.alert, "")


@pytest.fixture
def opener() -> Opener:
    return Opener()


class Receiver:
    """What a webhook receiver got, and how it answers: statuses in turn (the last one for ever), or not at all."""

    def __init__(self) -> None:
        self.statuses, self.hang_sec = [200], 0.0
        self.requests: list[tuple[str, dict[str, str], bytes]] = []
        self.url = ""
        self.released = threading.Event()

    def answer(self) -> int:
        return self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]

    def bodies(self) -> list[bytes]:
        return [body for _, _, body in self.requests]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A real HTTP server on loopback."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            receiver.requests.append((self.path, dict(self.headers), body))
            if receiver.hang_sec:
                receiver.released.wait(receiver.hang_sec)
            status = receiver.answer()
            self.send_response(status)
            if 300 <= status < 400:
                self.send_header("Location", receiver.url + "/elsewhere")
            self.send_header("Content-Length", "4")
            self.end_headers()
            self.wfile.write(b"said")

        def log_message(self, *_: object) -> None:
            """Quiet."""

        def handle(self) -> None:
            try:
                super().handle()
            except (BrokenPipeError, ConnectionResetError):
                time.sleep(0)  # the other side gave up, as it should

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    receiver.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield receiver
    receiver.released.set()
    server.shutdown()
    server.server_close()
    thread.join()
