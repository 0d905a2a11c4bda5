"""The book of alerts: index `alert`, read once a run and on first sight, written only by guarded changes.

One document is one alert's whole life and the only truth about it. A change of state is a single write that also names
the actions to run (`run` in its history) and sets `alert.unsettled`; whatever is killed after that write finds the work
again by that mark. `alert.history` is a list of JSON texts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import orjson

from alerting.alert import NO_DATA, OPEN, RESOLVED, Candidate, Span
from alerting.fingerprint import alert_id
from alerting.muting import INHIBITED, MUTES, SILENCED, Mute, facts_of, turns
from alerting.template import as_json
from alerting.throttle import Told
from contracts.clock import Clock, iso, parse_iso
from contracts.errors import ConflictError, StoreRefused
from contracts.sentences import sentence
from infrastructure import guarded
from infrastructure.store import Operation, Store, Versioned

STALE = timedelta(minutes=5)  # `alert.last_fired` of an alert that goes on is written this often, not every run
_ASKED = 1000  # fingerprints a query; Elasticsearch takes 65,536
BY = "busyhour"
NOTIFIED, HEARD = "notified", "heard again"
_OF_A_SPAN = ("fingerprint", "name", "starts_at", "ends_at", "history", "severity", "labels", "about")
_MOST_HITS = 10_000  # of one search; more are scanned


def history(source: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What happened to an alert, oldest first: `at`, `event`, `by`, `why`, and for changes of state `run` and `left`."""
    return [orjson.loads(entry) for entry in as_list(source["alert"].get("history"))]


def state_changes(source: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Entries of the history that made it fire or resolve."""
    return [entry for entry in history(source) if entry["event"] in (*OPEN, RESOLVED)]


def untold_changes(source: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Those of them whose notifications are not all finished."""
    told = max((entry["changes"] for entry in history(source) if entry["event"] == NOTIFIED), default=0)
    return state_changes(source)[told:]


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


class AlertBook:
    """Alerts of some watches during one run. `clock` gives the time of writing, never the time of alerts."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock
        self._spans: dict[str, dict[str, list[Span]]] = {}  # watch → fingerprint → spans, oldest first
        self._told: dict[tuple[str, str], datetime] = {}  # (fingerprint, action) → when its firing was told of
        self._held: dict[str, tuple[datetime, Candidate]] = {}  # alert id → when it last held

    def open(self, watches: Iterable[str]) -> list[str]:
        """Reads what fires, or has no data. Returns the ids of alerts with notifications that are not finished, oldest first."""
        self._store.refresh("alert")
        self._spans = {name: {} for name in watches}
        firing = [{"terms": {"alert.status": list(OPEN)}}, {"terms": {"alert.name": list(self._spans)}}]
        marks = [
            hit["_source"]["alert"]["fingerprint"]
            for hit in self._store.scan("alert", {"bool": {"filter": firing}}, ["alert.fingerprint"])
        ]
        self._read(marks)
        undone = [{"term": {"alert.unsettled": True}}, {"terms": {"alert.name": list(self._spans)}}]
        left = self._store.scan("alert", {"bool": {"filter": undone}}, [], ["alert.starts_at"])
        return [hit["_id"] for hit in left]

    def known(self, watch: str, marks: Iterable[str]) -> Mapping[str, Sequence[Span]]:
        """Spans of a watch's alerts: all that fire, and all that ever were of the fingerprints `marks`."""
        spans = self._spans[watch]
        missing = [mark for mark in marks if mark not in spans]
        spans.update({mark: [] for mark in missing})
        self._read(missing)
        return spans

    def _read(self, marks: Sequence[str]) -> None:
        fields = [f"alert.{name}" for name in _OF_A_SPAN]
        for start in range(0, len(marks), _ASKED):
            query = {"terms": {"alert.fingerprint": list(marks[start : start + _ASKED])}}
            hits = self._store.search("alert", query=query, size=_MOST_HITS, _source=fields)["hits"]["hits"]
            for hit in hits if len(hits) < _MOST_HITS else self._store.scan("alert", query, fields):
                self._remember(hit["_id"], hit["_source"])

    def _remember(self, key: str, source: Mapping[str, Any]) -> Span:
        alert = source["alert"]
        spans = self._spans.setdefault(alert["name"], {}).setdefault(alert["fingerprint"], [])
        span = _span(key, source)
        spans[:] = sorted((*(old for old in spans if old.id != key), span), key=lambda one: one.starts_at)
        for action, at in self._told_of(source).items():
            told = self._told.get((alert["fingerprint"], action))
            self._told[alert["fingerprint"], action] = max(told, at) if told else at
        return span

    def last_told(self, mark: str, actions: Iterable[str]) -> dict[str, datetime]:
        return {name: self._told[mark, name] for name in actions if (mark, name) in self._told}

    def fire(
        self, watch: str, at: datetime, new: Sequence[tuple[Candidate, str, Told, Mute | None]]
    ) -> list[tuple[Span, bool]]:
        """Writes new alerts: each with why and whom it tells, or why nobody.

        (Span, False) where another runner was first, whose it then is.
        """
        operations, spans = [], []
        for candidate, why, told, mute in new:
            key = alert_id(candidate.fingerprint, at)
            again = bool(self._spans[watch].get(candidate.fingerprint))
            muted = {"muted": mute.how} if mute else {}
            entry = {**_entry(at, candidate.status, why, told), "again": again, **muted}
            source = self._new(watch, candidate, at, entry)
            operations.append(Operation("create", self._store.place("alert"), key, source))
            spans.append(self._remember(key, source))
        results = self._store.bulk(operations) if operations else []
        for operation, result in zip(operations, results, strict=True):
            if result.refused:
                raise StoreRefused(f"alert refused: {result.error}", where=f"alert/{operation.id}")
        return [(span, result.created) for span, result in zip(spans, results, strict=True)]

    def _new(self, watch: str, candidate: Candidate, at: datetime, entry: dict[str, Any]) -> dict[str, Any]:
        document: dict[str, Any] = {
            "@timestamp": iso(at),
            "event": {"ingested": iso(self._clock())},
            "alert": {
                "fingerprint": candidate.fingerprint,
                "name": watch,
                "status": candidate.status,
                "severity": candidate.severity,
                "starts_at": iso(at),
                "last_fired": iso(at),
                "labels": dict(candidate.labels),
                "summary": candidate.summary,
                "reason": candidate.reason,
                "acknowledged": False,
                "about": {name: list(values) for name, values in candidate.about.items()},
                **_flags(entry.get("muted", "")),
                "unsettled": bool(entry["run"]),
                "payload": as_json(candidate.payload),
                "history": [as_json(entry)],
            },
        }
        return {**document, "incident": {"id": candidate.incident}} if candidate.incident else document

    def fired_actions(self, source: Mapping[str, Any]) -> list[str]:
        """Actions that told of an alert's firing."""
        return list(self._told_of(source))

    def read(self, keys: Iterable[str]) -> dict[str, Versioned]:
        """Alerts as they are now, those that exist, in the order asked for."""
        wanted = list(keys)
        found = self._store.get_many("alert", wanted) if wanted else {}
        return {key: found[key] for key in wanted if key in found}

    def resolve(self, read: Versioned, at: datetime, why: str, told: Told) -> bool:
        """Ends an alert; False when somebody had ended it already."""
        held = self._held.pop(read.id, None)
        entry = _entry(at, RESOLVED, why, told)
        current: Versioned | None = read
        while current is not None and current.source["alert"]["status"] != RESOLVED:
            try:
                ended = self._store.replace(current, self._ended(current.source, entry, held, at))
            except ConflictError:
                current = self._store.get("alert", read.id)
            else:
                self._remember(read.id, ended.source)
                return True
        if current is not None:
            self._remember(read.id, current.source)
        return False

    def resolve_all(
        self, reads: Mapping[str, Versioned], at: datetime, reasons: Mapping[str, str], told: Mapping[str, Told]
    ) -> list[str]:
        """Ends many alerts in few requests; the ids of those that were not ended before. What somebody changed is done alone."""
        ready = {key: read for key, read in reads.items() if read.source["alert"]["status"] != RESOLVED}
        entries = {key: _entry(at, RESOLVED, reasons[key], told[key]) for key in ready}
        sources = [self._ended(read.source, entries[key], self._held.get(key), at) for key, read in ready.items()]
        done = self._replace_all(list(zip(ready.values(), sources, strict=True)))
        ended = []
        for (key, read), source, written in zip(ready.items(), sources, done, strict=True):
            if written:
                self._held.pop(key, None)
                self._remember(key, source)
            if written or self.resolve(read, at, reasons[key], told[key]):
                ended.append(key)
        return ended

    def _ended(
        self, source: dict[str, Any], entry: dict[str, Any], held: tuple[datetime, Candidate] | None, at: datetime
    ) -> dict[str, Any]:
        last = max(iso(held[0]), source["alert"]["last_fired"]) if held else source["alert"]["last_fired"]
        due = source["alert"]["unsettled"] or bool(entry["run"])
        return self._changed(source, entry, status=RESOLVED, ends_at=iso(at), last_fired=last, unsettled=due)

    def _replace_all(self, pairs: Sequence[tuple[Versioned, dict[str, Any]]]) -> list[bool]:
        """Writes each source in place of what was read; False where somebody changed it since."""
        results = self._store.bulk_texts([guarded.replace(old, source) for old, source in pairs]) if pairs else []
        for (old, _), result in zip(pairs, results, strict=True):
            if result.refused:
                raise StoreRefused(f"alert refused: {result.error}", where=f"alert/{old.id}")
        return [result.created for result in results]

    def turn(self, read: Versioned, at: datetime, mute: Mute | None, told: Told) -> bool:
        """An alert that goes on is told to nobody from now on, or heard again; then `told` says whom it tells that it fires."""

        def change(source: dict[str, Any]) -> dict[str, Any] | None:
            span = _span(read.id, source)
            if source["alert"]["status"] == RESOLVED or not turns(span, mute, at):
                return None
            if mute is not None:
                entry = {"at": iso(at), "event": mute.how, "by": BY, "why": mute.why}
            elif span.owed:
                first = state_changes(source)[0]
                status = source["alert"]["status"]
                entry = {**_entry(at, status, "no longer muted", told), "again": first.get("again", False)}
            else:
                entry = {"at": iso(at), "event": HEARD, "by": BY, "why": sentence("no longer muted")}
            due = source["alert"]["unsettled"] or bool(entry.get("run"))
            return self._changed(source, entry, **_flags(mute.how if mute else ""), unsettled=due)

        before = len(history(read.source))
        source = self._store.modify("alert", read.id, change)
        self._remember(read.id, source)
        return len(history(source)) > before and mute is None

    def repeat(self, read: Versioned, at: datetime, why: str, told: Told) -> bool:
        """Tells once more of an alert that goes on, unless it is over, muted or acknowledged."""

        def change(source: dict[str, Any]) -> dict[str, Any] | None:
            alert = source["alert"]
            if alert["status"] == RESOLVED or alert["acknowledged"] or _span(read.id, source).muted:
                return None
            last = [moment for name, moment in self._told_of(source).items() if name in told.run]
            if max(last, default=at) >= at:
                return None  # another runner was faster
            entry = {**_entry(at, alert["status"], why, told), "again": True}
            return self._changed(source, entry, unsettled=True)

        before = len(history(read.source))
        source = self._store.modify("alert", read.id, change)
        self._remember(read.id, source)
        return len(history(source)) > before

    @staticmethod
    def _told_of(source: Mapping[str, Any]) -> dict[str, datetime]:
        """When each action last told that an alert fires."""
        fired = [entry for entry in history(source) if entry["event"] in OPEN]
        return {action: parse_iso(entry["at"]) for entry in fired for action in entry.get("run", ())}

    def firing_at(self, at: datetime) -> Iterator[Span]:
        """Alerts of these watches that fire at a moment."""
        marks = (spans for watch in self._spans.values() for spans in watch.values())
        return (span for spans in marks for span in spans if span.active(at))

    def fires(self, watch: str) -> bool:
        """Whether any alert of this watch fires now."""
        return any(span.ends_at is None for spans in self._spans[watch].values() for span in spans)

    def life(self, watch: str, mark: str) -> Sequence[Span]:
        """Spans of a fingerprint, oldest first."""
        return self._spans[watch].get(mark, ())

    def hold(self, span: Span, candidate: Candidate, at: datetime) -> None:
        """It goes on. Kept in memory and written by `close`: a write an alert a tick would be the whole work of a run."""
        if span.ends_at is None:
            self._held[span.id] = at, candidate

    def close(self) -> None:
        """Writes of alerts that go on when they last did, and what changed about them."""
        reads = self.read(self._held)
        changed = {
            key: self._revised(read.source, self._held[key][1], self._held[key][0]) for key, read in reads.items()
        }
        pairs = [(reads[key], source) for key, source in changed.items() if source is not None]
        for (read, _), written in zip(pairs, self._replace_all(pairs), strict=True):
            if not written:
                at, now = self._held[read.id]
                self._store.modify("alert", read.id, lambda source, at=at, now=now: self._revised(source, now, at))  # type: ignore[misc]
        self._held.clear()

    def _revised(self, source: dict[str, Any], now: Candidate, at: datetime) -> dict[str, Any] | None:
        alert = source["alert"]
        last = parse_iso(alert["last_fired"])
        if alert["status"] == RESOLVED or at <= last:
            return None
        same = (alert["severity"], alert["summary"], alert["reason"]) == (now.severity, now.summary, now.reason)
        if same and at - last < STALE:
            return None
        words = {"severity": now.severity, "summary": now.summary, "reason": now.reason}
        entry = None
        if alert["severity"] != now.severity:
            entry = {
                "at": iso(at),
                "event": "revised",
                "by": BY,
                "why": sentence("%(old)s is now %(severity)s", old=alert["severity"], severity=now.severity),
            }
        return self._changed(source, entry, **words, last_fired=iso(at), payload=as_json(now.payload))

    def settled(self, finished: Sequence[tuple[Versioned, datetime | None, Sequence[str]]]) -> None:
        """The notifications of alerts as they were read are finished: each with when, and the tickets it opened or spoke to."""
        changes = {read.id: self._settling(read, at, tickets) for read, at, tickets in finished}
        pairs = [(read, source) for read, _, _ in finished if (source := changes[read.id](read.source)) is not None]
        for (read, _), written in zip(pairs, self._replace_all(pairs), strict=True):
            if not written:
                self._store.modify("alert", read.id, changes[read.id])

    def _settling(
        self, read: Versioned, at: datetime | None, tickets: Sequence[str]
    ) -> Callable[[dict[str, Any]], dict[str, Any] | None]:
        changes = len(state_changes(read.source))

        def change(source: dict[str, Any]) -> dict[str, Any] | None:
            if len(state_changes(source)) > changes:
                return None  # it changed once more meanwhile: whoever changed it goes on
            when = iso(at or self._clock())
            entry = {"at": when, "event": NOTIFIED, "by": BY, "changes": changes}
            changed = self._changed(source, entry, unsettled=False, last_notified=when)
            return {**changed, "ticket": {"id": tickets[-1]}} if tickets else changed

        return change

    def _changed(self, source: dict[str, Any], entry: dict[str, Any] | None, **values: Any) -> dict[str, Any]:
        alert = {**source["alert"], **values}
        if entry is not None:
            alert["history"] = [*as_list(alert.get("history")), as_json(entry)]
        return {**source, "event": {"ingested": iso(self._clock())}, "alert": alert}

    def firing(self) -> tuple[int, int]:
        """Alerts of these watches that fire, and those for want of data."""
        spans = [span for marks in self._spans.values() for spans in marks.values() for span in spans]
        blind = sum(span.ends_at is None and span.facts.get("state") == (NO_DATA,) for span in spans)
        return sum(span.ends_at is None for span in spans) - blind, blind


def _flags(how: str) -> dict[str, Any]:
    return {"silenced": how == SILENCED, "inhibited": how == INHIBITED, "muted": how or None}


def _span(key: str, source: Mapping[str, Any]) -> Span:
    """An alert's life as its document has it."""
    alert = source["alert"]
    muted = owed = False
    turned = None
    for entry in history(source):
        if entry["event"] in OPEN:
            muted = owed = bool(entry.get("muted"))
        elif entry["event"] in (*MUTES, HEARD):
            muted = entry["event"] != HEARD
        else:
            continue
        turned = parse_iso(entry["at"])
    about = {name: as_list(values) for name, values in alert.get("about", {}).items()}
    return Span(
        key,
        alert["fingerprint"],
        parse_iso(alert["starts_at"]),
        parse_iso(alert["ends_at"]) if "ends_at" in alert else None,
        facts_of(alert["name"], alert["severity"], alert["labels"], about),
        muted,
        owed,
        turned,
    )


def _entry(at: datetime, event: str, why: str, told: Told) -> dict[str, Any]:
    return {"at": iso(at), "event": event, "by": BY, "why": why, "run": told.run, "left": told.left}
