"""The network, its customers and its habits, read from YAML and checked: names, shares, levels (`network.yml`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import numpy as np

from contracts.errors import DefinitionError
from datagen.definitions import FOLDER, known, load, mapping, name, number, one_of
from datagen.table import Floats

T = TypeVar("T")
_TG_NUMBERS = {  # key → bounds
    "share": (1e-6, 1.0),
    "channels": (1, 1e6),
    "answered": (0.01, 0.99),
    "failed": (0.0, 0.5),
    "pdd_ms": (1, 60_000),
    "jitter_ms": (0.01, 1000),
    "delay_ms": (0, 2000),
    "loss": (0.0, 0.5),
}
_APN_NUMBERS = {
    "share": (1e-6, 1.0),
    "qci": (1, 255),
    "down_bytes": (1, 1e12),
    "spread": (0, 5),
    "uplink": (0, 1000),
    "median_sec": (1, 21_600),
    "abnormal": (0.0, 1.0),
}


@dataclass(frozen=True, slots=True)
class TrunkGroup:
    """A trunk group that calls leave on; `numbers` by the keys of network.yml, in the units their names carry."""

    name: str
    sbc: str
    profile: str
    numbers: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class AccessGroup:
    """A trunk group that calls come in on. `callers`: business, consumer or foreign."""

    name: str
    share: float
    callers: str


@dataclass(frozen=True, slots=True)
class Voip:
    per_day: float
    sbcs: tuple[str, ...]
    access: tuple[AccessGroup, ...]
    trunks: tuple[TrunkGroup, ...]


@dataclass(frozen=True, slots=True)
class Sms:
    per_day: float
    profile: str
    smscs: tuple[str, ...]
    shares: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Apn:
    """`users`: any or business. `rat`: a mix of behaviour.yml."""

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
class CustomerBase:
    count: int
    business: float
    skew: float
    consumer_plans: tuple[str, ...]
    business_plans: tuple[str, ...]
    prefix: int
    imsi_prefix: int

    @property
    def plans(self) -> tuple[str, ...]:
        return (*self.consumer_plans, *self.business_plans)


@dataclass(frozen=True, slots=True)
class Network:
    zone: ZoneInfo
    voip: Voip
    sms: Sms
    epc: Epc
    customers: CustomerBase
    foreign: tuple[tuple[int, int], ...]  # prefix, free digits
    profiles: Mapping[str, Floats]  # 168 values with mean 1

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


def read_network(path: Path = FOLDER / "network.yml", profiles: Path = FOLDER / "profiles.yml") -> Network:
    """The checked network. Raises DefinitionError that names file and key."""
    content, where = load(path), str(path)
    known(content, where, ["zone", "voip", "sms", "epc", "customers", "foreign_numbers"])
    curves = read_profiles(profiles)
    return Network(
        zone=_zone(content["zone"], where),
        voip=_voip(content["voip"], f"{where}: voip", curves),
        sms=_sms(content["sms"], f"{where}: sms", curves),
        epc=_epc(content["epc"], f"{where}: epc", curves),
        customers=_customers(content["customers"], f"{where}: customers"),
        foreign=_foreign(content["foreign_numbers"], f"{where}: foreign_numbers"),
        profiles=curves,
    )


def read_profiles(path: Path) -> dict[str, Floats]:
    """Hour-of-week curves by profile name, Monday 00:00 first, scaled to mean 1."""
    curves = {}
    for profile, row in load(path).items():
        where = f"{path}: {profile}"
        known(mapping(row, where), where, ["weekday", "weekend"])
        kinds = {kind: _hours(row[kind], f"{where}: {kind}") for kind in ("weekday", "weekend")}
        week = np.array([*kinds["weekday"] * 5, *kinds["weekend"] * 2])
        curves[profile] = week / week.mean()
    return curves


def _hours(value: Any, where: str) -> list[float]:
    if not isinstance(value, list) or len(value) != 24:
        raise DefinitionError("must be 24 numbers, one per hour of the day", where=where)
    hours = [number(hour, where, 0, 1e9) for hour in value]
    if not any(hours):
        raise DefinitionError("is zero in every hour", where=where)
    return hours


def _zone(value: Any, where: str) -> ZoneInfo:
    try:
        return ZoneInfo(str(value))
    except (KeyError, ValueError, OSError) as problem:
        raise DefinitionError(f"zone: unknown time zone {value!r}", where=where) from problem


def _items(value: Any, where: str, most: int, make: Callable[[str, dict[str, Any], str], T]) -> tuple[T, ...]:
    """`make(name, row, where)` for each entry of a mapping of mappings."""
    rows = mapping(value, where)
    if not 1 <= len(rows) <= most:
        raise DefinitionError(f"has {len(rows)} entries, must have 1 to {most}", where=where)
    return tuple(make(name(key, where), mapping(row, f"{where}.{key}"), f"{where}.{key}") for key, row in rows.items())


def _names(value: Any, where: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not value or len(set(map(str, value))) != len(value):
        raise DefinitionError("must be a list of different names", where=where)
    return tuple(name(item, where) for item in value)


def _numbers(row: Mapping[str, Any], bounds: Mapping[str, tuple[float, float]], where: str) -> dict[str, float]:
    return {key: number(row[key], f"{where}.{key}", low, high) for key, (low, high) in bounds.items()}


def _per_day(value: Mapping[str, Any], where: str) -> float:
    return number(value["records_per_day"], f"{where}.records_per_day", 0, 1e12)


def _voip(value: Any, where: str, curves: Mapping[str, Floats]) -> Voip:
    known(mapping(value, where), where, ["records_per_day", "sbcs", "access_groups", "trunk_groups"])
    sbcs = _names(value["sbcs"], f"{where}.sbcs")

    def access(key: str, row: dict[str, Any], at: str) -> AccessGroup:
        known(row, at, ["share", "callers"])
        callers = one_of(row["callers"], ("business", "consumer", "foreign"), f"{at}.callers")
        return AccessGroup(key, number(row["share"], f"{at}.share", 1e-6, 1), callers)

    def trunk(key: str, row: dict[str, Any], at: str) -> TrunkGroup:
        known(row, at, ["sbc", "profile", *_TG_NUMBERS])
        sbc, profile = one_of(row["sbc"], sbcs, f"{at}.sbc"), one_of(row["profile"], curves, f"{at}.profile")
        numbers = _numbers(row, _TG_NUMBERS, at)
        if numbers["answered"] + numbers["failed"] > 1:
            raise DefinitionError("answered and failed are more than all calls together", where=at)
        return TrunkGroup(key, sbc, profile, numbers)

    return Voip(
        _per_day(value, where),
        sbcs,
        _items(value["access_groups"], f"{where}.access_groups", 64, access),
        _items(value["trunk_groups"], f"{where}.trunk_groups", 4096, trunk),
    )


def _sms(value: Any, where: str, curves: Mapping[str, Floats]) -> Sms:
    known(mapping(value, where), where, ["records_per_day", "profile", "smscs"])

    def smsc(key: str, row: dict[str, Any], at: str) -> tuple[str, float]:
        known(row, at, ["share"])
        return key, number(row["share"], f"{at}.share", 1e-6, 1)

    rows = _items(value["smscs"], f"{where}.smscs", 4096, smsc)
    profile = one_of(value["profile"], curves, f"{where}.profile")
    return Sms(_per_day(value, where), profile, tuple(row[0] for row in rows), tuple(row[1] for row in rows))


def _epc(value: Any, where: str, curves: Mapping[str, Floats]) -> Epc:
    known(mapping(value, where), where, ["records_per_day", "pgws", "apns"])

    def apn(key: str, row: dict[str, Any], at: str) -> Apn:
        known(row, at, ["profile", "users", "rat", *_APN_NUMBERS])
        return Apn(
            key,
            one_of(row["profile"], curves, f"{at}.profile"),
            one_of(row["users"], ("any", "business"), f"{at}.users"),
            name(row["rat"], f"{at}.rat"),
            _numbers(row, _APN_NUMBERS, at),
        )

    pgws = _names(value["pgws"], f"{where}.pgws")
    return Epc(_per_day(value, where), pgws, _items(value["apns"], f"{where}.apns", 4096, apn))


def _customers(value: Any, where: str) -> CustomerBase:
    keys = ["count", "business", "skew", "consumer_plans", "business_plans", "prefix", "imsi_prefix"]
    known(mapping(value, where), where, keys)
    return CustomerBase(
        count=int(number(value["count"], f"{where}.count", 1, 5e8)),
        business=number(value["business"], f"{where}.business", 0, 1),
        skew=number(value["skew"], f"{where}.skew", 1, 100),
        consumer_plans=_names(value["consumer_plans"], f"{where}.consumer_plans"),
        business_plans=_names(value["business_plans"], f"{where}.business_plans"),
        prefix=int(number(value["prefix"], f"{where}.prefix", 1, 99_999)),
        imsi_prefix=int(number(value["imsi_prefix"], f"{where}.imsi_prefix", 10_000, 99_999)),
    )


def _foreign(value: Any, where: str) -> tuple[tuple[int, int], ...]:
    if not isinstance(value, list) or not value:
        raise DefinitionError("must be a list of ranges {prefix, digits}", where=where)
    ranges = []
    for row in value:
        known(mapping(row, where), where, ["prefix", "digits"])
        prefix = int(number(row["prefix"], f"{where}.prefix", 1, 10**12))
        ranges.append((prefix, int(number(row["digits"], f"{where}.digits", 0, 9))))
    return tuple(ranges)
