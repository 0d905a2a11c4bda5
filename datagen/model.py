"""Everything that decides what a block of records looks like, in one value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from contracts.errors import DefinitionError
from datagen.behaviour import Behaviour
from datagen.incidents import Incident
from datagen.network import Network
from datagen.people.base import Customers
from datagen.people.circles import Outside
from datagen.streams import Stream, Streams
from datagen.table import Ints

Draft = dict[str, np.ndarray]  # a block of records before it is written out: plain arrays of one length
SERVICES = ("voip", "sms", "epc")
_MOST_CHANNELS = 999_999_999  # what a reference table can say


@dataclass(frozen=True, slots=True)
class Model:
    """`per_day`: mean records a day by service. Raises DefinitionError where network and habits do not fit."""

    network: Network
    behaviour: Behaviour
    customers: Customers
    streams: Streams
    seed: int
    per_day: Mapping[str, float]
    incidents: tuple[Incident, ...]

    def __post_init__(self) -> None:
        for apn in self.network.epc.apns:
            if apn.rat not in self.behaviour.epc.rats:
                raise DefinitionError(f"rats has no mix {apn.rat!r}, which APN {apn.name} uses", where="behaviour: epc")

    @property
    def channels(self) -> Ints:
        """Channels of each trunk group. A rate above the network's own means a larger network of the same kind."""
        larger = max(1.0, self.per_day["voip"] / max(self.network.voip.per_day, 1e-9))
        own = np.array([group.numbers["channels"] for group in self.network.voip.trunks])
        return np.minimum(np.ceil(own * larger), _MOST_CHANNELS).astype(np.int64)

    @property
    def outside(self) -> Outside:
        return Outside(self.network.foreign)


def foreign_number(model: Model, rng: Stream, size: int) -> Ints:
    """E.164 numbers of people elsewhere, each range of the network file as likely as its size."""
    return model.outside.number(rng.integers(0, 2**62, size))
