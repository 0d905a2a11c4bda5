"""Which columns a legacy system may deliver, what each must look like, and where it goes in our documents."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from contracts.clock import iso, parse_iso
from servicedesk import billing, subscriptions
from servicedesk.contacts import contacts_of
from servicedesk.money import exponent, to_minor

MOST_TEXT = 1000  # characters of a value
MOST_LIST = 1000  # values of a list
_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s]{1,190}")
Value = str | list[str]
Read = Callable[[Any], Value]


@dataclass(frozen=True, slots=True)
class Table:
    """`index`: where its rows go. `key`: column of the id. `columns`: how each is read. `aliases`: other names of columns."""

    name: str
    index: str
    key: str
    columns: Mapping[str, Read]
    aliases: Mapping[str, str]


def text(raw: Any) -> str:
    """Raises ValueError on what is too long, or is no single value."""
    if isinstance(raw, list | dict | tuple):
        raise ValueError("is no single value")
    found = str(raw).strip()
    if len(found) > MOST_TEXT or "\x00" in found:
        raise ValueError(f"is longer than {MOST_TEXT} characters, or no text")
    return found


def texts(raw: Any) -> list[str]:
    """A list, or values separated by `;`."""
    parts = raw if isinstance(raw, list) else text(raw).split(";")
    found = list(dict.fromkeys(part for part in map(text, parts) if part))
    if len(found) > MOST_LIST:
        raise ValueError(f"has more than {MOST_LIST} values")
    return found


def day(raw: Any) -> str:
    """A date or time of ISO 8601."""
    if isinstance(raw, datetime):
        return iso(raw if raw.tzinfo else raw.replace(tzinfo=UTC))
    if isinstance(raw, date):
        return raw.isoformat()
    found = text(raw)
    try:
        moment = parse_iso(found)
        return found if len(found) == 10 else iso(moment)
    except (ValueError, OverflowError):
        raise ValueError("is no date such as 2026-11-21") from None


def moment(raw: Any) -> str:
    """A date or time as a moment; a day begins at midnight UTC."""
    return iso(parse_iso(day(raw)))


def word_of(*words: str) -> Read:
    def read(raw: Any) -> str:
        found = text(raw).lower()
        if found not in words:
            raise ValueError(f"is not one of {', '.join(words)}")
        return found

    return read


def mail(raw: Any) -> str:
    found = text(raw).lower()
    if not _EMAIL.fullmatch(found):
        raise ValueError("is no e-mail address")
    return found


def amount(raw: Any) -> str:
    """Money as a decimal text. A float has lost digits already: ValueError."""
    if isinstance(raw, float):
        raise ValueError("is a floating-point number; deliver decimals")
    found = str(raw) if isinstance(raw, Decimal | int) else text(raw)
    if to_minor(found, "BHD") < 0:  # three decimals, the most there are; its own currency judges again
        raise ValueError("is less than 0; payments and credits have kinds of their own")
    return found


def currency(raw: Any) -> str:
    found = text(raw).upper()
    exponent(found)
    return found


_STATUS = word_of("active", "suspended", "ended")
TABLES: Mapping[str, Table] = {
    table.name: table
    for table in (
        Table(
            "customers",
            "customer",
            "customer_id",
            {
                "name": text,
                "kind": word_of("consumer", "business"),
                "status": _STATUS,
                "language": text,
                "plan": text,
                "since": day,
                "email": mail,
                "phone": text,
                "address": text,
                "sla": text,
                "consents": texts,
                "services": texts,
                "trunk_groups": texts,
                "contacts": contacts_of,
                "msisdns": texts,
            },
            {"id": "customer_id"},
        ),
        Table(
            "subscriptions",
            "subscription",
            "subscription_id",
            {
                "customer_id": text,
                "kind": word_of(*subscriptions.KINDS),
                "status": _STATUS,
                "plan": text,
                "since": day,
                "until": day,
                "region": text,
                "cell": text,
                "trunk_group": text,
                "apn": text,
                "device": text,
                "msisdn": text,
            },
            {"home_cell": "cell", "id": "subscription_id"},
        ),
        Table(
            "billing",
            "billing",
            "entry_id",
            {
                "customer_id": text,
                "kind": word_of(*billing.KINDS),
                "date": moment,
                "due": day,
                "paid": day,
                "from": day,
                "until": day,
                "state": word_of(*billing.STATES),
                "currency": currency,
                "amount": amount,
                "net": amount,
                "tax": amount,
                "invoice": text,
                "plan": text,
            },
            {"invoice_id": "entry_id", "issued": "date", "total": "amount", "id": "entry_id"},
        ),
    )
}
