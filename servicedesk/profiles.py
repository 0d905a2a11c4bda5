"""Customers as one reads them, found by id, number, or what one types of their name, number or e-mail address."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from contracts.clock import parse_iso
from contracts.errors import StoreRefused, UserError
from contracts.ids import keyed_hash
from infrastructure.secrets import pii_key
from infrastructure.store import Store

MOST_TYPED = 100  # characters of a search; the rest is not looked at
_FORBIDDEN = 403


@dataclass(frozen=True, slots=True)
class Customer:
    """`keys`: keyed hashes of their numbers. `status`: active, suspended or ended. `history`: oldest change first."""

    id: str
    name: str
    kind: str
    status: str
    language: str
    plan: str
    since: str
    email: str
    phone: str
    address: str
    sla: str
    services: tuple[str, ...]
    trunk_groups: tuple[str, ...]
    keys: tuple[str, ...]
    consents: tuple[str, ...]
    contacts: tuple[Mapping[str, Any], ...]
    history: tuple[Mapping[str, Any], ...]
    source: str

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Customer:
        """From a document of index `customer`."""
        row = document["customer"]
        texts = {name: str(row.get(name, "")) for name in _TEXTS}
        return cls(
            id=row["id"],
            status=row.get("status", "active"),
            **texts,
            services=listed(row.get("services")),
            trunk_groups=listed(row.get("trunk_groups")),
            keys=listed(row.get("subscriber_keys")),
            consents=listed(row.get("consents")),
            contacts=tuple(orjson.loads(entry) for entry in listed(row.get("contacts"))),
            history=tuple(orjson.loads(entry) for entry in listed(row.get("history"))),
        )


_TEXTS = ("name", "kind", "language", "plan", "since", "email", "phone", "address", "sla", "source")


def listed(value: Any) -> tuple[str, ...]:
    """A field that may hold one value, several or none."""
    return tuple(value) if isinstance(value, list) else () if value is None else (str(value),)


def moment_of(value: Any) -> datetime | None:
    return None if value is None else parse_iso(str(value))


def find_customer(store: Store, who: str) -> tuple[Customer, str]:
    """A customer by id, MSISDN (`+` may be left out) or exact e-mail address; and the keyed hash of the number that was
    asked for, "" where it was none.

    Raises UserError when there is none, naming those whose name begins so.
    """
    who = who.strip()
    found = store.get("customer", who) if who and len(who) <= MOST_TYPED else None
    if found is not None:
        return Customer.of(found.source), ""
    for number in _spellings(who):
        key = keyed_hash(pii_key(store.settings), number)
        hits = _hits(store, {"term": {"customer.subscriber_keys": key}}, 1)
        if hits:
            return Customer.of(hits[0]), key
    if "@" in who:
        hits = _hits(store, {"term": {"customer.email.keyword": who.lower()}}, 1)
        if hits:
            return Customer.of(hits[0]), ""
    near = ", ".join(f"{one.id} ({one.name})" for one in search_customers(store, who, limit=3)) if who else ""
    raise UserError(
        f"no customer has the id or number {who[:40]!r}",
        remedy=f"perhaps {near}" if near else "look for them with `busyhour customer search`",
    )


def _spellings(who: str) -> tuple[str, ...]:
    """How a number may stand in the records; nothing for what is no number."""
    digits = "".join(each for each in who if each.isdigit())
    if not digits or any(not (each.isdigit() or each in "+ -()./") for each in who):
        return ()
    return (f"+{digits}", digits)


def search_customers(store: Store, typed: str, *, limit: int = 10) -> list[Customer]:
    """Customers as one types: every word begins a word of name or e-mail address, or all of it begins their id or number.

    Who may not read numbers finds nobody by them. `typed` may be anything; an empty one finds nobody.
    """
    typed = typed.strip()[:MOST_TYPED]
    if not typed:
        return []
    exact = _by_number(store, typed, limit) if _spellings(typed) else []
    should: list[dict[str, Any]] = [
        {"multi_match": {"query": typed, "type": "bool_prefix", "operator": "and", "fields": [name, f"{name}.typed"]}}
        for name in ("customer.name", "customer.email")
    ]
    should.append({"prefix": {"customer.id": {"value": typed.upper()}}})
    if exact:
        should.append({"terms": {"customer.id": exact, "boost": 10}})
    query = {"bool": {"should": should, "minimum_should_match": 1}}
    return [Customer.of(source) for source in _hits(store, query, limit)]


def _by_number(store: Store, typed: str, limit: int) -> list[str]:
    """Owners of the numbers that begin so; none where numbers may not be read."""
    digits = "".join(each for each in typed if each.isdigit())
    query = {"bool": {"should": [{"prefix": {"subscriber.typed": text}} for text in (f"+{digits}", digits)]}}
    try:
        hits = store.search("subscriber", query=query, size=limit, track_total_hits=False, _source=["customer.id"])
    except StoreRefused as error:
        if error.status != _FORBIDDEN:
            raise
        return []
    return [str(hit["_source"]["customer"]["id"]) for hit in hits["hits"]["hits"]]


def _hits(store: Store, query: Mapping[str, Any], limit: int) -> list[dict[str, Any]]:
    answer = store.search("customer", query=query, size=limit, track_total_hits=False)
    return [hit["_source"] for hit in answer["hits"]["hits"]]
