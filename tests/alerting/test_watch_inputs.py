"""Inputs of a watch beside searches: http (a real server, Elasticsearch itself), simple, chain; transforms; single elements."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import orjson
import pytest

from alerting import dry_run, list_alerts, run_watches
from alerting.evaluate import evaluate
from alerting.http_input import MOST_BYTES
from contracts.errors import BusyhourError, UserError
from infrastructure.store import Store

Make = Callable[..., Any]
NOTE = {"note": {"foreach": "ctx.payload.data", "logging": {"text": "{{ctx.vars.alert.summary}}"}}}
ALERT = {
    "labels": {"name": "{{ctx.payload.name}}"},
    "severity": "major",
    "summary": "{{ctx.payload.name}}",
    "reason": "why",
}


class Answers:
    def __init__(self) -> None:
        self.body: bytes = b"{}"
        self.status = 200
        self.url = ""
        self.asked: list[tuple[str, dict[str, str]]] = []


@pytest.fixture
def answers() -> Iterator[Answers]:
    given = Answers()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            given.asked.append((self.path, dict(self.headers)))
            self.send_response(given.status)
            self.send_header("Location", "http://127.0.0.1:1/")
            self.send_header("Content-Length", str(len(given.body)))
            self.end_headers()
            self.wfile.write(given.body)

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    given.url = f"http://127.0.0.1:{server.server_address[1]}"
    yield given
    server.shutdown()
    server.server_close()


def http(watch: Make, url: str, **more: Any) -> Any:
    request = {"url": url + "/state", "params": {"at": "{{ctx.trigger.scheduled_time}}"}}
    return watch({}, metadata={"alert": {**ALERT, **more}}, input={"http": {"request": request}}, actions=NOTE)


def test_http_input_brings_what_the_other_side_answers(
    store: Store, watch: Make, answers: Answers, start: datetime
) -> None:
    answers.body = orjson.dumps([{"name": "a", "load": 95}, {"name": "b", "load": 10}])
    found = evaluate(store, http(watch, answers.url), start)
    assert [one.labels["name"] for one in found.candidates] == ["a", "b"]
    assert answers.asked[0][0] == "/state?at=2026-11-10T08%3A00%3A00.000Z"
    high = {"compare": {"ctx.payload.load": {"gte": 90}}}
    assert [
        one.labels["name"] for one in evaluate(store, http(watch, answers.url, condition=high), start).candidates
    ] == ["a"]


@pytest.mark.parametrize("body", [b"x" * (MOST_BYTES + 1)])
def test_http_input_is_refused_when_its_answer_is_too_large(
    store: Store, watch: Make, answers: Answers, start: datetime, body: bytes
) -> None:
    answers.body = body
    with pytest.raises(UserError, match="answers more than"):
        evaluate(store, http(watch, answers.url), start)


def test_watch_that_cannot_ask_is_in_error_resolves_nothing_and_stops_no_other(
    store: Store, watch: Make, incident: Make, answers: Answers, start: datetime
) -> None:
    answers.body = orjson.dumps([{"name": "a"}])
    mine = http(watch, answers.url)
    assert run_watches(store, since=start, until=start, watches=[mine], clock=lambda: start).fired == 1
    gone = http(watch, "http://user:hunter2secret@127.0.0.1:1")
    incident("I1", after=1, end=None)
    other = watch({"note": {"logging": {"text": "x"}}}, "other")
    later = start + timedelta(minutes=5)
    report = run_watches(store, since=later, until=later, watches=[gone, other], clock=lambda: later)
    assert (report.failed, report.fired, report.resolved, report.firing) == (1, 1, 0, 2)
    assert "does not answer" in report.problems[0]
    assert "hunter2" not in str(report)
    stand = store.get("watch", "mine")
    assert stand is not None
    assert stand.source["watch"]["state"] == "error"
    assert {row["alert"]["status"] for row in list_alerts(store)} == {"firing"}


def test_redirect_is_not_followed_and_shows_as_its_status(
    store: Store, watch: Make, answers: Answers, start: datetime
) -> None:
    answers.status = 302
    alert = {**ALERT, "labels": {"status": "{{ctx.payload._status_code}}"}, "summary": "x"}
    mine = watch(
        {},
        metadata={"alert": alert},
        input={"http": {"request": {"url": answers.url}}},
        actions={"note": {"logging": {"text": "x"}}},
    )
    (found,) = evaluate(store, mine, start).candidates
    assert found.labels == {"status": "302"}


def test_past_cannot_be_asked_of_another_system(store: Store, watch: Make, answers: Answers, start: datetime) -> None:
    with pytest.raises(UserError, match="does not know the past"):
        dry_run(store, http(watch, answers.url), start, start + timedelta(hours=1))
    report = run_watches(
        store, since=start, until=start + timedelta(hours=5), watches=[http(watch, answers.url)], clock=lambda: start
    )
    assert report.evaluations == 1


def test_chain_brings_each_payload_under_its_name_and_later_ones_see_it(
    store: Store, watch: Make, incident: Make, start: datetime
) -> None:
    incident("I1", after=1, end=None, severity=1)
    incident("I2", after=1, end=None, severity=3)
    query = "FROM incident | WHERE event.severity <= {{ctx.payload.limits.gravest}} | KEEP incident.id, incident.title"
    chain = {"inputs": [{"limits": {"simple": {"gravest": 2}}}, {"found": {"esql": {"query": query}}}]}
    alert = {
        **ALERT,
        "labels": {"incident": "{{ctx.payload.incident.id}}"},
        "summary": "{{ctx.payload.incident.title}}",
    }
    actions = {"note": {"foreach": "ctx.payload.found.values", "logging": {"text": "x"}}}
    made = watch({}, metadata={"alert": alert}, input={"chain": chain}, actions=actions)
    assert [one.labels for one in evaluate(store, made, start + timedelta(minutes=5)).candidates] == [
        {"incident": "I1"}
    ]


def test_chained_transform_gives_the_last_payload(store: Store, watch: Make, incident: Make, start: datetime) -> None:
    incident("I1", after=1, end=None)
    steps = [
        {"esql": {"query": "FROM incident | STATS count = COUNT(*)"}},
        {"esql": {"query": "FROM incident | KEEP incident.id | LIMIT {{ctx.payload.count}}"}},
    ]
    alert = {**ALERT, "labels": {"incident": "{{ctx.payload.incident.id}}"}, "summary": "x"}
    actions = {"note": {"foreach": "ctx.payload.values", "logging": {"text": "x"}}}
    made = watch({}, metadata={"alert": alert}, input={"simple": {"a": 1}}, transform={"chain": steps}, actions=actions)
    (found,) = evaluate(store, made, start).candidates
    assert found.labels == {"incident": "I1"}


@pytest.mark.parametrize("path", ["/cdr-voip/_search", "/_cat/../cdr-voip/_search", "/_security/user"])
def test_elasticsearch_is_asked_how_it_is_and_nothing_else(
    store: Store, watch: Make, start: datetime, path: str
) -> None:
    with pytest.raises(BusyhourError, match="nothing that a watch may ask"):
        made = watch({}, metadata={"alert": ALERT}, input={"http": {"request": {"path": path}}}, actions=NOTE)
        evaluate(store, made, start)


def test_daily_watch_runs_at_its_time_and_not_between(
    store: Store, watch: Make, incident: Make, start: datetime
) -> None:
    incident("I1", after=1, end=None)
    schedule = {"schedule": {"daily": {"at": "10:30"}, "timezone": "Europe/Berlin"}}
    mine = watch({"note": {"logging": {"text": "x"}}}, trigger=schedule)
    report = run_watches(store, since=start, until=start + timedelta(hours=1), watches=[mine], clock=lambda: start)
    assert (report.evaluations, report.fired) == (0, 0)
    report = run_watches(
        store,
        since=start,
        until=start + timedelta(hours=26),
        every=timedelta(minutes=1),
        watches=[mine],
        clock=lambda: start,
    )
    assert report.evaluations == 2  # each day's; a pace for a replay does not change times of day
    (alert,) = list_alerts(store)
    assert alert["alert"]["starts_at"] == "2026-11-10T09:30:00.000Z"
