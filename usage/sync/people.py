"""Customers of the service desk into the usage store, with the keyed hashes by which their CDRs are found."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from itertools import islice
from typing import Any

from sqlalchemy import Connection

from infrastructure.store import Store
from usage import schema
from usage.engine import UsageStore
from usage.expressions import keeping, replacing

CHUNK = 1000
NO_PLAN = "none"


def sync_customers(cdrs: Store, usage: UsageStore, *, numbers: bool = False) -> int:
    """Adds or updates every customer; returns how many there are. A number that is somebody's already stays theirs.

    `numbers`: also the numbers themselves, which export-cdr needs and which few may read.
    """
    hits, total = cdrs.scan("customer", fields=["customer"]), 0
    while batch := list(islice(hits, CHUNK)):
        people = [hit["_source"]["customer"] for hit in batch]
        known = _numbers(cdrs, people) if numbers else {}
        _put(usage, people, known)
        total += len(people)
    return total


def _numbers(cdrs: Store, people: Sequence[dict[str, Any]]) -> dict[str, str]:
    found = cdrs.get_many("subscriber", (key for person in people for key in _keys(person)))
    return {key: str(document.source["subscriber"]["number"]) for key, document in found.items()}


def _keys(person: dict[str, Any]) -> list[str]:
    keys = person.get("subscriber_keys") or []
    return [keys] if isinstance(keys, str) else [str(key) for key in keys]


def _put(usage: UsageStore, people: Sequence[dict[str, Any]], known: dict[str, str]) -> None:
    rows = [_row(person) | {"state": "active", "logged": usage.clock()} for person in people]
    owned = [
        {"key": key, "number": known.get(key), "customer_id": str(person["id"])[: schema.LONGEST_CUSTOMER_ID]}
        for person in people
        for key in _keys(person)
    ]

    def work(connection: Connection) -> None:
        name = connection.dialect.name
        connection.execute(replacing(schema.customers, name, ("name", "kind", "plan", "since")), rows)
        if owned:
            connection.execute(keeping(schema.numbers, name), owned)
        for key, number in known.items():
            connection.execute(schema.numbers.update().where(schema.numbers.c.key == key).values(number=number[:20]))

    usage.write(work)


def _row(person: dict[str, Any]) -> dict[str, Any]:
    kind = str(person.get("kind") or "unknown")
    return {
        "id": str(person["id"])[: schema.LONGEST_CUSTOMER_ID],
        "name": _printable(str(person.get("name") or person["id"]))[: schema.LONGEST_NAME],
        "kind": kind if kind in schema.KINDS_OF_CUSTOMER else "unknown",
        "plan": _printable(str(person.get("plan") or NO_PLAN))[: schema.LONGEST_PLAN],
        "since": _day(person.get("since")),
    }


def _printable(text: str) -> str:
    return "".join(_signs(text)).strip() or "?"


def _signs(text: str) -> Iterator[str]:
    return (sign if sign.isprintable() else " " for sign in text)


def _day(value: Any) -> date | None:
    try:
        return date.fromisoformat(str(value)[:10]) if value else None
    except ValueError:
        return None
