"""Changes of a customer's account by the desk: every one in the account's history, guarded, and seen by the next sync."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from contracts.clock import Clock, iso, utc_now
from contracts.errors import UserError
from datagen.definitions import nearest
from infrastructure.store import Store
from servicedesk.profiles import Customer, listed
from servicedesk.sync.tables import TABLES

CONSENTS = ("marketing", "survey", "recording", "profiling")
_MOST_HISTORY = 200
_NEVER = ("msisdns", "services", "trunk_groups", "consents")  # what contracts and consents of their own decide


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
    checked = {name: _checked(name, raw) for name, raw in values.items()}

    def change(source: dict[str, Any]) -> dict[str, Any] | None:
        row = dict(source["customer"])
        consents = list(listed(row.get("consents")))
        wanted = {**checked, "consents": [one for one in dict.fromkeys((*consents, *given)) if one not in taken]}
        entries = []
        for name, value in wanted.items():
            before = consents if name == "consents" else row.get(name, "")
            if before == value:
                continue
            entry = {"at": iso(clock()), "by": by, "what": name, "from": before, "to": value}
            entries.append(orjson.dumps(entry).decode())
            row.pop(name, None)
            row |= {name: value} if value else {}
        if not entries:
            return None
        row["history"] = [*listed(row.get("history")), *entries][-_MOST_HISTORY:]
        return {**source, "customer": row, "event": {"ingested": iso(clock())}}

    if store.get("customer", customer) is None:
        raise UserError(f"there is no customer {customer[:40]}", remedy="see `busyhour customer search`")
    after = Customer.of(store.modify("customer", customer, change))
    store.refresh("customer")
    return after


def _checked(name: str, raw: str) -> str:
    columns = {one: read for one, read in TABLES["customers"].columns.items() if one not in _NEVER}
    if name not in columns:
        raise UserError(
            f"{name[:40]!r} is no column of a customer{nearest(name, columns)}", remedy=f"one of {', '.join(columns)}"
        )
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
