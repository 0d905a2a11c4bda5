"""The audit trail: who did what, from where. Written by the console's own account, which may add to it and nothing else."""

from __future__ import annotations

import logging
import uuid
from datetime import datetime

import orjson

from contracts.clock import Clock, iso
from contracts.errors import BusyhourError
from infrastructure.store import Operation, Store

_log = logging.getLogger("busyhour.audit")
_LONGEST = 1000  # characters of a detail


class Audit:
    """`store`: the console's own."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock

    def write(self, who: str, what: str, on: str = "", **detail: object) -> None:
        """Adds an entry; raises what the store raises, so that nothing happens unseen."""
        now = self._clock()
        entry = {"who": who[:100], "what": what, "object": on[:200]}
        if detail:
            entry["detail"] = orjson.dumps(detail, default=str).decode()[:_LONGEST]
        self._write(now, {"@timestamp": iso(now), "audit": entry})

    def note(self, who: str, what: str, on: str = "", **detail: object) -> None:
        """As `write`, for what happened already (a failed sign-in): when it cannot be stored, the log has it."""
        try:
            self.write(who, what, on, **detail)
        except BusyhourError as error:
            _log.warning("audit entry not stored (%s): %s %s %s %s", error.what, who, what, on, detail)

    def _write(self, now: datetime, document: dict[str, object]) -> None:
        self._store.write_all([Operation("create", self._store.place("audit", now), uuid.uuid4().hex, document)])
