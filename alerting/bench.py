"""How alerting keeps time: many watches each minute, deliveries a second, and a storm of alerts at once."""

from __future__ import annotations

import logging
import resource
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from alerting.actions import performers
from alerting.catalogue import load_watches, watch_from
from alerting.delivery import Tally
from alerting.notify.dispatcher import Dispatcher
from alerting.notify.targets import Notifications, Target, route_actions
from alerting.pipeline import run_watches
from alerting.watch import Watch
from contracts.clock import floor_to, iso
from infrastructure.setup import empty
from infrastructure.store import Operation, Store

Say = Callable[[str], None]
_KINDS = 20  # incidents of the storm differ in their service group, so that they can be told together


class Sink:
    """A web server that takes everything: how many messages, and the largest of them."""

    def __init__(self) -> None:
        self.messages = self.largest = 0
        self.url = ""
        self._lock = threading.Lock()

    def take(self, size: int) -> None:
        with self._lock:
            self.messages, self.largest = self.messages + 1, max(self.largest, size)


@contextmanager
def sink() -> Iterator[Sink]:
    taken = Sink()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            taken.take(len(body))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    taken.url = f"http://127.0.0.1:{server.server_address[1]}/"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield taken
    finally:
        server.shutdown()
        server.server_close()


def bench_alerting(
    store: Store, *, watches: int, minutes: int, deliveries: int, storm: int, say: Say
) -> dict[str, Any]:
    """Figures of docs/alerting.md. `minutes` of real time; empties the store, which is the bench's own."""
    logging.getLogger("busyhour.alerts").setLevel(logging.CRITICAL)  # thousands of lines that nobody reads
    say(f"{watches} watches each minute, for {minutes} minutes")
    figures: dict[str, Any] = {"watches": watches, "minutes": minutes, **_on_time(store, watches, minutes)}
    say(f"{deliveries} webhooks to one receiver")
    figures |= _deliveries(store, deliveries)
    say(f"{storm} alerts at once")
    figures |= _storm(store, storm)
    figures["peak_rss_bytes"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return figures


def _on_time(store: Store, watches: int, minutes: int) -> dict[str, Any]:
    """As `busyhour run` would: a round at every minute; lateness is from the tick to the end of a watch's evaluation."""
    _incidents(store, 5, datetime.now(UTC) - timedelta(minutes=5))
    mine = copies(watches)
    late, took = [], []
    run_watches(store, watches=mine)  # from here on it is known what is due
    for _ in range(minutes):
        tick = floor_to(datetime.now(UTC), 60) + timedelta(minutes=1)
        time.sleep(max(0.0, (tick - datetime.now(UTC)).total_seconds()))
        began = time.perf_counter()
        report = run_watches(store, watches=mine)
        took.append(time.perf_counter() - began)
        late.append((report.late_p95_sec, report.late_max_sec))
    return {
        "round_seconds": round(max(took), 2),
        "watches_per_minute": round(60 * watches / max(took)),
        "lateness_p95_sec": round(max(p95 for p95, _ in late), 2),
        "lateness_max_sec": round(max(most for _, most in late), 2),
        "on_time": max(most for _, most in late) < 60,
    }


def copies(count: int) -> list[Watch]:
    """So many watches: the shipped ones that ask Elasticsearch, again and again under other names, each due every minute."""
    shipped = [watch for watch in load_watches() if "http" not in watch.input]
    made = []
    for number in range(count):
        watch = shipped[number % len(shipped)]
        logged = {name: action for name, action in watch.content["actions"].items() if "logging" in action}
        content = {**watch.content, "trigger": {"schedule": {"interval": "1m"}}, "actions": logged}
        made.append(watch_from(content, f"{watch.name}-{number}", "bench"))
    return made


def _one_watch(actions: dict[str, Any], most: int) -> Watch:
    alert = {"labels": {"incident": "{{ctx.payload.incident.id}}"}, "severity": "{{ctx.payload.event.severity}}"}
    texts = {"summary": "{{ctx.payload.incident.title}}", "reason": "{{ctx.payload.incident.reason}}"}
    spec = {
        name: {"foreach": "ctx.payload.values", "max_iterations": most, **action} for name, action in actions.items()
    }
    query = f"FROM incident | KEEP incident.id, incident.title, incident.reason, event.severity | LIMIT {most}"
    content = {
        "metadata": {"alert": {**alert, **texts}},
        "trigger": {"schedule": {"interval": "1m"}},
        "input": {"esql": {"query": query}},
        "actions": spec,
    }
    return watch_from(content, "bench", "bench")


def _deliveries(store: Store, count: int) -> dict[str, Any]:
    empty(store)
    now = datetime.now(UTC)
    _incidents(store, count, now)
    with sink() as taken:
        mine = _one_watch({"hook": {"webhook": {"url": taken.url, "body": "{{ctx.vars.alert.summary}}"}}}, count)
        run_watches(
            store, since=now, until=now, watches=[mine], clock=lambda: now - timedelta(hours=1)
        )  # queued, not due
        began = time.perf_counter()
        tally = _flushed(store, [mine], Notifications())
        seconds = time.perf_counter() - began
        return {
            "delivered": taken.messages,
            "pending": count - tally.sent,
            "deliveries_per_s": round(taken.messages / seconds),
        }


def _flushed(store: Store, watches: Sequence[Watch], told: Notifications) -> Tally:
    """Rounds of alert.notify.round.sec, one after the other, until one finds nothing that is due."""
    by_name = {watch.name: watch for watch in watches}
    tally = Tally()
    while True:
        before = tally.sent
        webhook = performers(store, None)["webhook"]
        Dispatcher(store, by_name.get, told, store.clock, webhook=webhook).flush(tally)
        if tally.sent == before:
            return tally


def _storm(store: Store, count: int) -> dict[str, Any]:
    empty(store)
    now = datetime.now(UTC)
    _incidents(store, count, now)
    with sink() as taken:
        targets = {"noc": Target("noc", "webhook", taken.url)}
        route = {"to": "noc", "group_wait": "1s"}
        told = Notifications(targets, tuple(route_actions(1, route, targets, "bench")))
        mine = _one_watch({"note": {"condition": {"never": {}}, "logging": {"text": "x"}}}, count)
        began = time.perf_counter()
        late = now + timedelta(seconds=70)
        report = run_watches(store, since=now, until=now, watches=[mine], clock=lambda: late, notifications=told)
        return {
            "storm_alerts": report.fired,
            "storm_seconds": round(time.perf_counter() - began, 1),
            "storm_messages": taken.messages,
            "storm_largest_message_bytes": taken.largest,
            "storm_told": report.notifications.sent,
        }


def _incidents(store: Store, count: int, at: datetime) -> None:
    rows = []
    for number in range(count):
        what = {
            "id": f"I{number:06}",
            "status": "open",
            "title": f"Trunk group TG{number % _KINDS} answers too few calls",
            "reason": "ASR is 0.31; between 0.68 and 0.74 is normal",
            "detected": iso(at),
            "services": ["voip"],
            "entities": [f"trunk_group:TG{number % _KINDS}"],
        }
        source = {
            "@timestamp": iso(at),
            "event": {"start": iso(at), "ingested": iso(at), "severity": 2},
            "incident": what,
        }
        rows.append(Operation("index", store.place("incident"), what["id"], source))  # type: ignore[arg-type]
    store.write_all(rows)
    store.refresh("incident")
