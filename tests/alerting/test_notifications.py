"""Notifications on their whole way: routes, groups, the queue, a real SMTP server and a real HTTP server that fail on demand."""

from __future__ import annotations

import email
import email.policy
import socket
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from aiosmtpd.controller import Controller

from alerting import (
    Notifications,
    list_alerts,
    list_notifications,
    read_notifications,
    retry_notifications,
    run_watches,
    send_notifications,
)
from alerting.notify.senders import KEY_HEADER
from alerting.notify.signing import HEADER, sign, verify
from contracts.errors import SettingError, UserError
from infrastructure.store import Operation, Store

Make = Callable[..., Any]
NOTE = {"note": {"logging": {"text": "{{ctx.payload.incident.title}}"}}}
SECRET = "a secret that is long enough"


class Mailbox:
    """Mails as they came. `refuse`: the answer to the next ones; `hang_sec`: how long the server says nothing."""

    def __init__(self) -> None:
        self.mails: list[Any] = []
        self.refuse, self.hang_sec = "", 0.0

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd calls it so
        import asyncio

        if self.hang_sec:
            await asyncio.sleep(self.hang_sec)
        if self.refuse:
            return self.refuse
        self.mails.append(email.message_from_bytes(envelope.content, policy=email.policy.default))
        return "250 taken"


class Post:
    def __init__(self, box: Mailbox, port: int) -> None:
        self.box = box
        self.url = f"mailto://127.0.0.1:{port}/?from=busyhour@example.org&to=noc@example.org&mode=insecure&format=text"


@pytest.fixture
def post() -> Iterator[Post]:
    box = Mailbox()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    controller = Controller(box, hostname="127.0.0.1", port=port)
    controller.start()
    yield Post(box, port)
    controller.stop()


@pytest.fixture
def told(tmp_path: Path) -> Make:
    """A file of targets and routes, read."""

    def make(targets: dict[str, Any], *routes: dict[str, Any]) -> Notifications:
        path = tmp_path / "notify.yml"
        path.write_bytes(orjson.dumps({"targets": targets, "routes": list(routes)}))
        return read_notifications(path)

    return make


def statuses(store: Store) -> list[tuple[str, str]]:
    rows = [
        row for row in list_notifications(store, limit=1000) if row["notification"]["kind"] in ("notify", "webhook")
    ]
    return sorted((row["alert"]["status"], row["notification"]["status"]) for row in rows)


def go(
    store: Store, watches: list[Any], at: datetime, notifications: Notifications, now: datetime | None = None
) -> Any:
    return run_watches(store, since=at, until=at, watches=watches, clock=lambda: now or at, notifications=notifications)


def test_route_mails_one_message_of_a_group_and_one_of_its_end(
    store: Store, incident: Make, watch: Make, post: Post, told: Make, start: datetime
) -> None:
    for number in range(3):
        incident(f"I{number}", after=10, end=None)
    notify = told({"noc": {"apprise": post.url}}, {"to": "noc", "group_by": ["alertname"], "group_wait": "30s"})
    at = start + timedelta(minutes=10)
    report = go(store, [watch(NOTE)], at, notify)
    assert (report.fired, post.box.mails) == (3, [])  # the group is waited for
    report = go(store, [watch(NOTE)], at, notify, at + timedelta(seconds=40))
    assert (report.fired, report.notifications.sent) == (0, 3)
    (mail,) = post.box.mails
    assert mail["Subject"] == "Major: 3 alerts, alertname mine"
    body = mail.get_content()
    assert body.count("Since Tue 10 Nov 2026 08:10 UTC") == 3
    assert "ASR of trunk group TG2 is 0.31" in body

    for number in range(3):
        incident(f"I{number}", after=10, end=12)
    later = at + timedelta(minutes=10)
    report = go(store, [watch(NOTE)], later, notify, later + timedelta(minutes=1))
    assert report.resolved == 3
    assert post.box.mails[1]["Subject"] == "Resolved: 3 alerts, alertname mine"
    assert len({mail[KEY_HEADER] for mail in post.box.mails}) == 2
    go(store, [watch(NOTE)], later, notify, later + timedelta(hours=3))
    assert len(post.box.mails) == 2


def test_group_is_told_again_only_when_its_interval_is_over(
    store: Store, incident: Make, watch: Make, post: Post, told: Make, start: datetime
) -> None:
    notify = told({"noc": {"apprise": post.url}}, {"to": "noc", "group_wait": "1s", "group_interval": "20m"})
    incident("I1", after=10, end=None)
    at = start + timedelta(minutes=10)
    go(store, [watch(NOTE)], at, notify, at + timedelta(seconds=5))
    incident("I2", after=15, end=None)
    at += timedelta(minutes=5)
    go(store, [watch(NOTE)], at, notify, at + timedelta(seconds=5))
    assert len(post.box.mails) == 1
    assert statuses(store) == [("firing", "pending"), ("firing", "sent")]
    at += timedelta(minutes=20)
    go(store, [watch(NOTE)], at, notify, at + timedelta(seconds=5))
    assert len(post.box.mails) == 2
    assert "I2" in post.box.mails[1]["Subject"]


def test_routes_match_and_a_target_is_told_once(
    store: Store, incident: Make, watch: Make, post: Post, receiver: Any, told: Make, start: datetime
) -> None:
    incident("I1", after=10, end=None, severity=1)
    incident("I2", after=10, end=None, severity=3)
    notify = told(
        {"noc": {"apprise": post.url}, "erp": {"webhook": receiver.url + "/in", "secret": SECRET}},
        {"to": ["noc"], "match": ["severity=critical"], "group_wait": "1s", "title": "{{ alerts[0].severity|upper }}!"},
        {
            "to": ["noc", "erp"],
            "match": ["severity=~critical|major|minor"],
            "group_wait": "1s",
            "group_by": ["incident"],
        },
    )
    at = start + timedelta(minutes=10)
    go(store, [watch(NOTE)], at, notify, at + timedelta(seconds=9))
    assert sorted(str(mail["Subject"]) for mail in post.box.mails) == ["CRITICAL!", "Minor: Incident I2"]
    assert len(receiver.requests) == 2
    path, headers, body = receiver.requests[0]
    assert path == "/in"
    assert verify(SECRET, headers[HEADER], body, int(time.time()))
    message = orjson.loads(body)
    assert (message["version"], message["status"], message["truncatedAlerts"]) == ("4", "firing", 0)
    assert message["groupLabels"] == message["alerts"][0]["labels"] | {} or "incident" in message["groupLabels"]


def test_signature_holds_for_what_was_signed_and_now_only() -> None:
    header = sign(SECRET, b"body", 1000)
    assert verify(SECRET, header, b"body", 1100)
    assert not verify(SECRET, header, b"bodY", 1100)
    assert not verify("another secret of some length", header, b"body", 1100)
    assert not verify(SECRET, header, b"body", 1000 + 301)
    assert not verify(SECRET, header, b"body", 1000 - 301)
    for wrong in (
        "",
        "t=,v1=",
        "t=1000",
        "v1=abc",
        "t=" + "9" * 99 + ",v1=a",
        "t=１０００,v1=é",
        header.replace("t=", "t=-"),
    ):
        assert not verify(SECRET, wrong, b"body", 1000)


def test_mail_server_in_trouble_is_tried_again_later_and_given_up_as_a_dead_letter(
    store: Store, incident: Make, watch: Make, post: Post, told: Make, start: datetime
) -> None:
    incident("I1", after=10, end=None)
    mine = Store.connect(store.settings.with_values(alert_notify_tries=3, alert_notify_pause_sec=60))
    notify = told({"noc": {"apprise": post.url}}, {"to": "noc", "group_wait": "1s"})
    at = start + timedelta(minutes=10)
    post.box.refuse = "451 later, please"
    go(mine, [watch(NOTE)], at, notify, at + timedelta(seconds=2))
    (row,) = [row for row in list_notifications(store) if row["notification"]["kind"] == "notify"]
    assert (row["notification"]["status"], row["notification"]["attempts"]) == ("pending", 1)
    assert (
        send_notifications(mine, notifications=notify, clock=lambda: at + timedelta(seconds=50)).pending == 0
    )  # not due
    for minutes in (2, 10):
        tally = send_notifications(mine, notifications=notify, clock=lambda m=minutes: at + timedelta(minutes=m))
    assert (tally.failed, tally.pending) == (1, 0)
    assert statuses(store) == [("firing", "failed")]
    assert send_notifications(mine, notifications=notify, clock=lambda: at + timedelta(days=1)).sent == 0

    post.box.refuse = ""
    with pytest.raises(UserError, match="no dead letter"):
        retry_notifications(store, ["zz"])
    assert retry_notifications(store, [row["id"][:10]]) == 1
    assert send_notifications(mine, notifications=notify).sent == 1
    assert retry_notifications(store) == 0
    assert len(post.box.mails) == 1


def test_nothing_of_a_target_shows_in_what_is_stored_or_said(
    store: Store, incident: Make, watch: Make, told: Make, start: datetime, capfd: Any, silent_port: int
) -> None:
    address = f"json://anna:hunter2secret@127.0.0.1:{silent_port}/tokenpath123?rto=0.3&cto=0.3"
    notify = told({"noc": {"apprise": address}}, {"to": "noc", "group_wait": "1s"})
    incident("I1", after=10, end=None)
    at = start + timedelta(minutes=10)
    report = go(store, [watch(NOTE)], at, notify, at + timedelta(seconds=2))
    text = (
        repr(notify)
        + repr(report)
        + str(list_notifications(store))
        + str(list_alerts(store))
        + "".join(capfd.readouterr())
    )
    assert report.notifications.pending == 1
    for secret in ("hunter2secret", "tokenpath123", SECRET):
        assert secret not in text


@pytest.fixture
def silent_port() -> Iterator[int]:
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)
    yield listener.getsockname()[1]
    listener.close()


def test_notifier_that_hangs_stops_no_other_and_is_left_behind(
    store: Store, incident: Make, watch: Make, post: Post, receiver: Any, told: Make, start: datetime
) -> None:
    post.box.hang_sec = 60
    mine = Store.connect(store.settings.with_values(alert_notify_round_sec=2))
    notify = told(
        {"noc": {"apprise": post.url}, "erp": {"webhook": receiver.url}},
        {"to": ["noc", "erp"], "group_wait": "1s"},
    )
    incident("I1", after=10, end=None)
    at, began = start + timedelta(minutes=10), time.monotonic()
    report = go(mine, [watch(NOTE)], at, notify, at + timedelta(seconds=2))
    assert time.monotonic() - began < 20
    assert len(receiver.requests) == 1
    assert (report.notifications.sent, report.notifications.pending) == (2, 1)  # the log line and erp
    assert (
        send_notifications(mine, notifications=notify, clock=lambda: at + timedelta(seconds=60)).pending == 0
    )  # claimed still
    post.box.hang_sec = 0


def test_two_senders_at_once_tell_once(
    store: Store, incident: Make, watch: Make, receiver: Any, told: Make, start: datetime
) -> None:
    notify = told({"erp": {"webhook": receiver.url}}, {"to": "erp", "group_wait": "1m", "group_by": ["incident"]})
    for number in range(20):
        incident(f"I{number}", after=10, end=None)
    at = start + timedelta(minutes=10)
    go(store, [watch(NOTE)], at, notify)
    due = at + timedelta(minutes=2)
    senders = [
        threading.Thread(
            target=send_notifications, args=(store,), kwargs={"notifications": notify, "clock": lambda: due}
        )
        for _ in range(3)
    ]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    keys = [headers["Idempotency-Key"] for _, headers, _ in receiver.requests]
    assert len(keys) == len(set(keys)) == 20
    assert set(statuses(store)) == {("firing", "sent")}


def test_storm_of_alerts_is_one_bounded_message_a_target(
    store: Store,
    watch: Make,
    receiver: Any,
    post: Post,
    told: Make,
    start: datetime,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows = []
    for number in range(1_500):
        at = (start + timedelta(minutes=5)).isoformat()
        what = {"id": f"I{number:05}", "status": "open", "title": f"Incident {number}", "reason": "why", "detected": at}
        source = {"@timestamp": at, "event": {"start": at, "ingested": at, "severity": 2}, "incident": what}
        rows.append(Operation("index", store.place("incident"), f"I{number}", source))
    store.write_all(rows)
    store.refresh("incident")
    query = "FROM incident | KEEP incident.id, incident.title, incident.reason, event.severity | LIMIT 1500"
    mine = watch(
        {"quiet": {"max_iterations": 2_000, **NOTE["note"], "condition": {"never": {}}}},
        input={"esql": {"query": query}},
    )
    notify = told(
        {"noc": {"apprise": post.url}, "erp": {"webhook": receiver.url}}, {"to": ["noc", "erp"], "group_wait": "1s"}
    )
    monkeypatch.setattr("alerting.notify.dispatcher.MOST_DUE", 1_600)  # one look does not hold both targets' groups
    at = start + timedelta(minutes=10)
    began = time.monotonic()
    report = go(store, [mine], at, notify, at + timedelta(seconds=5))
    assert report.fired == 1500
    assert report.notifications.sent == 2 * 1500
    (mail,), (request,) = post.box.mails, receiver.requests
    assert mail["Subject"] == "Major: 1,500 alerts, alertname mine"
    assert "And 1,480 more." in mail.get_content()
    assert len(mail.get_content()) < 20_001
    message = orjson.loads(request[2])
    assert (len(message["alerts"]), message["truncatedAlerts"]) == (200, 1_300)
    assert time.monotonic() - began < 120


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"targts": {}}, "did you mean targets"),
        ({"targets": {"a": {"apprise": "nonsense"}}}, "targets.a: apprise does not know"),
        ({"targets": {"a": {"webhook": "ftp://x"}}}, "no http"),
        ({"targets": {"a": {"webhook": "https://x", "secret": "short"}}}, "shorter than 16"),
        ({"targets": {"a": {"webhook": "https://x"}}, "routes": [{"to": "b"}]}, "unknown target 'b'"),
        ({"targets": {"a": {"webhook": "https://x"}}, "routes": [{"to": "a", "match": ["x"]}]}, "no matcher"),
        ({"targets": {"a": {"webhook": "https://x"}}, "routes": [{"to": "a", "group_wait": "x"}]}, "length of time"),
        ({"targets": {"a": {"webhook": "https://x"}}, "routes": [{"to": "a", "body": "{{ a.__init__ }}"}]}, "cannot be reached"),
        ({"targets": {"a": {"webhook": "https://x"}}, "routes": [{"too": "a"}]}, "did you mean to"),
    ],
)  # fmt: skip
def test_targets_file_is_refused_with_place_and_no_secret(tmp_path: Path, content: Any, words: str) -> None:
    path = tmp_path / "notify.yml"
    path.write_bytes(orjson.dumps(content))
    with pytest.raises(SettingError, match=words):
        read_notifications(path)
    path.write_text("targets: {a: [hunter2secret\n")
    with pytest.raises(SettingError) as caught:
        read_notifications(path)
    assert "hunter2" not in str(caught.value)
