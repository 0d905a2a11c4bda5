"""Rows of the three tables as documents, and back: which column stands where. Numbers are kept as keyed hashes only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from contracts.clock import iso, parse_iso
from contracts.ids import keyed_hash
from servicedesk.billing import SIGN
from servicedesk.contacts import reach_of
from servicedesk.money import from_minor, to_minor
from servicedesk.profiles import listed

Document = dict[str, Any]
_CUSTOMER = ("name", "kind", "status", "language", "plan", "since", "email", "phone", "address", "sla")
_CUSTOMER_LISTS = ("consents", "services", "trunk_groups", "contacts")
_SUBSCRIPTION = ("kind", "status", "plan", "since", "until", "region", "cell", "trunk_group", "apn", "device")
_BILLING = ("kind", "due", "paid", "from", "until", "state", "currency", "invoice", "plan")
_MONEY = ("amount", "net", "tax")


def hashed(values: Mapping[str, Any], key: bytes) -> Document:
    """The values without plain numbers: `msisdns` and `msisdn` become `keys` and `key`."""
    found = {name: value for name, value in values.items() if name not in ("msisdns", "msisdn")}
    if "msisdns" in values:
        found["keys"] = [keyed_hash(key, number) for number in values["msisdns"]]
    if "msisdn" in values:
        found["key"] = keyed_hash(key, values["msisdn"]) if values["msisdn"] else ""
    return found


def in_decimals(values: Mapping[str, Any]) -> Document:
    """Money with as many decimals as its currency has. Raises UserError on more, or an unknown currency."""
    currency = str(values.get("currency", ""))
    money = {name: str(from_minor(to_minor(values[name], currency), currency)) for name in _MONEY if values.get(name)}
    return {**values, **money}


def document(index: str, key: str, values: Mapping[str, Any]) -> Document:
    """The document of a row of that index; what our side keeps beside it is added by the caller."""
    if index == "customer":
        row = {name: values[name] for name in (*_CUSTOMER, *_CUSTOMER_LISTS) if values.get(name)}
        row |= {"reach": reach_of(values["contacts"])} if values.get("contacts") else {}
        return {"customer": {"id": key, **row, **({"subscriber_keys": values["keys"]} if values.get("keys") else {})}}
    owner = {"customer": {"id": values["customer_id"]}} if values.get("customer_id") else {}
    if index == "subscription":
        row = {name: values[name] for name in _SUBSCRIPTION if values.get(name)}
        number = {"subscriber": {"key": values["key"]}} if values.get("key") else {}
        return {"subscription": {"id": key, **row}, **owner, **number}
    row = {name: values[name] for name in _BILLING if values.get(name)}
    row |= {"kind": values.get("kind") or "invoice"}
    if row["kind"] == "invoice" and "state" not in row:
        row["state"] = "paid" if "paid" in row else "open"
    money = {name: {"minor": to_minor(values[name], row["currency"])} for name in _MONEY if values.get(name)}
    effect = {"effect": {"minor": SIGN[row["kind"]] * money["amount"]["minor"]}}
    return {"@timestamp": iso(parse_iso(values["date"])), "billing": {"id": key, **row, **money, **effect}, **owner}


def values_of(index: str, source: Mapping[str, Any]) -> Document:
    """The reverse: what stands here, by column."""
    row = source[index]
    if index == "customer":
        found = {name: row[name] for name in _CUSTOMER if name in row}
        found |= {name: list(listed(row[name])) for name in _CUSTOMER_LISTS if name in row}
        return found | ({"keys": list(listed(row["subscriber_keys"]))} if "subscriber_keys" in row else {})
    found = {"customer_id": source["customer"]["id"]} if "id" in source.get("customer", {}) else {}
    if index == "subscription":
        found |= {name: row[name] for name in _SUBSCRIPTION if name in row}
        return found | ({"key": source["subscriber"]["key"]} if "subscriber" in source else {})
    found |= {name: row[name] for name in _BILLING if name in row}
    found |= {name: str(from_minor(row[name]["minor"], row["currency"])) for name in _MONEY if name in row}
    return found | {"date": source["@timestamp"]}


def synced_of(source: Mapping[str, Any]) -> tuple[str, Document | None]:
    """Which system it is synchronised from, and what that had last."""
    customer = source.get("customer", {})
    last = customer.get("synced")
    return str(customer.get("source", "")), None if last is None else orjson.loads(last)
