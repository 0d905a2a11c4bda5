"""Sends what the queue holds: index `notification`, what is pending and due. Whoever sends it first claims it.

A message and its members are fixed when it is claimed (`notification.batch`), for as long as its claim lasts nobody else
sends it (`notification.due` lies ahead), and every try carries the same key. Killed before it was sent, it is sent when the
claim ends; killed between the other side's yes and our note of it, it is sent once more, with the same key. What cannot be
delivered is tried again after growing pauses, `alert.notify.tries` times; then it is a dead letter (`failed`) that somebody
may ask for again.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson

from alerting.actions import Performer
from alerting.actions.webhook import WebhookAction, longest_sec
from alerting.alert import Outcome, Status
from alerting.book import state_changes
from alerting.delivery import Tally, count
from alerting.notices import group_labels, notice_of, words_of
from alerting.notify.message import MOST_LISTED, Message, Told, compose
from alerting.notify.senders import AppriseSender, Sender, WebhookSender
from alerting.notify.targets import Notifications
from alerting.queues import NO_END, NO_TIME, Queues
from alerting.severity import WORDS
from alerting.watch import Watch
from contracts.clock import Clock, iso, parse_iso
from contracts.errors import BusyhourError, StoreUnavailable
from contracts.ids import joined
from infrastructure import guarded
from infrastructure.store import Store, Versioned
from infrastructure.versioned import versioned

MOST_DUE = 10_000  # of one look, and of one group; more follow in the next
MOST_GROUPS = 20  # looked at whole in one look, where there is more than that
_LONGEST_PAUSE = timedelta(hours=1)
_READ = ("@timestamp", "alert", "notification")
_GONE = "the watch or its action is no longer there"


@dataclass(slots=True)
class _Batch:
    """What is told in one message. `rows`: its notifications; `message` None: a webhook of the watch's own making."""

    id: str
    rows: list[Versioned]
    message: Message | None = None
    webhook: Any = None
    problem: str = ""

    @property
    def first(self) -> Mapping[str, Any]:
        return self.rows[0].source


class Dispatcher:
    """`webhook` performs webhooks of watches' own making; the rest goes to `notifications`' targets. `find`: a watch by name."""

    def __init__(
        self,
        store: Store,
        find: Callable[[str], Watch | None],
        notifications: Notifications,
        clock: Clock,
        *,
        webhook: Performer,
        senders: Mapping[str, Sender] | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store, self._clock, self._monotonic = store, clock, monotonic
        self._find = find
        self._targets, self._webhook = notifications.targets, webhook
        number = store.settings.number
        timeout = number("alert.webhook.timeout.sec")
        self._senders = senders or {
            "apprise": AppriseSender(),
            "webhook": WebhookSender(WebhookAction(timeout_sec=timeout)),
        }
        self._lease = timedelta(seconds=number("alert.notify.lease.sec"))
        self._pause = timedelta(seconds=number("alert.notify.pause.sec"))
        self._tries, self._round = number("alert.notify.tries"), number("alert.notify.round.sec")
        self._link = store.settings.text("alert.console.url").rstrip("/")
        self._queues: Queues[_Batch] = Queues(self._send, idle_sec=longest_sec(timeout))

    def flush(self, tally: Tally) -> None:
        """Sends what is due, for `alert.notify.round.sec` at most; what is left then is found again by the next round."""
        end = self._monotonic() + self._round
        while self._monotonic() < end and not self._queues.stopped:
            batches = self._claimed(self._batches(self._due()))
            if not batches:
                return
            self._compose(batches)
            for batch in batches:
                self._queues.submit(self._destination(batch), batch)
            untried = []
            for batch, outcome in self._queues.finish(max(1.0, end - self._monotonic())):
                if not outcome.attempts or outcome.detail == NO_END:
                    untried.append((batch, outcome))
                self._count(batch, outcome, tally)
            self._record(untried)

    def _due(self) -> list[Versioned]:
        """What is pending and due, the oldest first. Of a group all of it, so that a storm is one message and not several."""
        self._store.refresh("notification")
        rows = self._pending()
        if len(rows) < MOST_DUE:
            return rows
        found = {row.id: row for row in rows}
        groups = {row.source["notification"]["group"] for row in rows if row.source["notification"].get("interval")}
        for group in sorted(groups)[:MOST_GROUPS]:
            found |= {row.id: row for row in self._pending({"term": {"notification.group": group}})}
        return list(found.values())

    def _pending(self, *filters: Mapping[str, Any]) -> list[Versioned]:
        due = [
            {"term": {"notification.status": Status.PENDING.value}},
            {"range": {"notification.due": {"lte": iso(self._clock())}}},
            *filters,
        ]
        answer = self._store.search(
            "notification",
            query={"bool": {"filter": due}},
            sort=[{"notification.due": "asc"}],
            size=MOST_DUE,
            seq_no_primary_term=True,
            track_total_hits=False,
            _source=list(_READ),
        )
        return [versioned(hit) for hit in answer["hits"]["hits"]]

    def _batches(self, rows: Sequence[Versioned]) -> list[_Batch]:
        """Messages that were claimed before as they were, and one of the new ones of each group whose interval is over."""
        old: dict[str, list[Versioned]] = {}
        new: dict[str, list[Versioned]] = {}
        for row in rows:
            told = row.source["notification"]
            place = old.setdefault(told["batch"], []) if told.get("batch") else new.setdefault(told["group"], [])
            place.append(row)
        for group, until in self._too_soon(new).items():
            self._put_off(new.pop(group), until)
        fresh = [_Batch(joined(("batch", group, *sorted(row.id for row in some))), some) for group, some in new.items()]
        return [*(_Batch(key, some) for key, some in old.items()), *fresh]

    def _too_soon(self, groups: Mapping[str, list[Versioned]]) -> dict[str, datetime]:
        """Groups that were told of less than their interval ago, and until when they wait."""
        intervals = {
            group: timedelta(seconds=rows[0].source["notification"].get("interval", {}).get("sec", 0))
            for group, rows in groups.items()
        }
        waiting = [group for group, interval in intervals.items() if interval]
        found: dict[str, datetime] = {}
        now = self._clock()
        for start in range(0, len(waiting), 1000):
            some = waiting[start : start + 1000]
            last = {"last": {"max": {"field": "notification.sent"}}}
            by = {"terms": {"field": "notification.group", "size": len(some)}, "aggs": last}
            answer = self._store.search(
                "notification", query={"terms": {"notification.group": some}}, size=0, aggs={"groups": by}
            )
            for bucket in answer.get("aggregations", {}).get("groups", {}).get("buckets", ()):
                if bucket["last"]["value"] is not None:
                    until = parse_iso(bucket["last"]["value_as_string"]) + intervals[bucket["key"]]
                    found |= {bucket["key"]: until} if until > now else {}
        return found

    def _put_off(self, rows: Sequence[Versioned], until: datetime) -> None:
        self._store.bulk_texts([guarded.merge(row, {"notification": {"due": iso(until)}}) for row in rows])

    def _claimed(self, batches: Sequence[_Batch]) -> list[_Batch]:
        """Those that nobody else claimed meanwhile, with the rows that are ours now."""
        until, now = iso(self._clock() + self._lease), iso(self._clock())
        texts = [
            guarded.merge(
                row,
                {
                    "event": {"ingested": now},
                    "notification": {
                        "batch": batch.id,
                        "due": until,
                        "attempts": row.source["notification"]["attempts"] + 1,
                    },
                },
            )
            for batch in batches
            for row in batch.rows
        ]
        results = iter(self._store.bulk_texts(texts) if texts else ())
        for batch in batches:
            batch.rows = [row for row in batch.rows if next(results).created]
        return [batch for batch in batches if batch.rows]

    # What is said

    def _compose(self, batches: Sequence[_Batch]) -> None:
        told = {batch.id: _latest(batch.rows) for batch in batches}
        wanted = {row.source["alert"]["id"] for rows in told.values() for row in rows[:MOST_LISTED]}
        alerts = self._store.get_many("alert", sorted(wanted))
        for batch in batches:
            try:
                self._compose_one(batch, told[batch.id], alerts)
            except (BusyhourError, ValueError, KeyError) as error:
                batch.problem = f"{type(error).__name__}: {error}"

    def _compose_one(self, batch: _Batch, latest: Sequence[Versioned], alerts: Mapping[str, Versioned]) -> None:
        first = batch.first
        watch = self._find(first["alert"]["name"])
        action = watch.action(first["notification"]["action"]) if watch else None
        if first["notification"]["kind"] == "webhook":
            alert = alerts.get(first["alert"]["id"])
            if watch is None or action is None or alert is None:
                batch.problem = _GONE
                return
            entry = next(
                one
                for one in state_changes(alert.source)
                if one["event"] == first["alert"]["status"] and parse_iso(one["at"]) == parse_iso(first["@timestamp"])
            )
            batch.webhook = notice_of(alert.id, alert.source, watch, entry, action)
            return
        to = first["notification"]["to"]
        if to not in self._targets:
            batch.problem = f"there is no target {to!r} any more"
            return
        found = [row for row in latest[:MOST_LISTED] if row.source["alert"]["id"] in alerts]
        head = alerts[found[0].source["alert"]["id"]].source if found else None
        batch.message = compose(
            batch.id,
            first["notification"]["group"],
            [self._told(row, alerts[row.source["alert"]["id"]]) for row in found],
            counts=Counter(row.source["alert"]["status"] for row in latest),
            labels=group_labels(action.grouping, head) if action and action.grouping and head else {},
            texts={word: str(action.config[word]) for word in ("title", "body") if action and word in action.config},
            receiver=to,
            link=f"{self._link}/alerts" if self._link else "",
        )

    def _told(self, row: Versioned, alert: Versioned) -> Told:
        source = row.source
        status = source["alert"]["status"]
        words = words_of(alert.id, alert.source, status, source["@timestamp"])
        if self._link:
            words["link"] = f"{self._link}/alerts/{alert.id}"
        return Told(alert.id, status, source["alert"].get("severity", words["severity"]), words)

    # Sending

    def _destination(self, batch: _Batch) -> str:
        if batch.webhook is None:
            return f"target {batch.first['notification']['to']}"
        try:
            return self._webhook.destination(batch.webhook)
        except ValueError:
            return "an address that is none"  # performing it says what is wrong with it

    def _send(self, batch: _Batch) -> Outcome:
        """Sends and notes it before the next one is sent: a kill leaves one message a target that was sent and is not noted."""
        outcome = self._sent(batch)
        try:
            self._record([(batch, outcome)])
        except StoreUnavailable:
            return outcome._replace(detail=NO_END)  # when its claim ends it is sent again, with the same key
        return outcome

    def _sent(self, batch: _Batch) -> Outcome:
        if batch.problem:
            return Outcome(Status.FAILED, batch.problem)
        try:
            if batch.message is None:
                return self._webhook.perform(batch.webhook)
            target = self._targets[batch.first["notification"]["to"]]
            return self._senders[target.kind].send(target, batch.message)
        except StoreUnavailable as error:
            return Outcome(Status.PENDING, error.sentence())
        except (BusyhourError, ValueError) as error:
            return Outcome(Status.FAILED, str(error))
        except Exception as error:  # noqa: BLE001 - of a library that carries messages: it must not end its thread
            return Outcome(Status.PENDING, f"{type(error).__name__} in the notifier")

    def _record(self, done: Sequence[tuple[_Batch, Outcome]]) -> None:
        """What was sent is marked whoever looked at it since; anything else only where nobody has sent it meanwhile."""
        texts = []
        for batch, outcome in done:
            if outcome.status is Status.SENT:
                texts += [_marked(row, self._changes(row, batch, outcome)) for row in batch.rows]
                continue
            now = self._store.read_back([(row.index, row.id) for row in batch.rows], ["notification.status"])
            for row, current in zip(batch.rows, now, strict=True):
                if current is not None and current.source["notification"]["status"] == Status.PENDING.value:
                    texts.append(guarded.merge(current, self._changes(row, batch, outcome)))
        if texts:
            self._store.bulk_texts(texts)

    def _count(self, batch: _Batch, outcome: Outcome, tally: Tally) -> None:
        told, name = batch.first["notification"], batch.first["alert"]
        what = f"{name['name']}, action {told['action']}, {name['status']}: {outcome.detail}"
        count(tally, self._status(batch.rows[0], outcome), what, len(batch.rows))

    def _status(self, row: Versioned, outcome: Outcome) -> Status:
        tried = row.source["notification"]["attempts"] + 1
        given_up = outcome.status is Status.PENDING and outcome.attempts and tried >= self._tries
        return Status.FAILED if given_up else outcome.status

    def _changes(self, row: Versioned, batch: _Batch, outcome: Outcome) -> dict[str, Any]:
        now, before = self._clock(), row.source["notification"]["attempts"]
        status = self._status(row, outcome)
        first = row is batch.rows[0]
        told: dict[str, Any] = {"status": status.value, "detail": outcome.detail}
        if first:
            told["body"] = outcome.said
        elif status is Status.SENT:
            told["detail"] = "told in one message with others"
        if status is Status.SENT:
            told["sent"] = iso(now)
        elif status is Status.PENDING:
            told |= self._later(outcome, before, now)
        return {"event": {"ingested": iso(now)}, "notification": told}

    def _later(self, outcome: Outcome, before: int, now: datetime) -> dict[str, Any]:
        """When it is tried again: after its claim what may still be under way, else after a pause that grows with its tries."""
        if outcome.detail == NO_TIME:
            return {"due": iso(now), "attempts": before}
        if not outcome.attempts:  # it was not even tried
            return {"due": iso(now + self._pause), "attempts": before}
        if outcome.detail == NO_END:
            return {"due": iso(now + self._lease)}
        return {"due": iso(now + min(self._pause * 2 ** min(before, 20), _LONGEST_PAUSE))}


def _marked(row: Versioned, part: Mapping[str, Any]) -> bytes:
    """Lays `part` over a document as it is now."""
    head = orjson.dumps({"update": {"_index": row.index, "_id": row.id}})
    return b"%b\n%b\n" % (head, orjson.dumps({"doc": part}))


def _latest(rows: Sequence[Versioned]) -> list[Versioned]:
    """The last change of each alert, the gravest and then the oldest first: who was not told that it fired hears the end only."""
    last: dict[str, Versioned] = {}
    for row in sorted(rows, key=lambda one: str(one.source["@timestamp"])):
        last[row.source["alert"]["id"]] = row

    def order(row: Versioned) -> tuple[bool, int, str]:
        alert = row.source["alert"]
        return alert["status"] == "resolved", WORDS.index(alert.get("severity", "warning")), row.source["@timestamp"]

    return sorted(last.values(), key=order)
