"""The section `customers` of network.yml, and what hangs on it: plans, devices, regions and their cells."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from contracts.errors import DefinitionError
from datagen.definitions import known, mapping, number, one_of, plain, shown
from datagen.network.checks import items, money, names, numbers, whole
from datagen.network.nouns import CustomerBase, Device, Plan, Radio, Region
from datagen.traffic.calendar import Clock, read_zone

KINDS = ("handset", "thing")
SEGMENTS = ("consumer", "business")
UNITS = ("minutes", "messages", "megabytes")
MOST_SITES = 50_000
_CIRCLE = {"people": (1, 1000), "share": (0, 1), "skew": (1, 100)}
_CIRCLE_USUAL = {"people": 12.0, "share": 0.8, "skew": 2.5}
_ACCOUNTS = {
    "invoice_months": (0, 120),
    "ticket_months": (0, 120),
    "tickets_per_year": (0, 50),
    "spread": (0, 3),
    "tax": (0, 1),
}
_ACCOUNTS_USUAL = {"invoice_months": 3, "ticket_months": 12, "tickets_per_year": 0.4, "spread": 0.25, "tax": 0.2}
_TEST_CODES = Device("test", "handset", 1.0, 101_000, 37, ("UTRAN", "EUTRAN", "NR"))
_TEST_THINGS = Device("test-thing", "thing", 1.0, 101_037, 13, ("EUTRAN", "NB-IOT"))


def read_customers(value: Any, where: str, radio: Radio) -> CustomerBase:
    """Raises DefinitionError, as all of this module do."""
    row = mapping(value, where)
    known(
        row,
        where,
        ["count", "business", "skew", "consumer_plans", "business_plans", "prefix", "imsi_prefix"],
        ["plans", "devices", "circle", "accounts", "currency"],
    )
    currency = plain(row.get("currency", "XTS"), f"{where}.currency")
    if not re.fullmatch("[A-Z]{3}", currency):
        raise DefinitionError(
            f"{shown(currency)} is not a currency of three capitals (ISO 4217)", where=f"{where}.currency"
        )
    return CustomerBase(
        count=whole(row["count"], f"{where}.count", 1, 5e8),
        business=number(row["business"], f"{where}.business", 0, 1),
        skew=number(row["skew"], f"{where}.skew", 1, 100),
        tariffs=_tariffs(row, where),
        prefix=whole(row["prefix"], f"{where}.prefix", 1, 99_999),
        imsi_prefix=whole(row["imsi_prefix"], f"{where}.imsi_prefix", 10_000, 99_999),
        devices=_devices(row.get("devices"), f"{where}.devices"),
        circle=_figures(row, "circle", where, _CIRCLE, _CIRCLE_USUAL),
        accounts=_figures(row, "accounts", where, _ACCOUNTS, _ACCOUNTS_USUAL),
        currency=currency,
        radio=radio,
    )


def _figures(
    row: Mapping[str, Any], key: str, where: str, bounds: Mapping[str, tuple[float, float]], usual: Mapping[str, float]
) -> dict[str, float]:
    given = mapping(row.get(key, {}), f"{where}.{key}")
    known(given, f"{where}.{key}", [], bounds)
    return numbers({**usual, **given}, bounds, f"{where}.{key}")


def _tariffs(row: Mapping[str, Any], where: str) -> tuple[Plan, ...]:
    described = mapping(row.get("plans", {}), f"{where}.plans")
    groups = {segment: names(row[f"{segment}_plans"], f"{where}.{segment}_plans") for segment in SEGMENTS}
    every = [plan for group in groups.values() for plan in group]
    if len(set(every)) < len(every):
        raise DefinitionError(
            "a plan is for consumers or for businesses, not for both", where=f"{where}.business_plans"
        )
    known(described, f"{where}.plans", [], every)
    return tuple(
        _plan(plan, segment, mapping(described.get(plan, {}), f"{where}.plans.{plan}"), f"{where}.plans.{plan}")
        for segment, group in groups.items()
        for plan in group
    )


def _plan(plan: str, segment: str, row: Mapping[str, Any], where: str) -> Plan:
    known(row, where, [], ["name", "share", "monthly", "included", "prices"])
    title = row.get("name", plan)
    if not isinstance(title, str) or not title or title != title.strip() or not title.isprintable():
        raise DefinitionError(f"{shown(title)} is not a name", where=f"{where}.name")
    included, prices = (mapping(row.get(key, {}), f"{where}.{key}") for key in ("included", "prices"))
    known(included, f"{where}.included", [], UNITS)
    known(prices, f"{where}.prices", [], UNITS)
    return Plan(
        plan,
        title,
        segment,
        number(row.get("share", 1), f"{where}.share", 1e-6, 1),
        money(row.get("monthly", 0), f"{where}.monthly"),
        {unit: whole(included.get(unit, 0), f"{where}.included.{unit}", 0, 1e12) for unit in UNITS},
        {unit: money(prices.get(unit, 0), f"{where}.prices.{unit}") for unit in UNITS},
    )


def _devices(value: Any, where: str) -> tuple[Device, ...]:
    """Models with their type allocation codes (3GPP TS 23.003 §6.2); codes for tests unless given."""
    if value is None:
        return (_TEST_CODES, _TEST_THINGS)

    def device(key: str, row: dict[str, Any], at: str) -> Device:
        known(row, at, ["kind", "share", "tac", "technologies"], ["codes"])
        if not re.fullmatch(r"[0-9]{8}", plain(row["tac"], f"{at}.tac")):
            raise DefinitionError(
                f"{shown(row['tac'])} is not eight digits", where=f"{at}.tac", remedy="write it in quotes"
            )
        first, codes = int(row["tac"]), whole(row.get("codes", 1), f"{at}.codes", 1, 10_000)
        if first + codes > 10**8:
            raise DefinitionError("its codes go beyond eight digits", where=f"{at}.codes")
        kind, share = one_of(row["kind"], KINDS, f"{at}.kind"), number(row["share"], f"{at}.share", 1e-6, 1)
        return Device(key, kind, share, first, codes, names(row["technologies"], f"{at}.technologies"))

    found = items(value, where, 1000, device)
    for kind in KINDS:
        if not any(each.kind == kind for each in found):
            raise DefinitionError(f"none of the devices is a {kind}", where=where)
    return found


def read_radio(value: Any, where: str, clock: Clock) -> Radio:
    """The section `radio`; one region of sixteen sites unless it is given."""
    row = mapping(value, where) if value is not None else {"regions": {"home": {"share": 1, "sites": 16}}}
    known(row, where, ["regions"], ["technologies"])
    technologies = names(row.get("technologies", ["UTRAN", "EUTRAN", "NR", "NB-IOT"]), f"{where}.technologies")

    def region(key: str, entry: dict[str, Any], at: str) -> Region:
        known(entry, at, ["share", "sites"], ["zone", "latitude", "longitude", "radius_km"])
        return Region(
            key,
            number(entry["share"], f"{at}.share", 1e-6, 1),
            Clock(read_zone(entry["zone"], at), clock.calendar) if "zone" in entry else clock,
            whole(entry["sites"], f"{at}.sites", 1, MOST_SITES),
            number(entry.get("latitude", 0), f"{at}.latitude", -90, 90),
            number(entry.get("longitude", 0), f"{at}.longitude", -180, 180),
            number(entry.get("radius_km", 20), f"{at}.radius_km", 0, 2000),
        )

    radio = Radio(items(row["regions"], f"{where}.regions", 64, region), technologies)
    if radio.sites > MOST_SITES:
        raise DefinitionError(f"{radio.sites:,} sites are more than {MOST_SITES:,}", where=f"{where}.regions")
    return radio
