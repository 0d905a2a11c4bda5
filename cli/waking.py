"""When the next round of jobs begins: after a pause, or as soon as records or files have come in."""

from __future__ import annotations

import time
from collections.abc import Callable

from contracts.errors import StoreUnavailable
from contracts.indices import CDR_INDEX
from infrastructure.store import Store

LOOK_SEC = 2.0  # between two looks; a look is one search that reads no documents
LEAST_SEC = 2.0  # of rest, so that a stream of records does not keep the jobs running without end
_PLACES = ",".join((*CDR_INDEX.values(), "cdr-file"))


def newest(store: Store) -> float | None:
    """Latest moment (epoch ms) at which a record or a file's books were written; None before the first."""
    answer = store.search(
        _PLACES, size=0, track_total_hits=False, aggs={"newest": {"max": {"field": "event.ingested"}}}
    )
    value = answer.get("aggregations", {}).get("newest", {}).get("value")
    return None if value is None else float(value)


def rest(
    store: Store,
    began: float,
    pause: float,
    seen: float | None,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> bool:
    """Waits until `pause` seconds after `began`, or until something came in after `seen`: True. Never under LEAST_SEC."""
    earliest = clock() + min(LEAST_SEC, pause)
    while (left := max(earliest, began + pause) - clock()) > 0:
        sleep(min(left, LOOK_SEC))
        if clock() < earliest:
            continue
        try:
            if newest(store) != seen:
                return True
        except StoreUnavailable:
            continue  # the round says so, and waits for it
    return False
