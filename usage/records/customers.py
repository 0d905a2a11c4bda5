"""Customers and their numbers: create, read, change, remove; and looking them up for records."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy import Connection, Select, delete, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from contracts.errors import ConflictError, UserError
from contracts.ids import keyed_hash
from usage import schema
from usage.engine import UsageStore
from usage.expressions import keeping, replacing
from usage.expressions import rows as rows_of
from usage.records.check import Refused, number, text
from usage.schema import customers, numbers

CACHED = 200_000  # customers whose plans are kept in memory during a load
_LOOKUP = 1000  # ids asked for at once
_CHANGEABLE = ("name", "kind", "plan", "since", "state")


def add_customer(store: UsageStore, given: Mapping[str, str], key: bytes) -> dict[str, Any]:
    """Stores a customer: id, name, kind, plan, since, msisdns (separated by commas). Returns it as `show_customer`.

    Raises UserError with the field and the reason, ConflictError when id or a number is taken by another.
    """
    row = _checked(given)
    msisdns = _msisdns(given.get("msisdns", ""))

    def work(connection: Connection) -> None:
        present = connection.execute(select(customers).where(customers.c.id == row["id"])).mappings().first()
        if present is None:
            connection.execute(insert(customers).values(**row, state="active", logged=store.clock()))
        elif any(present[name] != value for name, value in row.items()):
            raise ConflictError(
                f"customer {row['id']} is there already", remedy="`busyhour usage customer change` alters it"
            )
        _claim(connection, [(row["id"], each) for each in msisdns], key)

    _guarded(store, work, row["id"])
    return show_customer(store, row["id"])


def put_customers(store: UsageStore, given: Sequence[Mapping[str, str]], key: bytes) -> None:
    """Adds these customers, or gives those that are there the new values; all of them or none. Errors as `add_customer`."""
    checked = [(_checked(each), _msisdns(each.get("msisdns", ""))) for each in given]
    if not checked:
        return
    now = store.clock()

    def work(connection: Connection) -> None:
        rows = [{**row, "state": "active", "logged": now} for row, _ in checked]
        statement = replacing(customers, connection.dialect.name, ("name", "kind", "plan", "since"))
        connection.execute(statement, rows)
        _claim(connection, [(row["id"], each) for row, msisdns in checked for each in msisdns], key)

    _guarded(store, work, checked[0][0]["id"])


def _guarded(store: UsageStore, work: Any, customer_id: str) -> None:
    try:
        store.write(work)
    except IntegrityError as error:
        raise ConflictError(
            f"customer {customer_id} was changed by somebody else meanwhile", remedy="try again"
        ) from error


def show_customer(store: UsageStore, customer_id: str) -> dict[str, Any]:
    """id, name, kind, plan, since, state, msisdns and how many records of each kind. Raises UserError when unknown."""

    def work(connection: Connection) -> dict[str, Any]:
        found = rows_of(connection, select(customers).where(customers.c.id == customer_id))
        if not found:
            raise unknown(customer_id)
        own = connection.scalars(
            select(func.coalesce(numbers.c.number, numbers.c.key)).where(numbers.c.customer_id == customer_id)
        ).all()
        counts = {
            kind: connection.scalar(select(func.count()).where(table.c.customer_id == customer_id)) or 0
            for kind, table in schema.RECORD_TABLES.items()
        }
        return {**found[0], "msisdns": sorted(own), "records": counts}

    return store.read(work)


def unknown(customer_id: str) -> UserError:
    return UserError(f"there is no customer {customer_id[:80]!r}", remedy="`busyhour usage customer list` shows them")


def list_customers(store: UsageStore, wanted: str = "", limit: int = 50) -> list[dict[str, Any]]:
    """Customers by id; `wanted`: part of id, name or number, taken literally."""
    query = select(customers).order_by(customers.c.id).limit(limit)
    if wanted:
        owners = select(numbers.c.customer_id).where(numbers.c.number.contains(wanted, autoescape=True))
        query = query.where(
            or_(
                customers.c.id.contains(wanted, autoescape=True),
                func.lower(customers.c.name).contains(wanted.lower(), autoescape=True),
                customers.c.id.in_(owners),
            )
        )
    return store.read(lambda connection: rows_of(connection, query))


def change_customer(store: UsageStore, customer_id: str, given: Mapping[str, str], key: bytes) -> dict[str, Any]:
    """Changes name, kind, plan, since or state, and adds msisdns. Plans of stored records stay what they were."""
    for name in given:
        if name not in (*_CHANGEABLE, "msisdns"):
            raise UserError(f"{name!r} cannot be changed", remedy=f"one of {', '.join(_CHANGEABLE)}, msisdns")
    current = show_customer(store, customer_id)
    merged = {name: str(current[name] or "") for name in ("id", "name", "kind", "plan", "since")} | dict(given)
    row = _checked(merged)
    state = given.get("state", current["state"])
    if state not in schema.STATES:
        raise UserError(f"state {state[:40]!r} is not one of {', '.join(schema.STATES)}")
    msisdns = _msisdns(given.get("msisdns", ""))

    def work(connection: Connection) -> None:
        connection.execute(update(customers).where(customers.c.id == customer_id).values(**row, state=state))
        _claim(connection, [(customer_id, each) for each in msisdns], key)

    _guarded(store, work, customer_id)
    return show_customer(store, customer_id)


def remove_customer(store: UsageStore, customer_id: str) -> None:
    """Removes a customer who has no records. Raises ConflictError where there are some: they would lose their owner."""

    def work(connection: Connection) -> None:
        connection.execute(delete(numbers).where(numbers.c.customer_id == customer_id))
        if not connection.execute(delete(customers).where(customers.c.id == customer_id)).rowcount:
            raise unknown(customer_id)

    try:
        store.write(work)
    except IntegrityError:
        remedy = "close it instead: `busyhour usage customer change ID --state closed`"
        raise ConflictError(f"customer {customer_id} has records", remedy=remedy) from None


def _checked(given: Mapping[str, str]) -> dict[str, Any]:
    try:
        row: dict[str, Any] = {
            "id": text(given, "id", schema.LONGEST_CUSTOMER_ID),
            "name": text(given, "name", schema.LONGEST_NAME),
            "kind": text(given, "kind", 16) or "consumer",
            "plan": text(given, "plan", schema.LONGEST_PLAN),
        }
    except Refused as refused:
        raise UserError(refused.refusal.detail) from None
    for name in ("id", "name", "plan"):
        if not row[name]:
            raise UserError(f"{name} is missing")
    if row["kind"] not in schema.KINDS_OF_CUSTOMER:
        raise UserError(f"kind {row['kind']!r} is not one of {', '.join(schema.KINDS_OF_CUSTOMER)}")
    return row | {"since": _since(given.get("since", ""))}


def _since(value: str) -> date | None:
    try:
        return date.fromisoformat(value) if value else None
    except ValueError:
        raise UserError(f"since {value[:40]!r} is not a date", remedy="write it as 2026-11-21") from None


def _msisdns(value: str) -> list[str]:
    try:
        return [number(each, "msisdns") for each in value.split(",") if each.strip()]
    except Refused as refused:
        raise UserError(refused.refusal.detail) from None


def _claim(connection: Connection, wanted: Sequence[tuple[str, str]], key: bytes) -> None:
    """Numbers, as (customer, number), become theirs. Raises ConflictError on one that is another's."""
    claimed = {keyed_hash(key, each): (customer_id, each) for customer_id, each in wanted}
    if len(claimed) < len(set(wanted)):
        raise ConflictError("one number is of two customers")
    rows = [{"key": hashed, "number": each, "customer_id": owner} for hashed, (owner, each) in claimed.items()]
    if rows:
        connection.execute(keeping(numbers, connection.dialect.name), rows)
    for batch in _batches(list(claimed)):
        found = select(numbers.c.key, numbers.c.customer_id).where(numbers.c.key.in_(batch))
        for hashed, owner in connection.execute(found):
            if owner != claimed[hashed][0]:
                raise ConflictError(f"number {claimed[hashed][1]} is of customer {owner}")


class Directory:
    """Plans by customer and customers by number, kept in memory up to a bound. For loads: filled a chunk at a time."""

    def __init__(self, store: UsageStore, key: bytes = b"") -> None:
        self._store, self._key = store, key
        self._plans: dict[str, str] = {}
        self._owners: dict[str, str] = {}

    def forget(self) -> None:
        """Asks anew: somebody may have removed a customer."""
        self._plans.clear()
        self._owners.clear()

    def learn(self, ids: Iterable[str], keys: Iterable[str] = ()) -> None:
        """Looks up those that are not known yet."""
        if len(self._plans) + len(self._owners) > CACHED:
            self.forget()
        new_keys = [each for each in set(keys) if each not in self._owners]
        for batch in _batches(new_keys):
            query = select(numbers.c.key, numbers.c.customer_id).where(numbers.c.key.in_(batch))
            self._owners |= self._pairs(query)
        wanted = {*ids, *(self._owners.get(each, "") for each in new_keys)}
        for batch in _batches([each for each in wanted if each not in self._plans]):
            query = select(customers.c.id, customers.c.plan).where(customers.c.id.in_(batch))
            self._plans |= self._pairs(query)

    def _pairs(self, query: Select[Any]) -> dict[str, str]:
        def work(connection: Connection) -> dict[str, str]:
            return {row[0]: row[1] for row in connection.execute(query)}

        return self._store.read(work)

    def plan_of(self, customer_id: str) -> str | None:
        return self._plans.get(customer_id)

    def owner_of_key(self, key: str) -> str:
        return self._owners.get(key, "")

    def owner(self, msisdn: str) -> str:
        """Customer of a number as `+` and digits, "" when it is nobody's; learned before."""
        return self._owners.get(keyed_hash(self._key, msisdn), "")


def _batches(values: list[str]) -> Iterable[list[str]]:
    return (values[start : start + _LOOKUP] for start in range(0, len(values), _LOOKUP))
