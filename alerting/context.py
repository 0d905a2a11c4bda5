"""The execution context of Watcher: what texts and conditions may look at, under Watcher's own names.

| name | what it is |
|---|---|
| `ctx.watch_id` | name of the watch (its file name without `.yml`) |
| `ctx.execution_time` | when the evaluation runs; in a replay of the past, the scheduled time |
| `ctx.trigger.scheduled_time`, `ctx.trigger.triggered_time` | the tick of the schedule |
| `ctx.metadata.*` | the watch's own metadata |
| `ctx.payload.*` | what the input brought; inside `foreach`, one element of it (`ctx.payload._value` when it is no object) |
| `ctx.vars.alert.*` | in actions: `id fingerprint name status severity summary reason labels starts_at ends_at incident` |

Times are ISO 8601 in UTC with milliseconds. An input sees no payload, a `search` transform does.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from contracts.clock import iso

_TIMES = ("ctx.execution_time", "ctx.trigger.scheduled_time", "ctx.trigger.triggered_time")
INPUT_ROOTS = ("ctx.watch_id", *_TIMES, "ctx.metadata")
PAYLOAD_ROOTS = (*INPUT_ROOTS, "ctx.payload")
ALERT_WORDS = (
    "id",
    "fingerprint",
    "name",
    "status",
    "severity",
    "summary",
    "reason",
    "labels",
    "starts_at",
    "ends_at",
    "incident",
)
ACTION_ROOTS = (*PAYLOAD_ROOTS, *(f"ctx.vars.alert.{word}" for word in ALERT_WORDS))


def context(
    watch_id: str,
    metadata: Mapping[str, Any],
    scheduled: datetime,
    payload: Any = None,
    *,
    executed: datetime | None = None,
    alert: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """`{"ctx": …}` for templates and conditions."""
    tick = iso(scheduled)
    return {
        "ctx": {
            "watch_id": watch_id,
            "execution_time": iso(executed) if executed else tick,
            "trigger": {"scheduled_time": tick, "triggered_time": tick},
            "metadata": metadata,
            "payload": {} if payload is None else payload,
            "vars": {"alert": alert} if alert is not None else {},
        }
    }


def with_payload(base: Mapping[str, Any], element: Any) -> dict[str, Any]:
    """The same context looking at one element of an array, as Watcher's `foreach` does."""
    payload = element if isinstance(element, Mapping) else {"_value": element}
    return {"ctx": {**base["ctx"], "payload": payload}}


def unknown(paths: Iterable[str], roots: tuple[str, ...]) -> tuple[str, str] | None:
    """First path that starts at none of the roots, with the nearest root that exists ("" when none is near)."""
    for path in paths:
        if not any(path == root or path.startswith(root + ".") for root in roots):
            return path, _nearest(path, roots)
    return None


def _nearest(path: str, roots: tuple[str, ...]) -> str:
    """The root that the path's own first parts come closest to, however long the rest is."""
    scored = [
        (difflib.SequenceMatcher(None, ".".join(path.split(".")[: root.count(".") + 1]), root).ratio(), root)
        for root in roots
    ]
    score, root = max(scored)
    return root if score > 0.6 else ""
