"""How every watch stands: index `watch`, one document each; changes and runs are kept in `watch-run`.

A watch is `ok`, `firing`, has `no_data`, or is in `error`: it could not be evaluated, and its alerts stay as they are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from alerting.alert import NO_DATA
from contracts.clock import Clock, iso, parse_iso, utc_now
from contracts.errors import UserError
from contracts.ids import joined
from infrastructure import guarded
from infrastructure.store import Operation, Store

OK, STATE_FIRING, ERROR = "ok", "firing", "error"
STALE = timedelta(minutes=5)  # a watch that stays as it is is written this often
_LONGEST = 1000


class Stand(NamedTuple):
    """What the last evaluation of a watch came to. `lateness_sec` None: it was not due now, but asked for of the past."""

    state: str
    reason: str
    tick: datetime
    took_ms: float
    lateness_sec: float | None = None


@dataclass(slots=True)
class Lateness:
    """Seconds from ticks to their evaluations in one run."""

    seconds: list[float] = field(default_factory=list)

    @property
    def p95(self) -> float:
        ordered = sorted(self.seconds)
        return ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))] if ordered else 0.0

    @property
    def most(self) -> float:
        return max(self.seconds, default=0.0)


class Standing:
    """Read once a run. `note` is kept in memory, `write` stores what is new."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock
        self._known = {row["_id"]: row["_source"] for row in store.scan("watch")}
        self._new: dict[str, Stand] = {}

    def active(self, watch: str) -> bool:
        return bool(self._known.get(watch, {}).get("watch", {}).get("active", True))

    def note(self, watch: str, stand: Stand) -> None:
        self._new[watch] = stand

    def write(self) -> None:
        """What changed, or was not written for long; a look at the past does not overwrite a later one."""
        now = iso(self._clock())
        new = {name: stand for name, stand in self._new.items() if self._is_news(name, stand)}
        self._new.clear()
        reads = self._store.get_many("watch", new)
        states, changes = [], []
        for name, stand in new.items():
            read = reads.get(name)
            old = read.source["watch"] if read else {}
            changed = old.get("state") != stand.state
            source = self._source(name, old, stand, now, changed)
            place = self._store.place("watch")
            states.append(guarded.replace(read, source) if read else guarded.create(place, name, source))
            self._known[name] = source
            if changed:
                changes.append(self._change(name, stand, now))
        self._store.write_all(changes)
        if states:
            self._store.bulk_texts(states)  # who was switched on or off meanwhile is written by the next run

    def _is_news(self, name: str, stand: Stand) -> bool:
        old = self._known.get(name, {}).get("watch", {})
        return bool(old.get("checked", "") <= iso(stand.tick)) and not self._same(old, stand)

    @staticmethod
    def _same(old: Mapping[str, Any], stand: Stand) -> bool:
        if old.get("state") != stand.state or old.get("reason") != stand.reason[:_LONGEST]:
            return False
        return stand.tick - parse_iso(old["checked"]) < STALE

    def _source(self, name: str, old: Mapping[str, Any], stand: Stand, now: str, changed: bool) -> dict[str, Any]:
        kept = {key: old[key] for key in ("active", "by", "why", "since") if key in old}
        source = {
            "active": True,
            **kept,
            "name": name,
            "state": stand.state,
            "reason": stand.reason[:_LONGEST],
            "checked": iso(stand.tick),
            "took": {"ms": round(stand.took_ms, 1)},
        }
        if changed:
            source["since"] = iso(stand.tick)
        if stand.lateness_sec is not None:
            source["lateness"] = {"sec": round(stand.lateness_sec, 3)}
        return {"event": {"ingested": now}, "watch": source}

    def _change(self, name: str, stand: Stand, now: str) -> Operation:
        source = {
            "@timestamp": iso(stand.tick),
            "event": {"ingested": now},
            "watch": {"name": name, "state": stand.state, "reason": stand.reason[:_LONGEST]},
        }
        key = joined(("watch", name, iso(stand.tick), stand.state))
        return Operation("create", self._store.place("watch-run", stand.tick), key, source)

    def ran(self, began: datetime, seconds: float, lateness: Lateness, counts: Mapping[str, int]) -> None:
        """Keeps one run: how late its watches were, and what it did."""
        late = {"p95": {"sec": round(lateness.p95, 3)}, "max": {"sec": round(lateness.most, 3)}}
        source = {
            "@timestamp": iso(began),
            "event": {"ingested": iso(self._clock())},
            "run": {**counts, "seconds": round(seconds, 3), "lateness": late},
        }
        place = self._store.place("watch-run", began)
        self._store.write_all([Operation("create", place, joined(("run", iso(began))), source)])


def set_active(
    store: Store, watch: str, active: bool, *, by: str, why: str = "", clock: Clock = utc_now
) -> dict[str, Any]:
    """Switches a watch on or off; done twice it is done once. Its alerts stay as they are while it is off.

    Raises UserError without a name of who does it.
    """
    if not by.strip():
        raise UserError("somebody has to answer for it", remedy="say who does it (--by)")
    now = clock()

    def document(source: Mapping[str, Any]) -> dict[str, Any]:
        words = {"name": watch, "active": active, "by": by.strip(), "why": why.strip()[:_LONGEST]}
        return {**source, "event": {"ingested": iso(now)}, "watch": {**source.get("watch", {}), **words}}

    def change(source: dict[str, Any]) -> dict[str, Any] | None:
        return None if source["watch"].get("active", True) is active else document(source)

    before = store.get("watch", watch)
    was = bool(before.source["watch"].get("active", True)) if before else True
    if was is active:
        return before.source if before else {"watch": {"name": watch, "active": True}}
    kept = store.modify("watch", watch, change, create=lambda: document({}))
    words = {
        "name": watch,
        "state": "activated" if active else "deactivated",
        "by": by.strip(),
        "reason": why[:_LONGEST],
    }
    entry = {"@timestamp": iso(now), "event": {"ingested": iso(now)}, "watch": words}
    key = joined(("watch", watch, iso(now), words["state"]))
    store.write_all([Operation("create", store.place("watch-run", now), key, entry)])
    store.refresh("watch", "watch-run")
    return kept


def standing_of(store: Store) -> dict[str, dict[str, Any]]:
    """`watch` of every watch that was ever evaluated or switched, by name."""
    return {row["_id"]: row["_source"]["watch"] for row in store.scan("watch")}


def watch_history(store: Store, watch: str, *, limit: int = 100) -> list[dict[str, Any]]:
    """Changes of a watch's state, newest first: at, state, reason, by."""
    answer = store.search(
        "watch-run", query={"term": {"watch.name": watch}}, sort=[{"@timestamp": "desc"}], size=min(limit, 10_000)
    )
    rows: Sequence[Mapping[str, Any]] = [hit["_source"] for hit in answer["hits"]["hits"]]
    return [
        {"at": row["@timestamp"], **{key: row["watch"].get(key, "") for key in ("state", "reason", "by")}}
        for row in rows
    ]


def state_of(*, blind: bool, fires: bool, failed: bool) -> str:
    return ERROR if failed else NO_DATA if blind else STATE_FIRING if fires else OK
