"""Further people of a customer: who they are and how they are reached. By their addresses and numbers messages are known.

Written by the desk (`busyhour customer contact`), by linking a message to a customer (`channels.linking`), and by the sync.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import orjson

from contracts.clock import Clock, utc_now
from contracts.errors import UserError
from infrastructure.store import Store
from servicedesk.profiles import Customer, listed
from servicedesk.revising import Change, revised

MOST = 50  # of one customer
_MOST_TEXT = 200
_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s]{1,190}")
_NUMBER = re.compile(r"\+?[0-9]{4,20}")


class Contact(NamedTuple):
    """A person; `email` in lower case, `phone` digits with or without a leading +."""

    name: str = ""
    role: str = ""
    email: str = ""
    phone: str = ""

    def text(self) -> str:
        """As it is kept: JSON of what is known."""
        return orjson.dumps({key: value for key, value in self._asdict().items() if value}).decode()

    def words(self) -> str:
        return ", ".join(value for value in self if value)


def contact(values: Mapping[str, Any]) -> Contact:
    """Checked. Raises ValueError on an unknown key, an address or number that is none, or a person who cannot be reached."""
    for key in values:
        if key not in Contact._fields:
            raise ValueError(f"{str(key)[:40]!r} is nothing of a contact: {', '.join(Contact._fields)}")
    read = {key: " ".join(str(value or "").split()) for key, value in values.items()}
    if any(len(value) > _MOST_TEXT for value in read.values()):
        raise ValueError(f"is longer than {_MOST_TEXT} characters")
    email, phone = read.get("email", "").lower(), re.sub(r"[\s()./-]", "", read.get("phone", ""))
    if email and not _EMAIL.fullmatch(email):
        raise ValueError("is no e-mail address")
    phone = f"+{phone[2:]}" if phone.startswith("00") else phone
    if phone and not _NUMBER.fullmatch(phone):
        raise ValueError("is no number")
    if not (email or phone):
        raise ValueError("a contact has an e-mail address or a number")
    return Contact(read.get("name", ""), read.get("role", ""), email, phone)


def contacts_of(raw: Any) -> list[str]:
    """A cell of a legacy system: a list of objects, or JSON of one; as contacts are kept. Raises ValueError."""
    if isinstance(raw, str):
        try:
            raw = orjson.loads(raw)
        except orjson.JSONDecodeError:
            raise ValueError("is no JSON list of contacts") from None
    if not isinstance(raw, list) or len(raw) > MOST:
        raise ValueError(f"is no list of at most {MOST} contacts")
    rows = [orjson.loads(one) if isinstance(one, str) else one for one in raw]
    if not all(isinstance(one, dict) for one in rows):
        raise ValueError("holds what is no contact")
    return sorted({contact(one).text() for one in rows})


def reach_of(texts: Iterable[str]) -> list[str]:
    """Addresses and numbers of contacts as they are kept: what `customer.reach` holds."""
    rows = [orjson.loads(text) for text in texts]
    return sorted({row[name] for row in rows for name in ("email", "phone") if row.get(name)})


def keep_contact(store: Store, customer: str, new: Contact, *, by: str, clock: Clock = utc_now) -> Customer:
    """Adds a person, or changes who has the same address or number. What stands there already is no change.

    Raises UserError on no such customer, or too many contacts.
    """

    def change(known: list[Contact]) -> tuple[list[Contact], str, str]:
        same = next((one for one in known if _same(one, new)), None)
        whole = Contact(*(mine or theirs for mine, theirs in zip(new, same or Contact(), strict=True)))
        rest = [one for one in known if one is not same]
        if len(rest) >= MOST:
            raise UserError(f"has {MOST} contacts", where=customer, remedy="remove one first")
        return [*rest, whole], same.words() if same else "", whole.words()

    return _changed(store, customer, change, by, clock)


def remove_contact(store: Store, customer: str, reach: str, *, by: str, clock: Clock = utc_now) -> Customer:
    """Takes away who has this address or number. Raises UserError when nobody has."""
    wanted = {reach.strip().lower(), re.sub(r"[\s()./-]", "", reach)} - {""}

    def change(known: list[Contact]) -> tuple[list[Contact], str, str]:
        gone = [one for one in known if wanted & {one.email, one.phone}]
        if not gone:
            raise UserError(f"nobody is reached by {reach[:60]!r}", where=customer)
        return [one for one in known if one not in gone], "; ".join(one.words() for one in gone), ""

    return _changed(store, customer, change, by, clock)


def _same(one: Contact, other: Contact) -> bool:
    return bool((one.email and one.email == other.email) or (one.phone and one.phone == other.phone))


def _changed(
    store: Store,
    customer: str,
    change: Callable[[list[Contact]], tuple[list[Contact], str, str]],
    by: str,
    clock: Clock,
) -> Customer:
    def changed(row: dict[str, Any]) -> list[Change]:
        texts = list(listed(row.get("contacts")))
        after, was, now = change([Contact(**orjson.loads(text)) for text in texts])
        wanted = sorted(one.text() for one in after)
        if wanted == sorted(texts):
            return []
        row |= {"contacts": wanted, "reach": reach_of(wanted)}
        return [Change("contact", was, now)]

    return revised(store, customer, changed, by=by, clock=clock)
