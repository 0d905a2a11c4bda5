"""Where people are when they use the network: at home, at work in working hours, now and then elsewhere in their region."""

from __future__ import annotations

import numpy as np

from datagen.arrivals import hour_of_week
from datagen.model import Draft, Model
from datagen.people.base import Customers, is_thing, line_number
from datagen.streams import Stream, mixed
from datagen.table import Flags, Floats, Ints

AT_WORK, AWAY = 0.7, 0.1  # share of use in working hours at work; share of use elsewhere
_WORKING = (8, 18)  # local hours, Monday to Friday


def home_site(customers: Customers, n: Ints) -> Ints:
    """Base station of each customer's home, an index into all sites: those of a region stand together."""
    return _home(customers, n, customers.region(n))


def work_site(customers: Customers, n: Ints, line: Ints) -> Ints:
    """Of a business its own; of a consumer one for each line."""
    region = customers.region(n)
    own = _some_site(customers, region, mixed(line_number(n, line), customers.seed + 31))
    return np.where(n < customers.businesses, _home(customers, n, region), own)


def _home(customers: Customers, n: Ints, region: Ints) -> Ints:
    return _some_site(customers, region, mixed(n, customers.seed + 30))


def _some_site(customers: Customers, region: Ints, chance: Ints) -> Ints:
    """A site of each region."""
    sites = np.array([region.sites for region in customers.base.radio.regions])
    return np.asarray((np.cumsum(sites) - sites)[region] + chance % sites[region])


def site(customers: Customers, rng: Stream, n: Ints, line: Ints, working: Flags) -> Ints:
    """Where each record began. working: it is working time there. Things stay at home."""
    chance: Floats = rng.random(n.size)
    region, business = customers.region(n), n < customers.businesses
    anywhere = rng.integers(0, 2**62, n.size)
    # A business is where it works; its people live all over its region.
    place = np.where(business, mixed(line_number(n, line), customers.seed + 32), mixed(n, customers.seed + 30))
    at_work = working & (chance < AWAY + AT_WORK)
    rows = np.flatnonzero(at_work)
    place[rows] = np.where(
        business[rows],
        mixed(n[rows], customers.seed + 30),
        mixed(line_number(n[rows], line[rows]), customers.seed + 31),
    )
    place = np.where(chance < AWAY, anywhere, place)
    things = np.flatnonzero(is_thing(line))
    place[things] = mixed(n[things], customers.seed + 30)
    return _some_site(customers, region, place)


def working_hours(customers: Customers, start: Ints, area: Ints) -> Flags:
    """Whether each moment (ms) lies in working hours by the clock of its area; holidays have none."""
    found = np.zeros(start.size, bool)
    for index, clock in enumerate(customers.clocks):
        rows = area == index
        hour = hour_of_week(start[rows], clock)
        found[rows] = (hour < 120) & (hour % 24 >= _WORKING[0]) & (hour % 24 < _WORKING[1])
    return found


def cells(model: Model, rng: Stream, draft: Draft, rats: str | tuple[str, ...]) -> Ints:
    """Index into `radio.cells` for each record of the draft: the cell of its radio access at the site where it began.

    rats: what `draft["rat"]` counts, or the one access of all. A site without that technology has its first one used.
    """
    customers, known = model.customers, model.customers.base.radio.technologies
    working = working_hours(customers, draft["start"], draft["area"])
    where = site(customers, rng, draft["customer"], draft["line"], working)
    words = (rats,) if isinstance(rats, str) else rats
    technology = np.array([known.index(word) if word in known else 0 for word in words])
    used = np.zeros(where.size, np.int64) if isinstance(rats, str) else draft["rat"]
    return np.asarray(where * len(known) + technology[used])
