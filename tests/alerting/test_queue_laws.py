"""Laws of the queue, over any order of time, trouble and killed senders: hypothesis plays the world, on a plain store in memory.

The dispatcher's own code runs; only Elasticsearch is played, as far as it goes: search by status, due and group, guarded and
plain updates, reading back.
"""

from __future__ import annotations

from collections import defaultdict
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from alerting.alert import Outcome, Status
from alerting.delivery import Tally
from alerting.notify.dispatcher import Dispatcher
from alerting.notify.message import Message
from alerting.notify.targets import Notifications, Target
from contracts.clock import iso, parse_iso
from contracts.errors import UserError
from contracts.settings import Settings
from infrastructure.bulk import ItemResult
from infrastructure.versioned import Versioned, copied

START = datetime(2026, 11, 10, tzinfo=UTC)
TRIES = 4


class Killed(BaseException):
    """Stands for kill -9: nothing catches it."""


class Memory:
    """What the dispatcher asks of the store."""

    def __init__(self) -> None:
        self.settings = Settings({}).with_values(alert_notify_tries=TRIES, alert_notify_lease_sec=60)
        self.rows: dict[str, dict[str, Any]] = {}
        self.numbers: dict[str, int] = defaultdict(int)
        self.alerts: dict[str, dict[str, Any]] = {}

    def refresh(self, *_: str) -> None:
        """Everything is seen at once."""

    def search(self, _: str, query: dict[str, Any], **more: Any) -> dict[str, Any]:
        if "aggs" in more:
            return self._last_sent(query["terms"]["notification.group"])
        now = next(one["range"]["notification.due"]["lte"] for one in query["bool"]["filter"] if "range" in one)
        hits = [
            {"_id": key, "_index": "n", "_source": copied(row), "_seq_no": self.numbers[key], "_primary_term": 1}
            for key, row in self.rows.items()
            if row["notification"]["status"] == "pending" and row["notification"]["due"] <= now
        ]
        return {"hits": {"hits": sorted(hits, key=lambda hit: str(hit["_source"]["notification"]["due"]))}}

    def _last_sent(self, groups: list[str]) -> dict[str, Any]:
        buckets = []
        for group in groups:
            sent = [
                row["notification"].get("sent", "")
                for row in self.rows.values()
                if row["notification"]["group"] == group
            ]
            last = max(sent, default="")
            value = {"value": parse_iso(last).timestamp() if last else None, "value_as_string": last}
            buckets.append({"key": group, "last": value})
        return {"aggregations": {"groups": {"buckets": buckets}}}

    def bulk_texts(self, texts: list[bytes]) -> list[ItemResult]:
        results = []
        for text in texts:
            head, body = (orjson.loads(line) for line in text.splitlines())
            key, guard = head["update"]["_id"], head["update"].get("if_seq_no")
            if guard is not None and guard != self.numbers[key]:
                results.append(ItemResult(409))
                continue
            for name, part in body["doc"].items():
                self.rows[key][name] = {**self.rows[key].get(name, {}), **part}
            self.numbers[key] += 1
            results.append(ItemResult(200))
        return results

    def read_back(self, pairs: list[tuple[str, str]], _: Any = ()) -> list[Versioned]:
        return [Versioned(key, place, copied(self.rows[key]), self.numbers[key], 1) for place, key in pairs]

    def get_many(self, _: str, ids: list[str]) -> dict[str, Versioned]:
        return {key: Versioned(key, "a", self.alerts[key], 0, 1) for key in ids}


class Inline:
    """The queue's threads, one after the other and in this thread, so that a kill is a kill."""

    stopped = False

    def __init__(self, work: Any) -> None:
        self._work, self._items = work, []

    def submit(self, _: str, item: Any) -> None:
        self._items.append(item)

    def finish(self, _: float = 0) -> Any:
        items, self._items = self._items, []
        for item in items:
            yield item, self._work(item)


class World:
    """The other side: what it took, and what it does next (sent, trouble, no, or killed before or after it took it)."""

    def __init__(self) -> None:
        self.took: list[tuple[str, int]] = []
        self.next = "sent"
        self.lost = 0

    def send(self, _: Target, message: Message) -> Outcome:
        if self.next == "trouble":
            return Outcome(Status.PENDING, "later")
        if self.next == "no":
            raise UserError("never")
        if self.next == "killed before":
            raise Killed
        self.took.append((message.key, message.total))
        if self.next == "killed after":
            self.lost += 1
            raise Killed
        return Outcome(Status.SENT, "taken")


class Queue(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.now, self.store, self.world = START, Memory(), World()
        self.count = 0

    def dispatcher(self) -> Dispatcher:
        told = Notifications({"noc": Target("noc", "webhook", "http://x")})
        senders: Any = {"webhook": self.world}
        store: Any = self.store
        made = Dispatcher(store, lambda _: None, told, lambda: self.now, webhook=None, senders=senders)  # type: ignore[arg-type]
        made._queues = Inline(made._send)  # type: ignore[assignment]
        return made

    @rule(group=st.sampled_from(["g1", "g2"]), many=st.integers(1, 3))
    def alerts_change(self, group: str, many: int) -> None:
        for _ in range(many):
            self.count += 1
            key, at = f"n{self.count}", iso(self.now)
            words = {
                "fingerprint": "f",
                "name": "w",
                "severity": "major",
                "summary": "s",
                "reason": "r",
                "labels": {},
                "starts_at": at,
            }
            self.store.alerts[key] = {"alert": words}
            self.store.rows[key] = {
                "@timestamp": at,
                "alert": {"id": key, "name": "w", "status": "firing", "severity": "major"},
                "notification": {
                    "kind": "notify", "to": "noc", "action": "a", "group": group, "status": "pending", "attempts": 0,
                    "due": iso(self.now + timedelta(seconds=30)), "interval": {"sec": 300.0},
                },
            }  # fmt: skip

    @rule(
        seconds=st.integers(1, 900),
        does=st.sampled_from(["sent", "sent", "trouble", "no", "killed before", "killed after"]),
    )
    def round(self, seconds: int, does: str) -> None:
        self.now += timedelta(seconds=seconds)
        self.world.next = does
        with suppress(Killed):
            self.dispatcher().flush(Tally())
        self.world.next = "sent"

    @invariant()
    def what_was_sent_was_taken(self) -> None:
        taken = {key for key, _ in self.world.took}
        for row in self.store.rows.values():
            if row["notification"]["status"] == "sent":
                assert row["notification"]["batch"] in taken

    @invariant()
    def nothing_is_under_two_messages(self) -> None:
        sizes: dict[str, set[int]] = defaultdict(set)
        for key, size in self.world.took:
            sizes[key].add(size)
        assert all(len(found) == 1 for found in sizes.values())  # a message is the same at every try
        assert sum(size for found in sizes.values() for size in found) <= self.count

    @invariant()
    def only_a_kill_lets_a_message_be_sent_again(self) -> None:
        assert len(self.world.took) - len({key for key, _ in self.world.took}) <= self.world.lost

    def teardown(self) -> None:
        """In the end, when all is well again, nothing is left: each is sent, or a dead letter that was refused or tried."""
        for _ in range(40):
            self.now += timedelta(hours=2)
            self.dispatcher().flush(Tally())
        for row in self.store.rows.values():
            assert row["notification"]["status"] in ("sent", "failed")
            assert row["notification"]["attempts"] >= 1


TestQueue = Queue.TestCase
TestQueue.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
