"""Silences: for a while, alerts that match are kept and shown but told to nobody. Each has an author, a reason and an end."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from alerting.matchers import Facts, Matcher, all_match, matcher
from contracts.clock import iso, parse_iso
from contracts.errors import UserError
from contracts.ids import joined
from infrastructure.store import Store

_LONGEST_COMMENT = 1000


@dataclass(frozen=True, slots=True)
class Silence:
    """From `starts_at` until `ends_at`; ended earlier by whoever expires it."""

    id: str
    matchers: tuple[Matcher, ...]
    starts_at: datetime
    ends_at: datetime
    by: str
    comment: str

    def state(self, at: datetime) -> str:
        """Alertmanager's words: pending, active or expired."""
        return "pending" if at < self.starts_at else "active" if at < self.ends_at else "expired"

    def silences(self, facts: Facts, at: datetime) -> bool:
        return self.starts_at <= at < self.ends_at and all_match(self.matchers, facts)


def add_silence(
    store: Store, matchers: Sequence[str], *, starts_at: datetime, ends_at: datetime, by: str, comment: str
) -> Silence:
    """The same silence asked for twice is one. Raises UserError on a wrong matcher, one that matches all, no author or no end."""
    read = tuple(matcher(text) for text in matchers)
    if not read or all(each.matches({}) for each in read):
        raise UserError(
            "would silence every alert", remedy="give a matcher such as service=voip that most alerts do not meet"
        )
    if ends_at <= starts_at:
        raise UserError(f"ends ({iso(ends_at)}) before it starts ({iso(starts_at)})", remedy="give a later end")
    if not by.strip() or not comment.strip():
        raise UserError(
            "a silence needs an author and a comment", remedy="say who silences it (--by) and why (--comment)"
        )
    texts = sorted(str(each) for each in read)
    key = joined(("silence", *texts, iso(starts_at), iso(ends_at), by))
    silence = Silence(key, read, starts_at, ends_at, by.strip(), comment.strip()[:_LONGEST_COMMENT])
    source = {
        "@timestamp": iso(starts_at),
        "event": {"ingested": iso(store.clock())},
        "silence": {
            "matchers": texts,
            "starts_at": iso(starts_at),
            "ends_at": iso(ends_at),
            "created_by": silence.by,
            "comment": silence.comment,
        },
    }
    store.modify("silence", key, lambda old: None, create=lambda: source)
    store.refresh("silence")
    return silence


def expire_silence(store: Store, key: str, *, by: str) -> Silence:
    """Ends a silence now; one that is over stays as it was. The first characters of its id are enough. Raises UserError."""
    found = [each for each in list_silences(store) if each.id.startswith(key)]
    if len(found) != 1:
        what = "no silence" if not found else f"{len(found)} silences"
        raise UserError(f"{what} with an id that begins {key!r}", remedy="see `busyhour silence list`")
    now = iso(store.clock())

    def change(source: dict[str, Any]) -> dict[str, Any] | None:
        kept = source["silence"]
        if kept["ends_at"] <= now:
            return None
        ended = {**kept, "ends_at": max(now, kept["starts_at"]), "expired_by": by}
        return {**source, "event": {"ingested": now}, "silence": ended}

    changed = _read(found[0].id, store.modify("silence", found[0].id, change))
    store.refresh("silence")
    return changed


def list_silences(store: Store, *, since: datetime | None = None) -> list[Silence]:
    """Those that end after `since` (None: all), the one that ends last first."""
    query: dict[str, Any] = {"range": {"silence.ends_at": {"gt": iso(since)}}} if since else {"match_all": {}}
    found = [_read(hit["_id"], hit["_source"]) for hit in store.scan("silence", query)]
    return sorted(found, key=lambda one: (one.ends_at, one.id), reverse=True)


def silencing(silences: Iterable[Silence], facts: Facts, at: datetime) -> Silence | None:
    """Of those that silence it, the one that lasts longest."""
    return max((each for each in silences if each.silences(facts, at)), key=lambda one: one.ends_at, default=None)


def _read(key: str, source: Mapping[str, Any]) -> Silence:
    kept = source["silence"]
    texts = kept["matchers"]
    return Silence(
        id=key,
        matchers=tuple(matcher(text) for text in ([texts] if isinstance(texts, str) else texts)),
        starts_at=parse_iso(kept["starts_at"]),
        ends_at=parse_iso(kept["ends_at"]),
        by=kept["created_by"],
        comment=kept["comment"],
    )
