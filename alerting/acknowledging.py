"""Somebody has it: an alert is acknowledged, and the alert says by whom and why."""

from __future__ import annotations

from typing import Any

from alerting.alert import RESOLVED
from alerting.book import as_list
from alerting.template import as_json
from contracts.clock import Clock, iso, utc_now
from contracts.errors import UserError
from infrastructure.store import Store

ACKNOWLEDGED = "acknowledged"
_LONGEST = 1000  # characters of a reason


def acknowledge(store: Store, key: str, *, by: str, why: str = "", clock: Clock = utc_now) -> dict[str, Any]:
    """The alert after it; done twice it is done once. Raises UserError when there is no such alert, or when it is over."""

    def change(source: dict[str, Any]) -> dict[str, Any] | None:
        alert = source["alert"]
        if alert["acknowledged"]:
            return None
        if alert["status"] == RESOLVED:
            raise UserError("it is resolved already", where=key, remedy="nothing is left to acknowledge")
        now = iso(clock())
        entry = as_json({"at": now, "event": ACKNOWLEDGED, "by": by, "why": why[:_LONGEST]})
        kept = [*as_list(alert.get("history")), entry]
        return {**source, "event": {"ingested": now}, "alert": {**alert, "acknowledged": True, "history": kept}}

    return store.modify("alert", key, change)
