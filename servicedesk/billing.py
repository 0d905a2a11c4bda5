"""What customers owe: invoices, payments, credits and refunds in an index of their own. Money is whole smallest units."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import orjson

from contracts.clock import parse_iso
from infrastructure.store import Store
from servicedesk.money import from_minor, money_words, to_minor
from servicedesk.profiles import listed, moment_of

KINDS = ("invoice", "payment", "credit", "refund")
STATES = ("open", "paid", "overdue", "disputed", "void")
# What each adds to what the customer owes: a refund gives money back, so that they owe it again.
SIGN: Mapping[str, int] = {"invoice": 1, "payment": -1, "credit": -1, "refund": 1}
MOST = 1000


@dataclass(frozen=True, slots=True)
class Entry:
    """An invoice, payment, credit or refund. `amount` in `currency`; `due` and `paid` of an invoice."""

    id: str
    kind: str
    at: datetime
    amount: Decimal
    currency: str
    state: str
    due: datetime | None
    paid: datetime | None
    invoice: str
    items: tuple[Mapping[str, Any], ...]

    @classmethod
    def of(cls, source: Mapping[str, Any]) -> Entry:
        """From a document of index `billing`."""
        row = source["billing"]
        return cls(
            id=row["id"],
            kind=row["kind"],
            at=parse_iso(source["@timestamp"]),
            amount=from_minor(row["amount"]["minor"], row["currency"]),
            currency=row["currency"],
            state=row.get("state", ""),
            due=moment_of(row.get("due")),
            paid=moment_of(row.get("paid")),
            invoice=row.get("invoice", ""),
            items=tuple(orjson.loads(entry) for entry in listed(row.get("items"))),
        )

    def overdue(self, now: datetime) -> bool:
        """An invoice that is not paid, void or disputed, and should have been by now."""
        owed = self.kind == "invoice" and self.paid is None and self.state not in ("paid", "void", "disputed")
        return owed and self.due is not None and self.due < now


def entries(store: Store, customer: str, *, limit: int = MOST) -> list[Entry]:
    """Of one customer, newest first, at most `limit`."""
    query = {"term": {"customer.id": customer}}
    sort = [{"@timestamp": "desc"}, {"billing.id": "asc"}]
    hits = store.search("billing", query=query, size=min(limit, MOST), sort=sort, track_total_hits=False)
    return [Entry.of(hit["_source"]) for hit in hits["hits"]["hits"]]


def overdue(store: Store, customer: str, now: datetime) -> list[Entry]:
    """Invoices of one customer that should have been paid by now, the oldest first."""
    filters: list[dict[str, Any]] = [
        {"term": {"customer.id": customer}},
        {"term": {"billing.kind": "invoice"}},
        {"terms": {"billing.state": ["open", "overdue"]}},
    ]
    sort = [{"@timestamp": "asc"}, {"billing.id": "asc"}]
    query = {"bool": {"filter": filters, "must_not": {"exists": {"field": "billing.paid"}}}}
    hits = store.search("billing", query=query, size=MOST, sort=sort, track_total_hits=False)["hits"]["hits"]
    return [one for one in (Entry.of(hit["_source"]) for hit in hits) if one.overdue(now)]


def balance(store: Store, customer: str) -> dict[str, Decimal]:
    """What a customer owes by currency; less than 0: what they have to their credit. Exact: 64-bit integers are added."""
    query = "FROM billing | STATS minor = SUM(billing.effect.minor) BY billing.currency"
    where = {"bool": {"filter": [{"term": {"customer.id": customer}}], "must_not": {"term": {"billing.state": "void"}}}}
    rows = store.esql(query, where=where).dicts()
    return {str(row["billing.currency"]): from_minor(int(row["minor"]), row["billing.currency"]) for row in rows}


def owed_words(balances: Mapping[str, Decimal]) -> str:
    """`1,234.50 EUR, 3.00 GBP`; "" where nothing is owed."""
    owed = [(name, amount) for name, amount in sorted(balances.items()) if amount > 0]
    return ", ".join(money_words(to_minor(amount, name), name) for name, amount in owed)
