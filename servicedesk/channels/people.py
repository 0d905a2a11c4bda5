"""Who writes or calls: the customer behind an address or a number. Nobody where it is not certain."""

from __future__ import annotations

import re
from typing import Any

from contracts.ids import keyed_hash
from infrastructure.secrets import pii_key
from infrastructure.store import Store

_NUMBER = re.compile(r"\+?[0-9][0-9 ()/.-]{4,24}")


def customer_of(store: Store, sender: str) -> str:
    """Id of the one customer with this e-mail address or number, "" when there is none or more than one."""
    if "@" in sender:
        return _by_mail(store, sender)
    return _by_number(store, sender) if _NUMBER.fullmatch(sender) else ""


def language_of(store: Store, customer: str) -> str:
    """The language a customer is written to in, "" where it is not known."""
    found = store.get("customer", customer) if customer else None
    return "" if found is None else str(found.source["customer"].get("language", ""))


def _by_mail(store: Store, address: str) -> str:
    either = [
        {"term": {"customer.email.keyword": {"value": address, "case_insensitive": True}}},
        {"term": {"customer.reach": address.lower()}},
    ]
    query = {"bool": {"should": either, "minimum_should_match": 1}}
    return _one(store.search("customer", query=query, size=2, _source=["customer.id"])["hits"]["hits"])


def _by_number(store: Store, number: str) -> str:
    """By the keyed hash that records of the number have, and by the number to call back."""
    digits = re.sub(r"\D", "", number).removeprefix("00")
    spellings = (f"+{digits}", digits, f"00{digits}")
    key = pii_key(store.settings)
    found = store.get_many("subscriber", [keyed_hash(key, each) for each in spellings])
    owners = {row.source["customer"]["id"] for row in found.values()}
    if owners:
        return owners.pop() if len(owners) == 1 else ""
    either = [{"terms": {name: list(spellings)}} for name in ("customer.phone", "customer.reach")]
    query = {"bool": {"should": either, "minimum_should_match": 1}}
    return _one(store.search("customer", query=query, size=2, _source=["customer.id"])["hits"]["hits"])


def _one(hits: list[dict[str, Any]]) -> str:
    return str(hits[0]["_source"]["customer"]["id"]) if len(hits) == 1 else ""
