"""What a customer uses in a month, as its invoice says: its own mean, which the draws of records have too, and its own chance.

Not the sum of its records: those of a month would have to be made first. Means agree, months differ.
"""

from __future__ import annotations

from calendar import monthrange
from datetime import date

import numpy as np

from datagen.model import Model
from datagen.network.base import UNITS
from datagen.people.base import Customers
from datagen.streams import mixed
from datagen.table import Floats, Ints

_MEGABYTE = 1e6


def usual(model: Model) -> dict[str, Floats]:
    """Mean use a day of a consumer and of a business, by unit: calls made, messages sent, data."""
    network, behaviour, customers = model.network, model.behaviour, model.customers
    heads = np.array([customers.consumers, customers.businesses])
    groups = network.voip.access
    shares = np.array([group.share for group in groups])
    made = np.array([shares @ [group.callers == kind for group in groups] for kind in ("consumer", "business")])
    talk = behaviour.voip.figures
    minutes = talk["talk.median_sec"] * np.exp(talk["talk.sigma"] ** 2 / 2) / 60
    levels = np.array([[group.numbers["share"], group.numbers["answered"]] for group in network.voip.trunks])
    answered = levels[:, 0] @ levels[:, 1] / levels[:, 0].sum()
    business = behaviour.sms.figures["business"]
    sent = behaviour.sms.figures["mobile_originated"] * np.array([1 - business, business])
    return {
        "minutes": model.per_day["voip"] * made / shares.sum() * answered * minutes / heads,
        "messages": model.per_day["sms"] * sent / heads,
        "megabytes": _data(model) / heads / _MEGABYTE,
    }


def _data(model: Model) -> Floats:
    """Bytes a day of all consumers and of all businesses, about: a mean session of each APN."""
    figures, apns = model.behaviour.epc.figures, model.network.epc.apns
    shares = np.array([apn.numbers["share"] for apn in apns])
    session = np.array([apn.numbers["down_bytes"] * np.exp(apn.numbers["spread"] ** 2 / 2) for apn in apns])
    session *= 1 + np.array([apn.numbers["uplink"] for apn in apns]) * np.exp(figures["uplink_sigma"] ** 2 / 2)
    business = np.array([1.0 if apn.users == "business" else figures["business"] for apn in apns])
    volume = model.per_day["epc"] * shares / shares.sum() * session
    return np.array([volume @ (1 - business), volume @ business])


def month_use(customers: Customers, usual: dict[str, Floats], n: Ints, month: date) -> dict[str, Ints]:
    """Whole units each customer used in the month that begins on `month`."""
    spread, days = customers.base.accounts["spread"], monthrange(month.year, month.month)[1]
    kind, weight = (n < customers.businesses).astype(np.int64), customers.weight(n)
    found = {}
    for position, unit in enumerate(UNITS):
        salt = customers.seed + 1000 + 12 * month.year + month.month + position * 100_000
        chance = spread * _normal(n, salt) - spread**2 / 2
        found[unit] = np.rint(days * usual[unit][kind] * weight * np.exp(chance)).astype(np.int64)
    return found


def _normal(n: Ints, salt: int) -> Floats:
    """Numbers that look normal, computed from customers (Box and Muller)."""
    first, second = (((mixed(n, salt + turn) >> 10) + 0.5) / 2.0**53 for turn in (0, 500_000))
    return np.asarray(np.sqrt(-2 * np.log(first)) * np.cos(2 * np.pi * second))
