"""Webhooks against a real HTTP server: what is sent, what is tried again, and that a hanging one stops nobody."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import orjson
import pytest

from alerting import list_alerts, list_notifications, run_watches
from alerting.actions.webhook import WebhookAction, request_of
from alerting.alert import Notice, Outcome, Status
from alerting.context import context
from alerting.queues import GIVE_UP, NO_TIME, Queues
from infrastructure.store import Store

Make = Callable[..., Any]
NOTE = {"note": {"logging": {"text": "{{ctx.payload.incident.title}}"}}}


def notice(start: datetime, event: str = "firing", number: int = 1, **config: Any) -> Notice:
    """A notice with alert words that try to break out of where they are put."""
    alert = {
        "id": "a1",
        "fingerprint": "f1",
        "name": "mine",
        "status": event,
        "severity": "major",
        "summary": 'ASR of "TG2"\r\nX-Evil: 1',
        "reason": "0.31 – 212 calls",
        "labels": {"incident": "I1"},
        "starts_at": "2026-11-10T08:10:00.000Z",
        "ends_at": "2026-11-10T09:05:00.000Z" if event == "resolved" else "",
        "incident": "I1",
    }
    seen = context("mine", {}, start, {"x": 1}, alert=alert)
    return Notice(
        f"n{number}",
        "a1",
        "f1",
        "mine",
        event,
        start,
        "new",
        False,
        "major",
        start,
        "I1",
        "hook",
        "webhook",
        config,
        seen,
    )


def quick(naps: list[float], timeout: float = 5) -> WebhookAction:
    return WebhookAction(timeout_sec=timeout, sleep=naps.append)


def test_webhook_posts_what_alertmanager_would_when_no_body_is_given(receiver: Any, start: datetime) -> None:
    for event in ("firing", "resolved"):
        outcome = quick([]).perform(notice(start, event, url=receiver.url + "/hook"))
        assert (outcome.status, outcome.attempts, outcome.detail) == (Status.SENT, 1, "200")
    (path, headers, body), (_, _, second) = receiver.requests
    message = orjson.loads(body)
    assert path == "/hook"
    assert (headers["Idempotency-Key"], headers["Content-Type"]) == ("n1", "application/json")
    assert (message["version"], message["status"], message["alerts"][0]["fingerprint"]) == ("4", "firing", "f1")
    assert message["alerts"][0]["labels"] == {"incident": "I1", "alertname": "mine", "severity": "major"}
    assert message["alerts"][0]["endsAt"] == "0001-01-01T00:00:00Z"
    assert orjson.loads(second)["alerts"][0]["endsAt"] == "2026-11-10T09:05:00.000Z"


def test_webhook_values_stay_where_they_are_put(receiver: Any, start: datetime) -> None:
    config = {
        "url": receiver.url + "/x",
        "headers": {"X-Summary": "{{ctx.vars.alert.summary}}", "Idempotency-Key": "mine"},
        "params": {"why": "{{ctx.vars.alert.reason}}&a=b"},
        "body": '{"text": {{#toJson}}ctx.vars.alert.summary{{/toJson}}}',
    }
    assert quick([]).perform(notice(start, **config)).status is Status.SENT
    ((path, headers, body),) = receiver.requests
    assert "X-Evil" not in headers
    assert headers["Idempotency-Key"] == "n1"
    assert path == "/x?why=0.31+%E2%80%93+212+calls%26a%3Db"
    assert orjson.loads(body) == {"text": 'ASR of "TG2"\r\nX-Evil: 1'}


def test_webhook_address_is_put_together_from_its_parts(start: datetime) -> None:
    parts = {"scheme": "https", "host": "pager.example", "port": 8443, "path": "{{ctx.watch_id}}", "method": "put"}
    request = request_of(notice(start, **parts))
    assert (request.method, request.url) == ("PUT", "https://pager.example:8443/mine")


@pytest.mark.parametrize("status", [500, 503, 429, 408])
def test_webhook_is_tried_again_with_the_same_key_when_the_receiver_is_in_trouble(
    receiver: Any, start: datetime, status: int
) -> None:
    receiver.statuses = [status, status, 200]
    naps: list[float] = []
    outcome = quick(naps).perform(notice(start, url=receiver.url))
    assert (outcome.status, outcome.attempts, naps) == (Status.SENT, 3, [0.5, 1.0])
    assert {headers["Idempotency-Key"] for _, headers, _ in receiver.requests} == {"n1"}


def test_webhook_is_left_for_later_when_the_receiver_stays_in_trouble(receiver: Any, start: datetime) -> None:
    receiver.statuses = [500]
    outcome = quick([]).perform(notice(start, url=receiver.url))
    assert (outcome.status, outcome.attempts, len(receiver.requests)) == (Status.PENDING, 3, 3)
    assert outcome.detail.startswith("500")
    assert outcome.detail.endswith("said")


@pytest.mark.parametrize("status", [400, 401, 404, 301, 307])
def test_webhook_fails_at_once_when_the_receiver_says_no(receiver: Any, start: datetime, status: int) -> None:
    receiver.statuses = [status, 200]
    outcome = quick([]).perform(notice(start, url=receiver.url))
    assert (outcome.status, len(receiver.requests)) == (Status.FAILED, 1)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1", "http://no-such-host.invalid/", "http://[::1", "http://x:99999/"]
)
def test_webhook_is_left_for_later_with_a_reason_when_nobody_is_there(start: datetime, url: str) -> None:
    outcome = quick([], timeout=2).perform(notice(start, url=url))
    assert outcome.status is Status.PENDING
    assert outcome.detail


def test_webhook_is_given_up_in_time_when_the_receiver_hangs(receiver: Any, start: datetime) -> None:
    receiver.hang_sec = 60
    began = time.monotonic()
    outcome = quick([], timeout=0.3).perform(notice(start, url=receiver.url))
    assert (outcome.status, outcome.attempts) == (Status.PENDING, 3)
    assert time.monotonic() - began < 10
    assert "imeout" in outcome.detail


def test_queue_of_a_failing_destination_is_closed_and_others_go_on(start: datetime) -> None:
    tried: list[str] = []

    def work(one: Notice) -> Outcome:
        tried.append(one.id)
        return Outcome(Status.FAILED if one.config["bad"] else Status.SENT, "")

    queues = Queues(work, idle_sec=20)
    for number in range(6):
        queues.submit("bad", notice(start, number=number, bad=True))
        queues.submit("good", notice(start, number=100 + number, bad=False))
    ended = {one.id: outcome.status for one, outcome in queues.finish()}
    assert [ended[f"n{100 + number}"] for number in range(6)] == [Status.SENT] * 6
    assert [ended[f"n{number}"] for number in range(GIVE_UP)] == [Status.FAILED] * GIVE_UP
    assert [ended[f"n{number}"] for number in range(GIVE_UP, 6)] == [Status.PENDING] * (6 - GIVE_UP)
    assert sorted(one for one in tried if len(one) == 2) == ["n0", "n1"]


def test_queue_is_left_behind_when_the_other_side_plays_for_time(start: datetime) -> None:
    never = threading.Event()

    def work(_: Notice) -> Outcome:
        never.wait(30)
        return Outcome(Status.SENT, "")

    queues = Queues(work, idle_sec=0.2)
    queues.submit("slow", notice(start))
    ((_, outcome),) = queues.finish()
    never.set()
    assert outcome.status is Status.PENDING


def test_what_is_under_way_when_the_time_is_over_ends_and_the_rest_is_left_untried(start: datetime) -> None:
    def work(_: Notice) -> Outcome:
        time.sleep(0.2)
        return Outcome(Status.SENT, "")

    queues = Queues(work, idle_sec=20)
    for number in range(6):
        queues.submit("slow", notice(start, number=number))
    ended = [(outcome.status, outcome.detail) for _, outcome in queues.finish(0.3)]
    sent = ended.count((Status.SENT, ""))
    assert 1 <= sent < 6
    assert ended.count((Status.PENDING, NO_TIME)) == 6 - sent  # none is left behind with its answer unknown
    assert queues.stopped


@pytest.fixture
def silent_port() -> Any:
    """A port that takes connections and never says anything."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)
    yield listener.getsockname()[1]
    listener.close()


def test_run_goes_on_when_a_webhook_hangs(
    store: Store, incident: Make, watch: Make, receiver: Any, silent_port: int, start: datetime
) -> None:
    incident("I1", after=10, end=60)
    incident("I2", after=20, end=60)
    hooks = {
        "dead": {"webhook": {"url": f"http://127.0.0.1:{silent_port}/"}},
        "live": {"webhook": {"url": receiver.url, "body": "{{ctx.vars.alert.status}} {{ctx.payload.incident.id}}"}},
    }
    impatient = Store.connect(store.settings.with_values(alert_webhook_timeout_sec=1))
    until = start + timedelta(hours=2)
    began = time.monotonic()
    report = run_watches(impatient, since=start, until=until, watches=[watch(hooks | NOTE)], clock=lambda: until)
    assert time.monotonic() - began < 60
    assert sorted(receiver.bodies()) == [b"firing I1", b"firing I2", b"resolved I1", b"resolved I2"]
    ended = [(row["notification"]["action"], row["notification"]["status"]) for row in list_notifications(store)]
    assert sorted(ended) == [("dead", "pending")] * 4 + [("live", "sent")] * 4 + [("note", "sent")] * 4
    tally = report.notifications
    assert (tally.sent, tally.failed, tally.pending, len(report.problems)) == (8, 0, 4, 4)


def test_webhook_is_sent_by_the_next_run_when_its_receiver_was_away_for_long(
    store: Store, incident: Make, watch: Make, receiver: Any, start: datetime
) -> None:
    for number in range(4):
        incident(f"I{number}", after=10, end=None)
    mine = watch({"hook": {"webhook": {"url": receiver.url, "body": "{{ctx.payload.incident.id}}"}}})
    receiver.statuses = [404]
    at = start + timedelta(minutes=10)
    first = run_watches(store, since=at, until=at, watches=[mine], clock=lambda: at)
    assert (first.notifications.failed, first.notifications.pending) == (2, 2)
    assert not any(row["alert"]["unsettled"] for row in list_alerts(store))  # the queue has them
    receiver.statuses, sent = [200], len(receiver.requests)
    later = at + timedelta(minutes=5)
    second = run_watches(store, since=later, until=later, watches=[mine], clock=lambda: later)
    assert (second.fired, second.notifications.sent, second.notifications.pending) == (0, 2, 0)
    assert len(receiver.requests) == sent + 2
    assert sorted(receiver.bodies()) == [b"I0", b"I1", b"I2", b"I3"]
    store.refresh("alert")
    assert not any(row["alert"]["unsettled"] for row in list_alerts(store))
