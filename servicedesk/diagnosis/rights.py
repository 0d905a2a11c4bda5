"""Which parts of a diagnosis the person who asks may see. An index that may not be read looks like one that is empty, so
Elasticsearch is asked before."""

from __future__ import annotations

from collections.abc import Mapping

from infrastructure.store import Store

PARTS: Mapping[str, tuple[str, ...]] = {
    "subscriptions": ("subscription",),
    "sessions": ("cdr-voip", "cdr-mobile-voice", "cdr-sms", "cdr-epc"),
    "figures": ("kpi-5m", "kpi-1h", "baseline"),
    "incidents": ("incident",),
    "tickets": ("ticket",),
    "billing": ("billing",),
}


def missing_parts(store: Store) -> tuple[str, ...]:
    """Parts of which an index may not be read; none where security is off."""
    names = sorted({name for each in PARTS.values() for name in each})
    body = {"index": [{"names": names, "privileges": ["read"]}]}
    answer = store.exchange.ask("POST", "/_security/user/_has_privileges", body, allow=(400, 404, 405, 500))
    rights = answer.get("index", {})
    readable = {name for name, row in rights.items() if row.get("read")}
    return tuple(part for part, wanted in PARTS.items() if rights and not set(wanted) <= readable)
