"""Changes of a customer's account by the desk: every one in the account's history, guarded, and seen by the next sync."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from contracts.clock import Clock, iso, utc_now
from contracts.errors import ConflictError, UserError
from datagen.definitions import nearest
from infrastructure.store import Operation, Store
from servicedesk.profiles import Customer, listed
from servicedesk.revising import Change, revised
from servicedesk.sla import agreements_of
from servicedesk.sync.tables import TABLES

CONSENTS = ("marketing", "survey", "recording", "profiling")
_ID = re.compile(r"[\w][\w.-]{0,63}", re.ASCII)
# What contracts, consents and contacts of their own decide.
_NEVER = ("msisdns", "services", "trunk_groups", "consents", "contacts")


def change_account(
    store: Store,
    customer: str,
    values: Mapping[str, str],
    *,
    by: str,
    give: Iterable[str] = (),
    withdraw: Iterable[str] = (),
    clock: Clock = utc_now,
) -> Customer:
    """Sets columns of a customer (name, status, language, email, phone, address, plan, sla …; "" clears one), and consents
    given or withdrawn. What stands there already is no change.

    Raises UserError on no such customer, an unknown column or consent, or a value that is none.
    """
    given, taken = _consents(give), set(_consents(withdraw))
    checked = {name: _checked(store, name, raw) for name, raw in values.items()}

    def change(row: dict[str, Any]) -> list[Change]:
        consents = list(listed(row.get("consents")))
        wanted = {**checked, "consents": [one for one in dict.fromkeys((*consents, *given)) if one not in taken]}
        changes = []
        for name, value in wanted.items():
            before = consents if name == "consents" else row.get(name, "")
            if before == value:
                continue
            changes.append(Change(name, before, value))
            row.pop(name, None)
            row |= {name: value} if value else {}
        return changes

    return revised(store, customer, change, by=by, clock=clock)


def open_account(
    store: Store, customer: str, values: Mapping[str, str], *, by: str, clock: Clock = utc_now
) -> Customer:
    """A new customer with these columns (name at least); `since` is now unless it is said.

    Raises UserError on an id or a column that is none, ConflictError where the customer is there already, ended ones too.
    """
    if not _ID.fullmatch(customer):
        raise UserError(f"{customer[:40]!r} is no customer id", remedy="letters, digits, dots, dashes, 64 at most")
    now = iso(clock())
    row: dict[str, Any] = {name: value for name, raw in values.items() if (value := _checked(store, name, raw))}
    if not row.get("name"):
        raise UserError("a customer has a name")
    entry = orjson.dumps({"at": now, "by": by, "what": "opened", "from": "", "to": row["name"]}).decode()
    row = {"id": customer, "status": "active", "since": now[:10], **row, "history": [entry]}
    source = {"customer": row, "event": {"ingested": now}}
    written = store.write_all([Operation("create", store.place("customer"), customer, source)])
    there = None if written else store.get("customer", customer)
    if there is not None and there.source["customer"].get("history") != row["history"]:  # else our own, its answer lost
        raise ConflictError("there is such a customer already", where=customer, remedy="change that account instead")
    store.refresh("customer")
    return Customer.of(source)


def _checked(store: Store, name: str, raw: str) -> str:
    columns = {one: read for one, read in TABLES["customers"].columns.items() if one not in _NEVER}
    if name not in columns:
        raise UserError(
            f"{name[:40]!r} is no column of a customer{nearest(name, columns)}", remedy=f"one of {', '.join(columns)}"
        )
    if name == "sla" and raw.strip():
        return agreements_of(store.settings).named(raw.strip()).name
    try:
        return str(columns[name](raw)) if raw.strip() else ""
    except ValueError as error:
        raise UserError(f"{name} {raw[:60]!r} {error}") from None


def _consents(names: Iterable[str]) -> list[str]:
    found = list(names)
    for name in found:
        if name not in CONSENTS:
            hint = nearest(name, CONSENTS)
            raise UserError(f"{name[:40]!r} is no consent{hint}", remedy=f"one of {', '.join(CONSENTS)}")
    return found
