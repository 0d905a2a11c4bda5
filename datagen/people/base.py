"""Whose traffic it is: customer n is computed, not stored, so that any number of them can be described.

Customers 0 … businesses-1 are businesses, the rest consumers. Each business is served by one trunk group.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import numpy as np

from datagen.network import CustomerBase
from datagen.people.devices import Devices
from datagen.people.order import SEATS, Seating, gather, scatter, seated, seating, some_place
from datagen.streams import Stream, mixed, pick_for
from datagen.table import Flags, Floats, Ints

MOST_LINES = 16
THINGS = 12  # lines from this one on are in things: meters, trackers, terminals
SPAN = 10**10  # subscriber numbers and IMSIs have ten digits after their prefix
_SCATTER = 7_812_345_679  # prime to ten: scatters line numbers one to one
_LANGUAGES = ("en", "de", "fr", "es")
_FIRST = ("Alder", "Birch", "Cedar", "Dogwood", "Elm", "Fir", "Ginkgo", "Hazel", "Juniper", "Larch", "Maple", "Oak")
_SECOND = ("Bridge", "Court", "Dale", "Field", "Gate", "Harbour", "Hill", "Lane", "Mill", "Quay", "Ridge", "Wharf")
_TRADES = ("Freight", "Dental", "Foods", "Hotels", "Insurance", "Joinery", "Logistics", "Motors", "Schools", "Textiles")
_FIRST_DAY = date(2012, 1, 1)


@dataclass(frozen=True, slots=True, eq=False)
class Customers:
    """The customer base of one network and seed."""

    base: CustomerBase
    trunk_groups: tuple[str, ...]
    services: tuple[str, ...]
    seed: int
    devices: Devices = field(init=False, repr=False)
    seats: Seating = field(init=False, repr=False)

    def __post_init__(self) -> None:
        regions = self.base.radio.regions
        object.__setattr__(self, "devices", Devices(self.base.devices, self.seed))
        areas = np.array([self.clocks.index(region.clock) for region in regions])
        object.__setattr__(self, "seats", seating(np.array([region.share for region in regions]), areas))

    @property
    def clocks(self) -> list[Any]:
        """What people live by, an entry an area: regions of one clock are one area."""
        return list(dict.fromkeys(region.clock for region in self.base.radio.regions))

    def area_shares(self) -> Floats:
        """Share of the customers in each area."""
        by_area = np.array([self.clocks.index(region.clock) for region in self.base.radio.regions])
        return np.bincount(by_area[self.seats.region]) / SEATS

    @property
    def count(self) -> int:
        return self.base.count

    @property
    def businesses(self) -> int:
        """At least one on every trunk group, and at least one consumer beside them."""
        return min(max(len(self.trunk_groups), round(self.count * self.base.business)), self.count - 1)

    @property
    def consumers(self) -> int:
        return self.count - self.businesses

    def rank(self, n: Ints) -> Ints:
        """Rank in use among the businesses, or among the consumers; 0 uses most."""
        business, size = n < self.businesses, self.businesses
        return np.where(
            business, gather(np.minimum(n, size - 1), size), gather(np.maximum(n - size, 0), self.consumers)
        )

    def trunk_group(self, n: Ints) -> Ints:
        """Index of the trunk group that serves each business."""
        return self.rank(n) % len(self.trunk_groups)

    def region(self, n: Ints) -> Ints:
        stride = np.where(n < self.businesses, len(self.trunk_groups), 1)
        return self.seats.region[self.rank(n) // stride % SEATS]

    def weight(self, n: Ints) -> Floats:
        """Use of each customer relative to the mean of its kind: what the draws below come to."""
        size = np.where(n < self.businesses, self.businesses, self.consumers)
        stride = np.where(n < self.businesses, len(self.trunk_groups), 1)
        places = np.maximum(1, size // stride)
        place = np.minimum(self.rank(n) // stride, places - 1)
        power = 1 / self.base.skew
        return np.asarray(((place + 1) ** power - place**power) * places ** (1 - power))

    def lines(self, n: Ints) -> Ints:
        """How many lines people speak on customer n has: consumers 1 or 2, businesses 2 to 12."""
        chance = mixed(n, self.seed)
        return np.where(n < self.businesses, 2 + chance % (THINGS - 1), 1 + (chance % 5 == 0))

    def things(self, n: Ints) -> Ints:
        """How many lines in things: businesses 1 to 4, one consumer in twelve has one."""
        chance = mixed(n, self.seed + 5)
        return np.where(n < self.businesses, 1 + chance % (MOST_LINES - THINGS), chance % 12 == 0)

    def plan(self, n: Ints) -> Ints:
        """Index into `base.plans`."""
        consumer, business = (pick_for(self.plan_shares(each), n, self.seed + 1) for each in ("consumer", "business"))
        return np.where(n < self.businesses, business, consumer)

    def plan_shares(self, segment: str) -> Floats:
        """Share of each plan among the customers of a segment."""
        shares = np.array([plan.share * (plan.segment == segment) for plan in self.base.tariffs])
        return np.asarray(shares / shares.sum())

    def number(self, n: Ints, line: Ints) -> Ints:
        """MSISDN (E.164 digits as a number)."""
        return self.base.prefix * SPAN + (line_number(n, line) * _SCATTER + self.seed % SPAN) % SPAN

    def imsi(self, n: Ints, line: Ints) -> Ints:
        return self.base.imsi_prefix * SPAN + (line_number(n, line) * _SCATTER + 3_141_592_653) % SPAN

    def imei(self, n: Ints, line: Ints) -> Ints:
        return self.devices.imei(line_number(n, line), line >= THINGS)

    def device(self, n: Ints, line: Ints) -> Ints:
        """Index into `base.devices`."""
        return self.devices.model(line_number(n, line), line >= THINGS)

    def some_business(self, rng: Stream, size: int, area: Ints | None = None) -> Ints:
        """Businesses, those that use most most often; area: of each, an index into `clocks`."""
        stride = len(self.trunk_groups)
        trunk = (rng.random(size) * stride).astype(np.int64)
        return self.some_business_on(rng, trunk, area)

    def some_business_on(self, rng: Stream, trunk_group: Ints, area: Ints | None = None) -> Ints:
        """One business that each given trunk group serves."""
        stride = len(self.trunk_groups)
        places = (self.businesses - trunk_group + stride - 1) // stride
        place = self._seated(some_place(rng, places, self.base.skew, trunk_group.size), places, area)
        return scatter(trunk_group + stride * place, self.businesses)

    def some_consumer(self, rng: Stream, size: int, area: Ints | None = None) -> Ints:
        place = some_place(rng, self.consumers, self.base.skew, size)
        return self.businesses + scatter(self._seated(place, self.consumers, area), self.consumers)

    def consumer_at(self, rank: Ints) -> Ints:
        """The consumer of each rank in use: 0 uses most, `consumers` - 1 least."""
        return self.businesses + scatter(rank, self.consumers)

    def _seated(self, place: Ints, places: Ints | int, area: Ints | None) -> Ints:
        if area is None or self.seats.rows.shape[0] == 1:
            return place
        return seated(place, self.seats.rows[area], places)

    def some_line(self, rng: Stream, n: Ints) -> Ints:
        """A line that somebody speaks on."""
        return (self.lines(n) * rng.random(n.size)).astype(np.int64)

    def some_thing(self, rng: Stream, n: Ints) -> Ints:
        """A line in a thing; a customer without one uses a line of the others."""
        things, chance = self.things(n), rng.random(n.size)
        return np.where(
            things > 0, THINGS + (things * chance).astype(np.int64), (self.lines(n) * chance).astype(np.int64)
        )

    def identity(self, n: int) -> str:
        return f"C{n + 1:07d}"

    def name(self, n: int, chance: int) -> str:
        both = f"{_FIRST[chance % 12]} {_SECOND[chance // 12 % 12]}"
        return f"{both} {_TRADES[chance // 144 % 10]} Ltd" if n < self.businesses else both

    def records(self, first: int = 0, last: int | None = None, chunk: int = 5_000) -> Iterator[dict[str, Any]]:
        """Customers `first` … `last`-1 as `customers.ndjson` has them, in order; memory does not grow with their count."""
        stop = self.count if last is None else min(last, self.count)
        for low in range(first, stop, chunk):
            yield from self.described(np.arange(low, min(low + chunk, stop)))

    def described(self, n: Ints) -> Iterator[dict[str, Any]]:
        """These customers: what `busyhour customer load` reads."""
        chance, plan, trunk = mixed(n, self.seed + 3).tolist(), self.plan(n).tolist(), self.trunk_group(n).tolist()
        held = self.held(n)
        numbers = self.number(n[:, None], np.arange(MOST_LINES))
        for i, customer in enumerate(n.tolist()):
            business = customer < self.businesses
            yield {
                "customer_id": self.identity(customer),
                "name": self.name(customer, chance[i]),
                "kind": "business" if business else "consumer",
                "language": _LANGUAGES[max(0, chance[i] // 1440 % 10 - 6)],
                "plan": self.base.plans[plan[i]],
                "since": joined(chance[i]).isoformat(),
                "msisdns": [f"+{number}" for number in numbers[i][held[i]].tolist()],
                "trunk_groups": [self.trunk_groups[trunk[i]]] if business else [],
                "services": list(self.services),
            }

    def held(self, n: Ints) -> Flags:
        """Which of its MOST_LINES line numbers each customer has: customers × lines."""
        line = np.arange(MOST_LINES)
        return (line < self.lines(n)[:, None]) | ((line >= THINGS) & (line - THINGS < self.things(n)[:, None]))


def joined(chance: int) -> date:
    """First day as a customer."""
    return _FIRST_DAY + timedelta(days=chance // 14400 % 4700)


def line_number(n: Ints, line: Ints) -> Ints:
    """A number of its own for every line of every customer."""
    return n * MOST_LINES + line


def is_thing(line: Ints) -> Flags:
    return line >= THINGS
