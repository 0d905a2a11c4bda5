"""A customer's account is changed in one way: guarded, and with each change in the account's own history."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import orjson

from contracts.clock import Clock, iso, utc_now
from contracts.errors import UserError
from infrastructure.store import Store
from servicedesk.profiles import Customer, listed

MOST_HISTORY = 200  # changes of an account that are kept


class Change(NamedTuple):
    """What of an account is another now; `before` and `after` as people read them."""

    what: str
    before: Any
    after: Any


def revised(
    store: Store, customer: str, change: Callable[[dict[str, Any]], list[Change]], *, by: str, clock: Clock = utc_now
) -> Customer:
    """The account after `change`, which changes the row that it is given and says what it changed, [] where that is nothing.

    Raises UserError on no such customer, and whatever `change` raises; then nothing is written.
    """

    def changed(source: dict[str, Any]) -> dict[str, Any] | None:
        row = dict(source["customer"])
        entries = [
            orjson.dumps({"at": iso(clock()), "by": by, "what": one.what, "from": one.before, "to": one.after}).decode()
            for one in change(row)
        ]
        if not entries:
            return None
        row["history"] = [*listed(row.get("history")), *entries][-MOST_HISTORY:]
        return {**source, "customer": row, "event": {"ingested": iso(clock())}}

    if store.get("customer", customer) is None:
        raise UserError(f"there is no customer {customer[:40]}", remedy="see `busyhour customer search`")
    after = Customer.of(store.modify("customer", customer, changed))
    store.refresh("customer")
    return after
