"""What customers complained about before the run began: a short history, computed from their numbers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from contracts.clock import iso
from datagen.definitions import known, load, mapping, number, one_of
from datagen.people.base import Customers, joined
from datagen.streams import mixed, pick_for
from datagen.table import Floats, Ints

_FILE = Path(__file__).with_name("tickets.yml")
_SERVICES = ("voip", "sms", "epc", "billing", "account")
_PRIORITIES = ("P1", "P2", "P3", "P4")
_CHANNELS = ("phone", "phone", "app", "web", "shop")
_SALT, _MOST = 50, 10_000  # tickets of one customer: fewer than _MOST


@dataclass(frozen=True, slots=True)
class Reason:
    name: str
    share: float
    kind: str
    service: str
    priority: str
    median_hours: float
    text: str


def read_reasons(path: Path = _FILE) -> tuple[Reason, ...]:
    """What tickets are about. Raises DefinitionError that names file and key."""
    return tuple(_reason(key, row, f"{path}: {key}") for key, row in load(path).items())


def _reason(key: str, value: Any, where: str) -> Reason:
    row = mapping(value, where)
    known(row, where, ["share", "kind", "service", "priority", "median_hours", "text"])
    return Reason(
        key,
        number(row["share"], f"{where}.share", 1e-6, 1),
        one_of(row["kind"], ("any", "consumer", "business"), f"{where}.kind"),
        one_of(row["service"], _SERVICES, f"{where}.service"),
        one_of(row["priority"], _PRIORITIES, f"{where}.priority"),
        number(row["median_hours"], f"{where}.median_hours", 0.1, 10_000),
        str(row["text"]),
    )


def tickets(customers: Customers, reasons: tuple[Reason, ...], n: Ints, until: date) -> Iterator[dict[str, Any]]:
    """Tickets of these customers in the months before `until`, a customer after the other, the oldest first."""
    days = customers.base.accounts["ticket_months"] * 30
    mean = customers.base.accounts["tickets_per_year"] * days / 360
    if not mean:
        return
    many = np.searchsorted(np.cumsum(_poisson(mean)), _part(n, customers.seed + _SALT), side="right")
    owner = np.repeat(n, many)
    key = owner * _MOST + np.arange(owner.size) - np.repeat(np.cumsum(many) - many, many)
    age = days * _part(key, customers.seed + _SALT + 1)
    order = np.lexsort((-age, owner))
    owner, key, age = owner[order], key[order], age[order]
    columns = zip(
        owner.tolist(),
        _reasons(customers, reasons, owner, key).tolist(),
        _numbers(customers, owner, key).tolist(),
        age.tolist(),
        np.exp(1.8 * _part(key, customers.seed + _SALT + 3) - 0.9).tolist(),
        mixed(key, customers.seed + _SALT + 4).tolist(),
        mixed(owner, customers.seed + 3).tolist(),
        strict=True,
    )
    end = datetime(until.year, until.month, until.day, tzinfo=UTC)
    for customer, reason, msisdn, days_ago, slowness, chance, since in columns:
        opened = (end - timedelta(days=days_ago)).replace(microsecond=0)
        if opened.date() >= joined(since):
            about = reasons[reason]
            yield {
                "ticket_id": f"H{opened:%Y%m%d}-{customer + 1:07d}-{chance % 10_000:04d}",
                "customer_id": customers.identity(customer),
                "msisdn": f"+{msisdn}",
                "category": about.name,
                "service": about.service,
                "priority": about.priority,
                "channel": _CHANNELS[chance // 10_000 % len(_CHANNELS)],
                "title": about.text,
                "opened": iso(opened),
                **_end(opened + timedelta(seconds=round(3600 * slowness * about.median_hours)), end),
            }


def _end(solved: datetime, now: datetime) -> dict[str, str]:
    return {"state": "closed", "resolved": iso(solved)} if solved < now else {"state": "open"}


def _reasons(customers: Customers, reasons: tuple[Reason, ...], owner: Ints, key: Ints) -> Ints:
    found = {
        kind: pick_for(
            np.array([each.share * (each.kind in ("any", kind)) for each in reasons]), key, customers.seed + _SALT + 2
        )
        for kind in ("consumer", "business")
    }
    return np.where(owner < customers.businesses, found["business"], found["consumer"])


def _numbers(customers: Customers, owner: Ints, key: Ints) -> Ints:
    """The line that each ticket is about."""
    return customers.number(owner, mixed(key, customers.seed + _SALT + 5) % customers.lines(owner))


def _part(numbers: Ints, salt: int) -> Floats:
    """0–1, computed from numbers."""
    return np.asarray((mixed(numbers, salt) >> 10) / 2.0**53)


def _poisson(mean: float) -> Floats:
    """Probabilities of 0, 1, 2 … tickets, as many as matter."""
    count = np.arange(1, int(mean + 12 * mean**0.5) + 12)
    return np.asarray(np.exp(-mean) * np.cumprod(np.concatenate([[1.0], mean / count])))
