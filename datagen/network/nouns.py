"""What a network has: SBCs, trunk groups, SMS centres, APNs, regions with their cells, plans, devices, and customers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from zoneinfo import ZoneInfo

from datagen.traffic.calendar import Clock
from datagen.traffic.growth import Growth
from datagen.traffic.profiles import Profile


@dataclass(frozen=True, slots=True)
class TrunkGroup:
    """A trunk group that calls leave on; `numbers` by the keys of network.yml, in the units their names carry."""

    name: str
    sbc: str
    profile: str
    clock: Clock
    numbers: Mapping[str, float]
    carrier: str = ""
    site: str = ""
    region: str = ""


@dataclass(frozen=True, slots=True)
class AccessGroup:
    """A trunk group that calls come in on. `callers`: business, consumer or foreign. `channels` 0: not said."""

    name: str
    share: float
    callers: str
    carrier: str = ""
    site: str = ""
    region: str = ""
    channels: int = 0


@dataclass(frozen=True, slots=True)
class Sbc:
    name: str
    site: str = ""
    region: str = ""


@dataclass(frozen=True, slots=True)
class Voip:
    per_day: float
    borders: tuple[Sbc, ...]
    access: tuple[AccessGroup, ...]
    trunks: tuple[TrunkGroup, ...]

    @property
    def sbcs(self) -> tuple[str, ...]:
        return tuple(sbc.name for sbc in self.borders)


@dataclass(frozen=True, slots=True)
class Sms:
    per_day: float
    profile: str
    smscs: tuple[str, ...]
    shares: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Apn:
    """`users`: any or business. `rat`: a kind of device, and the mix of radio accesses in behaviour.yml."""

    name: str
    profile: str
    users: str
    rat: str
    numbers: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Epc:
    per_day: float
    pgws: tuple[str, ...]
    apns: tuple[Apn, ...]


@dataclass(frozen=True, slots=True)
class Region:
    """Where subscribers live: `share` of them, `sites` base stations within `radius_km` of its middle (degrees)."""

    name: str
    share: float
    clock: Clock
    sites: int
    latitude: float
    longitude: float
    radius_km: float


@dataclass(frozen=True, slots=True)
class Radio:
    """Regions, and the radio technologies of every site: a site has one cell of each."""

    regions: tuple[Region, ...]
    technologies: tuple[str, ...]

    @property
    def sites(self) -> int:
        return sum(region.sites for region in self.regions)

    @property
    def cells(self) -> tuple[str, ...]:
        """Names such as `centre-0001-nr`; cell `site · technologies + technology`."""
        return _cells(tuple((region.name, region.sites) for region in self.regions), self.technologies)


@lru_cache(maxsize=8)
def _cells(regions: tuple[tuple[str, int], ...], technologies: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(
        f"{region}-{site + 1:04d}-{technology.lower()}"
        for region, sites in regions
        for site in range(sites)
        for technology in technologies
    )


@dataclass(frozen=True, slots=True)
class Plan:
    """A tariff. Money in units of the currency; `included`: what the monthly fee covers, a month and line."""

    name: str
    title: str
    segment: str  # consumer or business
    share: float
    monthly: Decimal
    included: Mapping[str, int]  # minutes, messages, megabytes
    prices: Mapping[str, Decimal]  # a minute, a message, a megabyte beyond that


@dataclass(frozen=True, slots=True)
class Device:
    """A model of devices: type allocation codes `first` … `first + codes - 1`; `kind`: handset or thing."""

    name: str
    kind: str
    share: float
    first: int
    codes: int
    technologies: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CustomerBase:
    """`skew`: the share of use of the top p of the customers is p^(1/skew), a Zipf law with exponent 1 - 1/skew."""

    count: int
    business: float
    skew: float
    tariffs: tuple[Plan, ...]  # consumers' first
    prefix: int
    imsi_prefix: int
    devices: tuple[Device, ...]
    circle: Mapping[str, float]
    accounts: Mapping[str, float]
    currency: str
    radio: Radio

    @property
    def plans(self) -> tuple[str, ...]:
        return tuple(plan.name for plan in self.tariffs)


@dataclass(frozen=True, slots=True)
class Network:
    clock: Clock
    voip: Voip
    sms: Sms
    epc: Epc
    customers: CustomerBase
    foreign: tuple[tuple[int, int], ...]  # prefix, free digits
    profiles: Mapping[str, Profile]
    growth: Growth
    digest: str = ""  # of the files it was read from

    @property
    def zone(self) -> ZoneInfo:
        return self.clock.zone

    def names(self, entity: str) -> tuple[str, ...]:
        """Names of the entities of a type; empty when the network has none of it."""
        return {
            "trunk_group": tuple(trunk.name for trunk in self.voip.trunks),
            "trunk_group_in": tuple(group.name for group in self.voip.access),
            "sbc": self.voip.sbcs,
            "smsc": self.sms.smscs,
            "plan": self.customers.plans,
            "apn": tuple(apn.name for apn in self.epc.apns),
            "pgw": self.epc.pgws,
            "feed": ("voip", "sms", "epc"),
        }.get(entity, ())

    def per_day(self, service: str) -> float:
        return {"voip": self.voip.per_day, "sms": self.sms.per_day, "epc": self.epc.per_day}[service]
