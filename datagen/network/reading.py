"""The network file as a whole, checked (`network.yml`)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from contracts.errors import DefinitionError
from datagen.definitions import FOLDER, known, load, mapping, number, one_of
from datagen.network.base import KINDS, read_customers, read_radio
from datagen.network.nouns import Network
from datagen.network.services import read_epc, read_sms, read_voip
from datagen.traffic.calendar import Calendar, Clock, read_calendar, read_zone
from datagen.traffic.growth import NO_TREND, Growth, read_promotions, read_trend
from datagen.traffic.profiles import Profile, read_profiles

NETWORK, PROFILES = FOLDER / "network.yml", FOLDER / "profiles.yml"


def read_network(path: Path = NETWORK, profiles: Path = PROFILES) -> Network:
    """The checked network. Raises DefinitionError that names file and key."""
    content, where = load(path), str(path)
    required = ["zone", "voip", "sms", "epc", "customers", "foreign_numbers"]
    known(content, where, required, ["calendar", "trend", "promotions", "radio"])
    curves = read_profiles(profiles)
    calendar = read_calendar(content["calendar"], f"{where}: calendar") if "calendar" in content else Calendar()
    clock = Clock(read_zone(content["zone"], where), calendar)
    radio = read_radio(content.get("radio"), f"{where}: radio", clock)
    customers = read_customers(content["customers"], f"{where}: customers", radio)
    voip = read_voip(content["voip"], f"{where}: voip", curves, clock)
    if customers.count <= len(voip.trunks):
        raise DefinitionError(
            f"{customers.count} customers are fewer than a business on each of {len(voip.trunks)} trunk groups"
            " and a consumer",
            where=f"{where}: customers.count",
        )
    epc = read_epc(content["epc"], f"{where}: epc", curves)
    for apn in epc.apns:
        one_of(apn.rat, KINDS, f"{where}: epc.apns.{apn.name}.rat")
    return Network(
        clock=clock,
        voip=voip,
        sms=read_sms(content["sms"], f"{where}: sms", curves),
        epc=epc,
        customers=customers,
        foreign=_foreign(content["foreign_numbers"], f"{where}: foreign_numbers"),
        profiles=curves,
        growth=Growth(
            read_trend(content["trend"], f"{where}: trend") if "trend" in content else NO_TREND,
            read_promotions(content.get("promotions", []), f"{where}: promotions", customers.plans),
        ),
        digest=_digest(content, curves),
    )


def _digest(content: Mapping[str, Any], profiles: Mapping[str, Profile]) -> str:
    """Sixteen hex digits that differ when a value does; comments and order do not count."""
    digest = hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode())
    for profile in sorted(profiles):
        digest.update(f"{profile}{profiles[profile].factor}".encode() + profiles[profile].hours.tobytes())
    return digest.hexdigest()[:16]


def _foreign(value: Any, where: str) -> tuple[tuple[int, int], ...]:
    if not isinstance(value, list) or not value:
        raise DefinitionError("must be a list of ranges {prefix, digits}", where=where)
    ranges = []
    for row in value:
        known(mapping(row, where), where, ["prefix", "digits"])
        prefix = int(number(row["prefix"], f"{where}.prefix", 1, 10**12))
        ranges.append((prefix, int(number(row["digits"], f"{where}.digits", 0, 9))))
    return tuple(ranges)
