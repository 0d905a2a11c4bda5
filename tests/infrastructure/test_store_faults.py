"""Elasticsearch away, overloaded, read-only or gone in the middle: a real node behind a proxy that misbehaves."""

from __future__ import annotations

import http.client
import itertools
import json
import os
import re
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from contracts.clock import iso
from contracts.errors import OperatorError, StoreRefused, StoreUnavailable
from contracts.settings import Settings, read
from infrastructure.node.lifecycle import LocalNode
from infrastructure.setup import set_up, tear_down
from infrastructure.store import Operation, Store

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
Fault = Callable[["Relay", bytes], bool]  # True: it has dealt with the request


class Relay(BaseHTTPRequestHandler):
    """Passes a request on to the node, unless the next fault of the proxy takes it."""

    protocol_version = "HTTP/1.1"
    server: Proxy

    def _relay(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        fault = self.server.next_fault(f"{self.command} {self.path}")
        if fault is None or not fault(self, body):
            self.answer(*self.forward(body))

    do_GET = do_POST = do_PUT = do_DELETE = _relay  # noqa: N815 (names that http.server asks for)

    def forward(self, body: bytes) -> tuple[int, bytes, str]:
        connection = http.client.HTTPConnection(self.server.node, timeout=60)
        kept = {k: v for k, v in self.headers.items() if k.lower() in ("authorization", "content-type", "accept")}
        connection.request(self.command, self.path, body=body, headers=kept)
        answer = connection.getresponse()
        result = answer.status, answer.read(), answer.headers.get("content-type", "application/json")
        connection.close()
        return result

    def answer(self, status: int, body: bytes, kind: str = "application/json") -> None:
        self.send_response(status)
        self.send_header("x-elastic-product", "Elasticsearch")
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def hang_up(self) -> None:
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Nothing on stderr."""


class Proxy(ThreadingHTTPServer):
    """`faults` are used up one by one by the requests that `only` matches; `seen` are those requests."""

    daemon_threads = True

    def __init__(self, node: str) -> None:
        super().__init__(("127.0.0.1", 0), Relay)
        self.node = node
        self.faults: list[Fault] = []
        self.only = "_bulk"
        self.seen: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def next_fault(self, request: str) -> Fault | None:
        if self.only not in request:
            return None
        self.seen.append(request)
        return self.faults.pop(0) if self.faults else None


def status(code: int, body: bytes = b'{"error":{"type":"es_rejected_execution_exception","reason":"full"}}') -> Fault:
    def fault(relay: Relay, _: bytes) -> bool:
        relay.answer(code, body, "application/json" if body.startswith(b"{") else "text/html")
        return True

    return fault


def lost_request(relay: Relay, _: bytes) -> bool:
    relay.hang_up()
    return True


def lost_answer(relay: Relay, body: bytes) -> bool:
    """The node does what it was asked, and nobody hears of it."""
    relay.forward(body)
    relay.hang_up()
    return True


def half_answer(relay: Relay, body: bytes) -> bool:
    code, text, kind = relay.forward(body)
    relay.send_response(code)
    relay.send_header("content-type", kind)
    relay.send_header("content-length", str(len(text)))
    relay.end_headers()
    relay.wfile.write(text[: len(text) // 2])
    relay.hang_up()
    return True


def shed(code: int, reason: str = "queue is full", kind: str = "es_rejected_execution_exception") -> Fault:
    """Every third operation of a bulk request is not done but answered with `code`; the others are done."""

    def fault(relay: Relay, body: bytes) -> bool:
        lines = body.splitlines(keepends=True)
        pairs = [lines[n] + lines[n + 1] for n in range(0, len(lines), 2)]
        _, text, _ = relay.forward(b"".join(pair for n, pair in enumerate(pairs) if n % 3))
        done = iter(json.loads(text)["items"])
        refused = {"create": {"status": code, "error": {"type": kind, "reason": reason}}}
        items = [next(done) if n % 3 else refused for n in range(len(pairs))]
        relay.answer(200, json.dumps({"items": items}).encode())
        return True

    return fault


@pytest.fixture
def proxy(store: Store) -> Iterator[Proxy]:
    server = Proxy(urlsplit(store.exchange.place).netloc)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def through(proxy: Proxy, node_settings: Settings, said: list[str] | None = None, **values: int) -> Store:
    """A store that reaches the node through the proxy; it gives up after half a minute unless told otherwise."""
    values = {"es_wait_sec": 30} | values
    user, password = LocalNode(Path(node_settings.text("home")), node_settings).credentials()
    settings = node_settings.with_values(es_url=proxy.url, es_user=user, es_password=password, **values)
    store = Store.connect(settings, say=(said if said is not None else []).append)
    store.check_set_up()
    return store


def calls(store: Store, count: int, first: int = 0) -> list[Operation]:
    index = store.place("cdr-voip", NOON)
    return [
        Operation("create", index, f"c{n}", {"@timestamp": iso(NOON), "voip": {"pdd": {"ms": n}}})
        for n in range(first, first + count)
    ]


HTML = b"<html><body>Bad Gateway</body></html>"


@pytest.mark.parametrize(
    "fault",
    [status(429), status(502, HTML), status(503), status(503, HTML), status(503, b""), status(504), lost_request],
    ids=["429", "502-html", "503", "503-html", "503-empty", "504", "lost-request"],
)
def test_bulk_sends_again_when_the_request_failed(
    store: Store, proxy: Proxy, node_settings: Settings, fault: Fault
) -> None:
    proxy.faults = [fault, fault]
    results = through(proxy, node_settings).bulk(calls(store, 10))
    assert all(result.created for result in results)
    assert len(proxy.seen) == 3


@pytest.mark.parametrize("fault", [lost_answer, half_answer], ids=["lost", "half"])
def test_bulk_says_exists_when_the_answer_to_its_own_write_was_lost(
    store: Store, proxy: Proxy, node_settings: Settings, fault: Fault
) -> None:
    proxy.faults = [fault]
    operations = calls(store, 10)
    assert all(result.exists for result in through(proxy, node_settings).bulk(operations))
    store.refresh()
    assert store.count("cdr-voip") == 10
    kept = store.read_back([(operation.index, operation.id) for operation in operations])
    assert [document and document.source for document in kept] == [operation.source for operation in operations]


@pytest.mark.parametrize(
    "fault",
    [
        shed(429),
        shed(503, "primary shard is not active", "unavailable_shards_exception"),
        shed(403, "index [x] blocked by: [FORBIDDEN/8/index write (api)];", "cluster_block_exception"),
        shed(429, "index [x] blocked by: [TOO_MANY_REQUESTS/12/disk usage exceeded]", "cluster_block_exception"),
    ],
    ids=["429", "503", "403-block", "429-flood-stage"],
)
def test_bulk_sends_only_what_failed_when_items_are_pushed_back(
    store: Store, proxy: Proxy, node_settings: Settings, fault: Fault
) -> None:
    proxy.faults = [fault, fault]
    operations = calls(store, 9)
    operations[1] = Operation("create", operations[1].index, "bad", {"colour": "red"})
    results = through(proxy, node_settings).bulk(operations)
    assert [result.refused for result in results] == [n == 1 for n in range(9)]
    assert sum(result.created for result in results) == 8  # what was written once was not sent again
    assert len(proxy.seen) == 3


def test_bulk_waits_and_says_so_when_the_index_is_read_only(store: Store, node_settings: Settings) -> None:
    store.bulk(calls(store, 1))
    said: list[str] = []
    waiting = Store.connect(node_settings, say=said.append)
    path = f"/{store.place('cdr-voip', NOON)}/_settings"
    store.exchange.ask("PUT", path, {"index.blocks.write": True})
    release = threading.Timer(1.0, lambda: store.exchange.ask("PUT", path, {"index.blocks.write": None}))
    release.start()
    results = waiting.bulk(calls(store, 5, first=1))
    release.join()
    assert all(result.created for result in results)
    assert "takes no writes" in said[0]
    assert "FORBIDDEN/8/index write" in said[0]
    assert re.search(r"answers again after \d s", said[-1])
    assert len(said) == 2


def test_bulk_gives_up_with_a_remedy_when_read_only_lasts(store: Store, node_settings: Settings) -> None:
    store.bulk(calls(store, 1))
    path = f"/{store.place('cdr-voip', NOON)}/_settings"
    store.exchange.ask("PUT", path, {"index.blocks.write": True})
    impatient = Store.connect(node_settings.with_values(es_wait_sec=1), say=[].append)
    with pytest.raises(StoreUnavailable, match="takes no writes") as caught:
        impatient.bulk(calls(store, 1, first=1))
    assert "index.blocks.write" in caught.value.remedy


def test_waiting_is_said_at_once_then_at_growing_intervals_until_it_gives_up(
    store: Store, proxy: Proxy, node_settings: Settings
) -> None:
    said: list[str] = []
    now = [0.0]

    def sleep(seconds: float) -> None:
        assert 0 < seconds <= 10
        now[0] += seconds

    user, password = LocalNode(Path(node_settings.text("home")), node_settings).credentials()
    settings = node_settings.with_values(es_url=proxy.url, es_user=user, es_password=password, es_wait_sec=900)
    waiting = Store.connect(settings, say=said.append, sleep=sleep, monotonic=lambda: now[0])
    proxy.only, proxy.faults = "_search", [lost_request] * 1000
    with pytest.raises(StoreUnavailable, match="waited 900 s") as caught:
        waiting.search("job")
    assert proxy.url in caught.value.where
    assert "busyhour node status" in caught.value.remedy
    assert "waiting, 0 s so far, will give up after 900 s" in said[0]
    times = [int(match.group(1)) for text in said if (match := re.search(r"(\d+) s so far", text))]
    gaps = [later - sooner for sooner, later in itertools.pairwise(times)]
    assert gaps == sorted(gaps)
    assert 5 <= len(said) <= 10


def test_reading_waits_too_when_the_connection_is_lost(store: Store, proxy: Proxy, node_settings: Settings) -> None:
    store.write_all(calls(store, 3))
    store.refresh()
    proxied = through(proxy, node_settings)
    proxy.only, proxy.faults = "", [lost_request] * 2
    assert proxied.count("cdr-voip") == 3
    proxy.faults = [status(503, HTML), lost_answer]
    assert len(list(proxied.scan("cdr-voip"))) == 3
    proxy.faults = [half_answer]
    assert proxied.esql("FROM cdr-voip | STATS n = COUNT(*)").rows == [[3]]


def test_change_is_made_once_when_its_answer_was_lost(store: Store, proxy: Proxy, node_settings: Settings) -> None:
    proxied = through(proxy, node_settings)
    proxy.only, proxy.faults = "PUT", [lost_answer]

    def longer(source: dict[str, object]) -> dict[str, object]:
        job = source["job"]
        assert isinstance(job, dict)
        return {"job": {"detail": job["detail"] + "x"}}

    assert proxied.modify("job", "j", longer, create=lambda: {"job": {"detail": "x"}}) == {"job": {"detail": "x"}}
    proxy.faults = [lost_answer]
    assert proxied.modify("job", "j", longer) == {"job": {"detail": "xx"}}


def test_slow_query_is_refused_with_a_remedy_when_the_server_is_well(
    store: Store, proxy: Proxy, node_settings: Settings
) -> None:
    def slow(relay: Relay, body: bytes) -> bool:
        time.sleep(1.5)
        return False

    proxied = through(proxy, node_settings, es_timeout_sec=1)
    proxy.only, proxy.faults = "_search", [slow] * 3
    with pytest.raises(StoreRefused, match="no answer in time") as caught:
        proxied.search("job")
    assert "es.timeout.sec" in caught.value.remedy


def test_who_waits_less_than_a_time_out_is_told_after_one(store: Store, proxy: Proxy, node_settings: Settings) -> None:
    """As a page: neither a slow query nor a server that hangs is asked twice."""

    def slow(relay: Relay, body: bytes) -> bool:
        time.sleep(2.5)
        relay.hang_up()
        return True

    proxied = through(proxy, node_settings, es_timeout_sec=2, es_wait_sec=1)
    proxy.only, proxy.faults = "_search", [slow] * 5
    with pytest.raises(StoreRefused, match="no answer in time"):
        proxied.search("job")
    assert len(proxy.seen) == 1
    proxy.only, proxy.faults = "", [slow] * 5
    began = time.monotonic()
    with pytest.raises(StoreUnavailable, match="does not answer in time; waited 2 s"):
        proxied.search("job")
    assert time.monotonic() - began < 6


def test_slow_bulk_is_sent_again_and_doubles_nothing(store: Store, proxy: Proxy, node_settings: Settings) -> None:
    def slow(relay: Relay, body: bytes) -> bool:
        relay.forward(body)
        time.sleep(1.5)
        relay.hang_up()
        return True

    proxied = through(proxy, node_settings, es_timeout_sec=1)
    proxy.faults = [slow] * 3
    results = proxied.bulk(calls(store, 5))
    assert not any(result.refused for result in results)
    store.refresh()
    assert store.count("cdr-voip") == 5


def test_bulk_stops_before_writing_when_the_server_comes_back_empty(
    store: Store, proxy: Proxy, node_settings: Settings
) -> None:
    def wiped(relay: Relay, body: bytes) -> bool:
        tear_down(store)
        relay.hang_up()
        return True

    operations = calls(store, 3)
    proxied = through(proxy, node_settings)
    proxy.faults = [wiped]
    with pytest.raises(StoreRefused, match="busyhour setup"):
        proxied.bulk(operations)
    assert store.exchange.ask("GET", "/cdr-voip-*/_settings") == {}


def test_threads_announce_an_outage_once(store: Store, proxy: Proxy, node_settings: Settings) -> None:
    said: list[str] = []
    proxied = through(proxy, node_settings, said)
    proxy.faults = [lost_request] * 6
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda n: proxied.bulk(calls(store, 10, first=n * 10)), range(3)))
    assert 2 <= len(said) <= 6
    assert "does not answer" in said[0]
    assert "answers again" in said[-1]
    store.refresh()
    assert store.count("cdr-voip") == 30


def test_refusal_for_good_is_not_waited_for(store: Store, proxy: Proxy, node_settings: Settings) -> None:
    proxied = through(proxy, node_settings)
    broken = {"type": "circuit_breaking_exception", "reason": "Data too large", "durability": "PERMANENT"}
    proxy.only, proxy.faults = "_search", [status(429, json.dumps({"error": broken}).encode())]
    with pytest.raises(StoreRefused, match="Data too large"):
        proxied.search("job")
    assert len(proxy.seen) == 1


def test_ingest_loses_and_doubles_nothing_when_the_node_is_killed_in_the_middle(tmp_path: Path) -> None:
    """A node of this test's own: kill -9 while threads write, started again at whatever port."""
    settings = read({"BUSYHOUR_HOME": str(tmp_path), "BUSYHOUR_NODE_HEAP_MIB": "512", "BUSYHOUR_ES_WAIT_SEC": "120"})
    node = LocalNode(tmp_path, settings)
    said: list[str] = []
    node.start()
    try:
        store = Store.connect(settings, say=said.append)
        set_up(store)
        chunks = [calls(store, 200, first=n * 200) for n in range(60)]
        with ThreadPoolExecutor(2) as pool:
            pending = [pool.submit(store.bulk, chunk) for chunk in chunks]
            pending[10].result()
            _kill(node)
            node.start()
            results = [result for job in pending for result in job.result()]
        store.refresh()
        assert not any(result.refused for result in results)
        assert store.count("cdr-voip") == 12_000
        assert "does not answer" in said[0]
        assert "answers again" in said[-1]
        store.close()
    finally:
        node.stop()


def _kill(node: LocalNode) -> None:
    pid = node.status().pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    while node.status().running:
        time.sleep(0.05)


class _Impostor(BaseHTTPRequestHandler):
    reply = b"{}"

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "application/json" if self.reply.startswith(b"{") else "text/html")
        self.send_header("content-length", str(len(self.reply)))
        if b"lucene" in self.reply:
            self.send_header("x-elastic-product", "Elasticsearch")
        self.end_headers()
        self.wfile.write(self.reply)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Nothing on stderr."""


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (b'{"version":{"number":"8.18.3","lucene_version":"9"}}', "8.18.3 is too old"),
        (b'{"version":{"number":"7.17.0","lucene_version":"8"}}', "7.17.0 is too old"),
        (b'{"version":{"number":"2.11.0","distribution":"opensearch"}}', "not Elasticsearch"),
        (b"<html>router</html>", "not Elasticsearch"),
        (b'{"status":"ok"}', "not Elasticsearch"),
    ],
)
def test_connect_refuses_what_is_not_elasticsearch_or_too_old(
    reply: bytes, words: str, node_settings: Settings
) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Reply", (_Impostor,), {"reply": reply}))
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        with pytest.raises(OperatorError, match=words):
            Store.connect(node_settings.with_values(es_url=f"http://127.0.0.1:{server.server_port}"))
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
