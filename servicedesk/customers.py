"""Customers from a file into the store: who they are, and by which keyed hashes their records are found."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import orjson

from contracts.clock import Clock, iso, utc_now
from contracts.errors import UserError
from contracts.ids import keyed_hash
from infrastructure.secrets import pii_key
from infrastructure.store import Operation, Store

CHUNK = 1000
_TEXTS = ("customer_id", "name", "kind", "language", "plan", "since")
_LISTS = ("msisdns", "trunk_groups", "services")
_STORED = ("id", *_TEXTS[1:], "trunk_groups", "services", "subscriber_keys")
_KINDS = ("consumer", "business")
Progress = Callable[[int], None]  # customers written so far


def _unseen(_: int) -> None:
    """Progress nobody looks at."""


@dataclass(slots=True)
class CustomerReport:
    """`customers` and `subscribers` in the file; `conflicts`: numbers that are another customer's, who keeps them."""

    customers: int = 0
    subscribers: int = 0
    conflicts: int = 0


def load_customers(
    store: Store, customers_file: Path, *, clock: Clock = utc_now, progress: Progress = _unseen
) -> CustomerReport:
    """Writes a file of customers, one JSON object a line, to `customer` and their numbers to `subscriber`. Repeatable.

    Keys of a line: customer_id, name, kind (consumer or business), language, plan, since, msisdns, trunk_groups, services.
    Raises UserError naming file, line, key and value; what stood before a bad line is written.
    """
    return load_rows(store, _rows(customers_file), clock=clock, progress=progress)


def load_rows(
    store: Store, rows: Iterable[dict[str, Any]], *, clock: Clock = utc_now, progress: Progress = _unseen
) -> CustomerReport:
    """The same of rows that are read and checked already, such as the generator's own customers."""
    key, report = pii_key(store.settings), CustomerReport()
    rest = iter(rows)
    while chunk := list(islice(rest, CHUNK)):
        _write(store, {row["customer_id"]: _customer(key, row) for row in chunk}, clock)
        owners = {keyed_hash(key, number): (number, row["customer_id"]) for row in chunk for number in row["msisdns"]}
        claims = sum(len(set(row["msisdns"])) for row in chunk)
        report.conflicts += claims - len(owners) + len(claim_numbers(store, owners, clock))
        report.customers += len(chunk)
        report.subscribers += claims
        progress(report.customers)
    store.refresh("customer", "subscriber")
    return report


def _customer(key: bytes, row: Mapping[str, Any]) -> dict[str, Any]:
    customer: dict[str, Any] = {"id": row["customer_id"]}
    customer |= {name: row[name] for name in ("name", "kind", "language", "plan", "since") if row.get(name)}
    customer |= {name: row[name] for name in ("trunk_groups", "services") if row[name]}
    keys = [keyed_hash(key, number) for number in row["msisdns"]]
    return customer | ({"subscriber_keys": keys} if keys else {})


def _write(store: Store, customers: Mapping[str, dict[str, Any]], clock: Clock) -> None:
    """New ones at once; of those that are there, what a file tells of is replaced and everything else is kept."""
    place = store.place("customer")
    present = store.get_many("customer", customers)
    new = {key: {"event": {"ingested": iso(clock())}, "customer": row} for key, row in customers.items()}
    store.write_all(Operation("create", place, key, document) for key, document in new.items() if key not in present)
    for key, found in present.items():
        if _loaded(found.source["customer"]) != customers[key]:
            store.modify("customer", key, partial(_replaced, customers[key], iso(clock())))


def _loaded(customer: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in customer.items() if name in _STORED}


def _replaced(row: Mapping[str, Any], now: str, source: dict[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in source["customer"].items() if name not in _STORED}
    return {**source, "event": {"ingested": now}, "customer": {**kept, **row}}


def claim_numbers(store: Store, owners: Mapping[str, tuple[str, str]], clock: Clock) -> dict[str, str]:
    """Writes numbers that nobody has yet: keyed hash → (number, customer). Those that are another's: hash → whose."""
    place, now = store.place("subscriber"), iso(clock())
    operations = []
    for hashed, (number, owner) in owners.items():
        subscriber = {"key": hashed, "number": number, "typed": number}
        document = {"event": {"ingested": now}, "subscriber": subscriber, "customer": {"id": owner}}
        operations.append(Operation("create", place, hashed, document))
    if store.write_all(operations) == len(operations):
        return {}
    present = store.get_many("subscriber", owners)
    keepers = {hashed: str(found.source["customer"]["id"]) for hashed, found in present.items()}
    return {hashed: keeper for hashed, keeper in keepers.items() if keeper != owners[hashed][1]}


def _rows(file: Path) -> Iterator[dict[str, Any]]:
    try:
        with file.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    yield _row(line, f"{file}:{number}")
    except OSError as error:
        raise UserError(f"cannot be read: {error.strerror}", where=str(file)) from error


def _row(line: bytes, where: str) -> dict[str, Any]:
    try:
        row = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise UserError(f"is not JSON: {error}", where=where) from None
    if not isinstance(row, dict):
        raise UserError("is no JSON object", where=where)
    for name in row:
        if name not in (*_TEXTS, *_LISTS):
            close = difflib.get_close_matches(name, (*_TEXTS, *_LISTS), n=1)
            raise UserError(f"unknown key {name!r}" + (f"; did you mean {close[0]}?" if close else ""), where=where)
    for name in _TEXTS:
        _check(isinstance(row.get(name, ""), str), row, name, "is no text", where)
    for name in _LISTS:
        given = row.setdefault(name, [])
        well = isinstance(given, list) and all(isinstance(one, str) and one for one in given)
        _check(well, row, name, "is no list of texts", where)
    _check(bool(row.get("customer_id")), row, "customer_id", "is missing or empty", where)
    _check(row.get("kind", "consumer") in _KINDS, row, "kind", f"is not one of {', '.join(_KINDS)}", where)
    return row


def _check(well: bool, row: Mapping[str, Any], name: str, problem: str, where: str) -> None:
    if not well:
        raise UserError(f"{name} {str(row.get(name))[:80]!r} {problem}", where=where)
