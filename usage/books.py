"""Books of loads: one row a run, moved on in the transaction of each chunk: a lost answer is no lost and no doubled chunk."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, insert, select, update
from sqlalchemy.exc import IntegrityError

from contracts.errors import ConflictError
from usage.engine import UsageStore
from usage.expressions import rows as rows_of
from usage.records.batch import Batch
from usage.records.kinds import Row
from usage.records.write import write
from usage.schema import loads

_LONGEST_SOURCE = 255


class Counts(NamedTuple):
    """Lines read = inserted + present + rejected."""

    read: int = 0
    inserted: int = 0
    present: int = 0
    rejected: int = 0


class Load:
    """A run that stores records chunk by chunk. One thread at a time."""

    def __init__(self, store: UsageStore, source: str, kind: str) -> None:
        self._store, self._kind = store, kind
        self.id = secrets.token_hex(16)
        self._chunk = 0
        self._fresh = True  # until a chunk meets records that are there
        values = {
            "id": self.id,
            "source": source[-_LONGEST_SOURCE:],
            "kind": kind,
            "started": store.clock(),
            "chunk": 0,
        }
        zeros = dict.fromkeys(Counts._fields, 0)
        # The id is this run's own: sent again after a lost answer, it is there already.
        self._once(lambda connection: connection.execute(insert(loads).values(**values, **zeros)))

    def _once(self, work: Any) -> None:
        def unless_there(connection: Connection) -> None:
            if connection.scalar(select(loads.c.chunk).where(loads.c.id == self.id)) is None:
                work(connection)

        self._store.write(unless_there)

    def put(self, rows: Sequence[Row] | Batch, rejected: int = 0) -> None:
        """Stores a chunk and its counts in one transaction, once. Raises ConflictError when a customer vanished meanwhile."""
        number = self._chunk + 1
        fresh = self._fresh

        def work(connection: Connection) -> bool:
            done = connection.scalar(select(loads.c.chunk).where(loads.c.id == self.id).with_for_update())
            if done is not None and done >= number:
                return False  # committed before, only the answer was lost
            found = write(connection, self._kind, rows, fresh=fresh)
            counts = Counts(len(rows) + rejected, found.inserted, found.present, rejected)
            moved = {name: loads.c[name] + value for name, value in counts._asdict().items()}
            connection.execute(update(loads).where(loads.c.id == self.id).values(chunk=number, **moved))
            return found.present > 0

        try:
            self._fresh = not self._store.write(work)
        except IntegrityError as error:
            what = "a customer was removed while records of theirs were loaded"
            raise ConflictError(what, where=self._store.place, remedy="load again: nothing is stored twice") from error
        self._chunk = number

    def close(self) -> Counts:
        """Marks the run as finished; returns its counts as the database has them."""
        done = update(loads).where(loads.c.id == self.id).values(finished=self._store.clock())
        self._store.write(lambda connection: connection.execute(done))
        columns = [loads.c[name] for name in Counts._fields]
        row = self._store.read(
            lambda connection: connection.execute(select(*columns).where(loads.c.id == self.id)).one()
        )
        return Counts(*row)


def list_loads(store: UsageStore, limit: int = 20) -> list[dict[str, Any]]:
    """The newest runs; one without `finished` was cut, or is under way."""
    query = select(loads).order_by(loads.c.started.desc(), loads.c.id).limit(limit)
    return store.read(lambda connection: rows_of(connection, query))
