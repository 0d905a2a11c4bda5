"""Everything that decides what a block of records looks like, in one value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from datagen.behaviour import Behaviour
from datagen.customers import Customers
from datagen.incidents import Incident
from datagen.network import Network
from datagen.streams import Stream, Streams
from datagen.table import Ints

Draft = dict[str, np.ndarray]  # a block of records before it is written out: plain arrays of one length
SERVICES = ("voip", "sms", "epc")


@dataclass(frozen=True, slots=True)
class Model:
    """`per_day`: mean records a day by service."""

    network: Network
    behaviour: Behaviour
    customers: Customers
    streams: Streams
    seed: int
    per_day: Mapping[str, float]
    incidents: tuple[Incident, ...]


def foreign_number(model: Model, rng: Stream, size: int) -> Ints:
    """E.164 numbers of people elsewhere, each range of the network file as likely as its size."""
    prefixes = np.array([prefix for prefix, _ in model.network.foreign])
    sizes = np.array([10**digits for _, digits in model.network.foreign])
    edges = np.cumsum(sizes)
    chance = rng.integers(0, edges[-1], size)
    part = np.searchsorted(edges, chance, side="right")
    numbers: Ints = prefixes[part] * sizes[part] + chance - (edges[part] - sizes[part])
    return numbers
