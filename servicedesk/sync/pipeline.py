"""Rows in, documents out: read and check → what is stored → merge → write. Safe to repeat; a bad row stops nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from itertools import islice
from typing import Any, NamedTuple

import orjson

from contracts.clock import Clock, iso, utc_now
from contracts.errors import UserError
from contracts.ids import keyed_hash
from infrastructure.secrets import pii_key
from infrastructure.store import Operation, Store
from servicedesk.customers import claim_numbers
from servicedesk.revising import MOST_HISTORY
from servicedesk.sync.documents import document, hashed, in_decimals, synced_of, values_of
from servicedesk.sync.merging import Merged, Values, merged, remembered
from servicedesk.sync.sources import Row
from servicedesk.sync.tables import TABLES, Table

CHUNK = 500
MOST_TOLD = 100  # conflicts and refused rows that a report names; the counts are of all
_SECRET = ("keys", "key")


class Conflict(NamedTuple):
    """Both sides changed `column`: `theirs` in the legacy system, `ours` here, which stays."""

    where: str
    key: str
    column: str
    theirs: str
    ours: str


class Refused(NamedTuple):
    """A row that is none, and why."""

    where: str
    why: str


@dataclass(slots=True)
class SyncReport:
    """rows = created + updated + unchanged + refused; `conflicted` of them have columns that were left as they are here."""

    rows: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    refused: int = 0
    conflicted: int = 0
    ignored_columns: list[str] = field(default_factory=list)
    conflicts: list[Conflict] = field(default_factory=list)
    refusals: list[Refused] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        rows = {
            "conflicts": [one._asdict() for one in self.conflicts],
            "refusals": [one._asdict() for one in self.refusals],
        }
        return {**asdict(self), **rows}


class _Read(NamedTuple):
    where: str
    key: str
    values: Values


def synchronise(
    store: Store,
    what: str,
    rows: Iterable[Row],
    *,
    source: str,
    columns: Mapping[str, str] | None = None,
    clock: Clock = utc_now,
) -> SyncReport:
    """Brings rows of a table (customers, subscriptions or billing) into the store.

    `source`: name of the legacy system. `columns`: its name of a column → ours. Raises UserError on an unknown table, or
    when no row has the column of the key.
    """
    if what not in TABLES:
        raise UserError(f"{what[:40]!r} is no table", remedy=f"one of {', '.join(TABLES)}")
    return _Sync(store, TABLES[what], source, dict(columns or {}), clock).run(rows)


class _Sync:
    def __init__(self, store: Store, table: Table, source: str, columns: dict[str, str], clock: Clock) -> None:
        self._store, self._table, self._source, self._clock = store, table, source, clock
        self._names = {**{name: name for name in table.columns}, **table.aliases, table.key: table.key, **columns}
        self._report, self._key = SyncReport(), pii_key(store.settings)
        self._place = store.place(table.index)

    def run(self, rows: Iterable[Row]) -> SyncReport:
        rest = iter(rows)
        while chunk := list(islice(rest, CHUNK)):
            self._report.rows += len(chunk)
            self._chunk([one for row in chunk if (one := self._read(row)) is not None])
        self._store.refresh(self._table.index, "subscriber")
        return self._report

    def _read(self, row: Row) -> _Read | None:
        """The row with our names of columns and checked values; None when it is refused."""
        try:
            if row.problem:
                raise ValueError(row.problem)
            values: Values = {}
            key = ""
            for name, raw in row.values.items():
                own = self._names.get(name)
                if own is None:
                    self._ignore(name)
                elif own == self._table.key:
                    key = str(
                        self._table.columns["customer_id" if "customer_id" in self._table.columns else "name"](raw)
                    )
                elif raw is not None:
                    values[own] = _value(self._table, own, raw)
            if not key:
                raise ValueError(f"{self._table.key} is missing or empty")
            _complete(self._table, key, values)
            return _Read(row.where, key, in_decimals(values) if self._table.index == "billing" else values)
        except (ValueError, UserError) as error:
            self._refuse(row.where, error.what if isinstance(error, UserError) else str(error))
            return None

    def _ignore(self, name: str) -> None:
        if name not in self._report.ignored_columns and len(self._report.ignored_columns) < MOST_TOLD:
            self._report.ignored_columns.append(name[:60])

    def _refuse(self, where: str, why: str) -> None:
        self._report.refused += 1
        if len(self._report.refusals) < MOST_TOLD:
            self._report.refusals.append(Refused(where, why))

    def _chunk(self, rows: list[_Read]) -> None:
        """New ones in one request; those that are there one by one, each guarded. The second of a key is refused."""
        present = self._store.get_many(self._table.index, {row.key for row in rows})
        new: dict[str, _Read] = {}
        old: list[_Read] = []
        seen: set[str] = set()
        for row in rows:
            if row.key in seen:
                self._refuse(row.where, f"{self._table.key} {row.key} stands twice")
                continue
            seen.add(row.key)
            if row.key in present:
                old.append(row)
            else:
                new[row.key] = row
        operations = [Operation("create", self._place, row.key, self._fresh(row)) for row in new.values()]
        for row, result in zip(new.values(), self._store.bulk(operations), strict=True) if operations else ():
            if result.created:
                self._report.created += 1
            elif result.exists:
                old.append(row)
            else:
                self._refuse(row.where, result.error)
        for row in old:
            self._change(row)
        self._claim(rows)

    def _fresh(self, row: _Read) -> dict[str, Any]:
        values = hashed(row.values, self._key)
        return self._stamped(document(self._table.index, row.key, values), values, ())

    def _stamped(self, made: dict[str, Any], synced: Values, history: Iterable[str]) -> dict[str, Any]:
        """With what our side keeps: from where, what that had, and the account's history."""
        customer = {**made.get("customer", {}), "source": self._source, "synced": orjson.dumps(synced).decode()}
        kept = list(history)[-MOST_HISTORY:]
        customer |= {"history": kept} if kept else {}
        return {**made, "customer": customer, "event": {"ingested": iso(self._clock())}}

    def _change(self, row: _Read) -> None:
        theirs, found = hashed(row.values, self._key), list[Merged]()

        def change(source: dict[str, Any]) -> dict[str, Any] | None:
            found.clear()
            owner, last = synced_of(source)
            other = owner not in ("", self._source)
            here = values_of(self._table.index, source)
            done = merged(theirs, here, None if other else last)
            found.append(done)
            synced = remembered(theirs, last, done.conflicts)
            if other or (not done.changed and synced == last):
                return None
            made = document(self._table.index, row.key, done.values)
            made["customer"] = {**source.get("customer", {}), **made.get("customer", {})}
            for column in set(here) - set(done.values):
                made["customer"].pop(column, None)
            if "contacts" not in done.values:
                made["customer"].pop("reach", None)
            return self._stamped(made, synced, self._history(source, here, done))

        self._store.modify(self._table.index, row.key, change)
        self._count(row, found[0])

    def _count(self, row: _Read, done: Merged) -> None:
        if done.changed:
            self._report.updated += 1
        else:
            self._report.unchanged += 1
        self._report.conflicted += bool(done.conflicts)
        for column, (theirs, ours) in done.conflicts.items():
            if len(self._report.conflicts) < MOST_TOLD:
                shown = ("(numbers)", "(numbers)") if column in _SECRET else (str(theirs)[:200], str(ours)[:200])
                self._report.conflicts.append(Conflict(row.where, row.key, column, *shown))

    def _history(self, source: dict[str, Any], here: Values, done: Merged) -> list[str]:
        """Of a customer's account: every column taken over; numbers are not written out."""
        kept = source["customer"].get("history", []) if self._table.index == "customer" else []
        kept = [kept] if isinstance(kept, str) else list(kept)
        for column in done.changed if self._table.index == "customer" else ():
            entry: dict[str, Any] = {"at": iso(self._clock()), "by": self._source, "what": column}
            if column not in _SECRET:
                entry |= {"from": here.get(column, ""), "to": done.values.get(column, "")}
            kept.append(orjson.dumps(entry).decode())
        return kept

    def _claim(self, rows: list[_Read]) -> None:
        """Numbers of customers go to whoever has them first; another's claim is a conflict."""
        owners: dict[str, tuple[str, str]] = {}
        for row in rows:
            owner = row.key if self._table.index == "customer" else str(row.values.get("customer_id", ""))
            numbers = row.values.get("msisdns") or ([row.values["msisdn"]] if row.values.get("msisdn") else [])
            for number in numbers if owner else ():
                owners.setdefault(keyed_hash(self._key, number), (number, owner))
        for key, keeper in claim_numbers(self._store, owners, self._clock).items():
            self._report.conflicted += 1
            if len(self._report.conflicts) < MOST_TOLD:
                self._report.conflicts.append(Conflict("", owners[key][1], "msisdns", "(number)", f"held by {keeper}"))


def _value(table: Table, column: str, raw: Any) -> Any:
    """A cell; an empty one clears. Raises ValueError naming column and value."""
    if raw in ("", []):
        return ""
    try:
        return table.columns[column](raw)
    except (ValueError, UserError) as error:
        why = error.what if isinstance(error, UserError) else str(error)
        raise ValueError(f"{column} {str(raw)[:60]!r} {why}") from None


def _complete(table: Table, key: str, values: Values) -> None:
    """Raises ValueError when what a new document needs is not there."""
    if len(key) > 200:
        raise ValueError(f"{table.key} is too long")
    needed = {
        "customer": (),
        "subscription": ("customer_id",),
        "billing": ("customer_id", "date", "currency", "amount"),
    }
    for column in needed[table.index]:
        if not values.get(column):
            raise ValueError(f"{column} is missing or empty")
