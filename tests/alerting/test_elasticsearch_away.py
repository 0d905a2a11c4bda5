"""Elasticsearch goes away in a run, at each of its writes: the next run goes on, nothing lost and nothing doubled."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import orjson
import pytest

from alerting import Notifications, list_alerts, list_notifications, run_watches
from alerting.notify.targets import Target, route_actions
from contracts.errors import StoreUnavailable
from infrastructure.store import Store

Make = Callable[..., Any]
BOTH = {
    "note": {"logging": {"text": "{{ctx.payload.incident.title}}"}},
    "ticket": {"ticket": {"title": "{{ctx.payload.incident.title}}", "body": "x"}},
}


@pytest.mark.parametrize("cut", range(1, 9))
def test_run_that_was_cut_off_is_finished_by_the_next(
    store: Store,
    incident: Make,
    watch: Make,
    opener: Any,
    receiver: Any,
    start: datetime,
    monkeypatch: pytest.MonkeyPatch,
    cut: int,
) -> None:
    for number in range(3):
        incident(f"I{number}", after=10, end=None)
    targets = {"erp": Target("erp", "webhook", receiver.url)}
    route = {"to": "erp", "group_by": ["incident"], "group_wait": "1s"}
    told = Notifications(targets, tuple(route_actions(1, route, targets, "test")))
    at = start + timedelta(minutes=10)

    def run(now: datetime) -> Any:
        return run_watches(
            store, since=at, until=at, watches=[watch(BOTH)], clock=lambda: now, opener=opener, notifications=told
        )

    writes, ask = Counter[str](), type(store.exchange).ask

    def sometimes(self: Any, method: str, path: str, *more: Any, **named: Any) -> Any:
        if path.endswith("/_bulk"):
            writes["seen"] += 1
            if writes["seen"] >= cut:
                raise StoreUnavailable("away for the test")
        return ask(self, method, path, *more, **named)

    with monkeypatch.context() as patch:
        patch.setattr(type(store.exchange), "ask", sometimes)
        with suppress(StoreUnavailable):
            run(at + timedelta(seconds=5))
    assert writes["seen"] >= cut  # it was cut off indeed
    store.refresh()
    for minutes in (5, 10, 60):  # claims end, pauses are over
        run(at + timedelta(minutes=minutes))
    rows = list_notifications(store, limit=100)
    assert Counter((row["notification"]["kind"], row["notification"]["status"]) for row in rows) == {
        ("logging", "sent"): 3,
        ("ticket", "sent"): 3,
        ("notify", "sent"): 3,
    }
    assert len(opener.opened) == 3
    keys: dict[str, set[str]] = {}
    for _, headers, body in receiver.requests:
        for alert in orjson.loads(body)["alerts"]:
            keys.setdefault(alert["labels"]["incident"], set()).add(headers["Idempotency-Key"])
    assert sorted(keys) == ["I0", "I1", "I2"]
    assert all(len(found) == 1 for found in keys.values())
    assert not any(row["alert"]["unsettled"] for row in list_alerts(store))
