"""Dead letters: notifications that were given up, and how somebody asks for them again; sending without evaluating."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from alerting.actions import performers
from alerting.alert import Status
from alerting.catalogue import all_watches
from alerting.delivery import Tally
from alerting.notify.dispatcher import Dispatcher
from alerting.notify.targets import Notifications, notifications_of
from alerting.watch import OUTSIDE
from contracts.clock import Clock, iso
from contracts.errors import UserError
from infrastructure import guarded
from infrastructure.store import Store

_AT_ONCE = 2000


def retry_notifications(store: Store, ids: Sequence[str] = (), *, to: str = "") -> int:
    """Puts dead letters back into the queue, those of `ids` (first characters are enough) or all; how many.

    Only what goes to other systems: what was told inside the store is not told twice. Raises UserError on an id of none,
    or of several.
    """
    store.refresh("notification")
    filters: list[dict[str, Any]] = [
        {"term": {"notification.status": Status.FAILED.value}},
        {"terms": {"notification.kind": list(OUTSIDE)}},
    ]
    filters += [{"term": {"notification.to": to}}] if to else []
    dead = [hit["_id"] for hit in store.scan("notification", {"bool": {"filter": filters}}, [])]
    wanted = [_one(prefix, dead) for prefix in ids] if ids else dead
    now, done = iso(store.clock()), 0
    changes = {"event": {"ingested": now}, "notification": {"status": Status.PENDING.value, "attempts": 0, "due": now}}
    for first in range(0, len(wanted), _AT_ONCE):
        reads = store.get_many("notification", wanted[first : first + _AT_ONCE])
        results = store.bulk_texts([guarded.merge(read, changes) for read in reads.values()])
        done += sum(result.created for result in results)
    store.refresh("notification")
    return done


def _one(prefix: str, dead: Sequence[str]) -> str:
    found = [key for key in dead if key.startswith(prefix)]
    if len(found) != 1:
        what = "no dead letter" if not found else f"{len(found)} dead letters"
        raise UserError(
            f"{what} with an id that begins {prefix!r}", remedy="see `busyhour notification list --status failed`"
        )
    return found[0]


def send_notifications(
    store: Store, *, notifications: Notifications | None = None, clock: Clock | None = None
) -> Tally:
    """Sends what is pending and due; what became of it."""
    told = notifications_of(store.settings) if notifications is None else notifications
    watches = {watch.name: told.added(watch) for watch in all_watches(store.settings)}
    webhook = performers(store, None, told.secrets())["webhook"]
    dispatcher = Dispatcher(store, watches.get, told, clock or store.clock, webhook=webhook)
    tally = Tally()
    dispatcher.flush(tally)
    store.refresh("notification")
    return tally
