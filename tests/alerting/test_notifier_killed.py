"""kill -9 of the process that tells, again and again: nothing is lost, and nothing is told under two keys."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from alerting import list_notifications, read_notifications, send_notifications
from contracts.clock import iso
from infrastructure.store import Operation, Store

ROOT = Path(__file__).resolve().parents[2]
INCIDENTS = 24
_RUN = "import sys; from cli.main import main; sys.argv = ['busyhour', *sys.argv[1:]]; main()"


@pytest.fixture
def environment(store: Store, tmp_path: Path, receiver: Any) -> dict[str, str]:
    """A platform whose incidents go to the receiver, one message each; a claim lasts two seconds."""
    path = tmp_path / "notify.yml"
    route = {"to": "erp", "match": ["alertname=incident-open"], "group_by": ["incident"], "group_wait": "1s"}
    path.write_bytes(orjson.dumps({"targets": {"erp": {"webhook": receiver.url}}, "routes": [route]}))
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("BUSYHOUR_")},
        "BUSYHOUR_HOME": store.settings.text("home"),
        "BUSYHOUR_ALERT_NOTIFY_FILE": str(path),
        "BUSYHOUR_ALERT_NOTIFY_LEASE_SEC": "2",
        "PYTHONPATH": str(ROOT),
    }


def start(environment: dict[str, str]) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", _RUN, "alert", "--json"]
    return subprocess.Popen(command, env=environment, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def wait(until: Callable[[], bool], seconds: float = 60) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end and not until():
        time.sleep(0.005)
    return until()


def test_nothing_is_lost_or_told_twice_when_the_notifier_is_killed(
    store: Store, environment: dict[str, str], receiver: Any
) -> None:
    at = iso(store.clock() - timedelta(minutes=3))
    rows = []
    for number in range(INCIDENTS):
        what = {"id": f"I{number}", "status": "open", "title": f"Incident {number}", "reason": "why", "detected": at}
        event = {"start": at, "ingested": at, "severity": 2}
        source = {"@timestamp": at, "event": event, "incident": what}
        rows.append(Operation("index", store.place("incident"), f"I{number}", source))
    store.write_all(rows)
    store.refresh("incident")
    kills = 0
    for seen in (1, 7, 15):
        run = start(environment)
        if wait(lambda seen=seen, run=run: len(receiver.requests) >= seen or run.poll() is not None):
            kills += run.poll() is None
        run.send_signal(signal.SIGKILL)
        run.wait(30)
    assert kills, "no run was killed at work"
    time.sleep(2.1)  # until the last claim ends
    assert start(environment).wait(120) in (0, 1)
    notify = read_notifications(Path(environment["BUSYHOUR_ALERT_NOTIFY_FILE"]))

    def settled() -> bool:
        send_notifications(store, notifications=notify)
        rows = list_notifications(store, limit=1000)
        routed = [row for row in rows if row["notification"]["kind"] == "notify"]
        return len(routed) == INCIDENTS and all(row["notification"]["status"] == "sent" for row in routed)

    assert wait(settled)
    bodies: dict[str, set[bytes]] = defaultdict(set)
    told: dict[str, set[str]] = defaultdict(set)
    for _, headers, body in receiver.requests:
        key = headers["Idempotency-Key"]
        bodies[key].add(body)
        for alert in orjson.loads(body)["alerts"]:
            told[alert["labels"]["incident"]].add(key)
    assert set(told) == {f"I{number}" for number in range(INCIDENTS)}  # nothing is lost
    assert all(len(keys) == 1 for keys in told.values())  # nothing is told under two keys
    assert (
        len(receiver.requests) - len(bodies) <= kills
    )  # at most the message under way is sent once more, with its key
