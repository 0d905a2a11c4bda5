"""Every line of a customer: number, SIM, device, plan and home cell; and the trunk of a business."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from datagen.people.base import MOST_LINES, THINGS, Customers, joined
from datagen.people.places import home_site
from datagen.streams import mixed
from datagen.table import Ints


def subscriptions(customers: Customers, n: Ints) -> Iterator[dict[str, Any]]:
    """One mapping per line of these customers: the numbers of `customers.ndjson`, one by one. Then a trunk of each business."""
    place, line = np.nonzero(customers.held(n))
    owner = n[place]
    number, imsi, imei = customers.number(owner, line), customers.imsi(owner, line), customers.imei(owner, line)
    device, plan = customers.device(owner, line), customers.plan(owner)
    site, region = home_site(customers, owner), customers.region(owner)
    since = mixed(owner, customers.seed + 3)
    radio, base = customers.base.radio, customers.base
    for i in range(owner.size):
        customer = int(owner[i])
        yield {
            "subscription_id": f"S{customer * MOST_LINES + int(line[i]) + 1:09d}",
            "customer_id": customers.identity(customer),
            "kind": "thing" if line[i] >= THINGS else "mobile",
            "plan": base.plans[plan[i]],
            "msisdn": f"+{number[i]}",
            "imsi": str(imsi[i]),
            "imei": f"{imei[i]:015d}",
            "device": base.devices[device[i]].name,
            "region": radio.regions[region[i]].name,
            "home_cell": radio.cells[int(site[i]) * len(radio.technologies)],
            "since": joined(int(since[i])).isoformat(),
        }
    yield from _others(customers, n)


def _others(customers: Customers, n: Ints) -> Iterator[dict[str, Any]]:
    """A broadband line of about every second customer, and the trunk of every business."""
    trunk, broadband = customers.trunk_group(n), mixed(n, customers.seed + 6) % 100 < 55
    since, region = mixed(n, customers.seed + 3), customers.region(n)
    for i, customer in enumerate(n.tolist()):
        common = {
            "customer_id": customers.identity(customer),
            "region": customers.base.radio.regions[region[i]].name,
            "since": joined(int(since[i])).isoformat(),
        }
        if broadband[i]:
            speed = (50, 100, 250, 1000)[int(since[i]) % 4]
            yield {"subscription_id": f"B{customer + 1:07d}", "kind": "broadband", **common, "mbit_per_s": speed}
        if customer < customers.businesses:
            group = customers.trunk_groups[trunk[i]]
            yield {"subscription_id": f"T{customer + 1:07d}", "kind": "trunk", **common, "trunk_group": group}
