"""Whose traffic it is: customer n is computed, not stored, so that any number of them can be described.

Customers 0 … businesses-1 are businesses, the rest consumers. A business n is served by trunk group n mod (their count).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np

from datagen.network import CustomerBase
from datagen.streams import Stream, mixed
from datagen.table import Ints

MOST_LINES = 16
_SPAN = 10**10  # subscriber numbers and IMSIs have ten digits after their prefix
_SCATTER = 7_812_345_679  # prime to ten: scatters line numbers one to one
_LANGUAGES = ("en", "de", "fr", "es")
_FIRST = ("Alder", "Birch", "Cedar", "Dogwood", "Elm", "Fir", "Ginkgo", "Hazel", "Juniper", "Larch", "Maple", "Oak")
_SECOND = ("Bridge", "Court", "Dale", "Field", "Gate", "Harbour", "Hill", "Lane", "Mill", "Quay", "Ridge", "Wharf")
_TRADES = ("Freight", "Dental", "Foods", "Hotels", "Insurance", "Joinery", "Logistics", "Motors", "Schools", "Textiles")


@dataclass(frozen=True, slots=True)
class Customers:
    """The customer base of one network and seed."""

    base: CustomerBase
    trunk_groups: tuple[str, ...]
    services: tuple[str, ...]
    seed: int

    @property
    def count(self) -> int:
        return self.base.count

    @property
    def businesses(self) -> int:
        """At least one on every trunk group, and at least one consumer beside them."""
        return max(len(self.trunk_groups), round(self.count * self.base.business))

    def lines(self, n: Ints) -> Ints:
        """How many lines (numbers) customer n has: consumers 1 or 2, businesses 2 to 12."""
        chance = mixed(n, self.seed)
        return np.where(n < self.businesses, 2 + chance % 11, 1 + (chance % 5 == 0))

    def plan(self, n: Ints) -> Ints:
        """Index into `base.plans`."""
        chance = mixed(n, self.seed + 1)
        consumer, business = len(self.base.consumer_plans), len(self.base.business_plans)
        return np.where(n < self.businesses, consumer + chance % business, chance % consumer)

    def number(self, n: Ints, line: Ints) -> Ints:
        """MSISDN (E.164 digits as a number)."""
        return self.base.prefix * _SPAN + (_line(n, line) * _SCATTER + self.seed % _SPAN) % _SPAN

    def imsi(self, n: Ints, line: Ints) -> Ints:
        return self.base.imsi_prefix * _SPAN + (_line(n, line) * _SCATTER + 3_141_592_653) % _SPAN

    def imei(self, n: Ints, line: Ints) -> Ints:
        """Fifteen digits: allocation code 00101xxx (tests), serial number, Luhn check digit (3GPP TS 23.003 §6.2)."""
        chance = mixed(_line(n, line), self.seed + 2)
        body = (101_000 + chance % 37) * 10**6 + chance // 37 % 10**6
        return body * 10 + _luhn(body)

    def some_business(self, rng: Stream, size: int) -> Ints:
        return (self.businesses * rng.random(size) ** self.base.skew).astype(np.int64)

    def some_consumer(self, rng: Stream, size: int) -> Ints:
        return self.businesses + ((self.count - self.businesses) * rng.random(size) ** self.base.skew).astype(np.int64)

    def some_business_on(self, rng: Stream, trunk_group: Ints) -> Ints:
        """One business that each given trunk group serves."""
        groups = len(self.trunk_groups)
        on_it = (self.businesses - trunk_group + groups - 1) // groups
        return trunk_group + groups * (on_it * rng.random(trunk_group.size) ** self.base.skew).astype(np.int64)

    def some_line(self, rng: Stream, n: Ints) -> Ints:
        return (self.lines(n) * rng.random(n.size)).astype(np.int64)

    def identity(self, n: int) -> str:
        return f"C{n + 1:07d}"

    def records(self, chunk: int = 10_000) -> Iterator[dict[str, Any]]:
        """One mapping per customer, in order; memory does not grow with their count."""
        for first in range(0, self.count, chunk):
            n = np.arange(first, min(first + chunk, self.count))
            chance, lines, plans = mixed(n, self.seed + 3), self.lines(n), self.plan(n)
            for i, customer in enumerate(n.tolist()):
                yield self._record(customer, int(chance[i]), int(lines[i]), int(plans[i]))

    def _record(self, n: int, chance: int, lines: int, plan: int) -> dict[str, Any]:
        business = n < self.businesses
        name = f"{_FIRST[chance % 12]} {_SECOND[chance // 12 % 12]}"
        numbers = self.number(np.full(lines, n), np.arange(lines))
        return {
            "customer_id": self.identity(n),
            "name": f"{name} {_TRADES[chance // 144 % 10]} Ltd" if business else name,
            "kind": "business" if business else "consumer",
            "language": _LANGUAGES[max(0, chance // 1440 % 10 - 6)],
            "plan": self.base.plans[plan],
            "since": (date(2012, 1, 1) + timedelta(days=chance // 14400 % 4700)).isoformat(),
            "msisdns": [f"+{number}" for number in numbers.tolist()],
            "trunk_groups": [self.trunk_groups[n % len(self.trunk_groups)]] if business else [],
            "services": list(self.services),
        }


def _line(n: Ints, line: Ints) -> Ints:
    return n * MOST_LINES + line


def _luhn(body: Ints) -> Ints:
    total = np.zeros_like(body)
    rest = body
    for position in range(14):
        digit = rest % 10 * (2 if position % 2 == 0 else 1)
        total += digit // 10 + digit % 10
        rest = rest // 10
    return -total % 10
