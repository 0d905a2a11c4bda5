"""The sections `voip`, `sms` and `epc` of network.yml."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from contracts.errors import DefinitionError
from datagen.definitions import known, mapping, name, number, one_of
from datagen.network.checks import items, names, numbers, whole, word
from datagen.network.nouns import AccessGroup, Apn, Epc, Sbc, Sms, TrunkGroup, Voip
from datagen.traffic.calendar import Clock, read_zone
from datagen.traffic.profiles import Profile

Profiles = Mapping[str, Profile]
_TRUNK_GROUP = {  # key → bounds
    "share": (1e-6, 1.0),
    "channels": (1, 1e6),
    "answered": (0.01, 0.99),
    "failed": (0.0, 0.5),
    "pdd_ms": (1, 60_000),
    "jitter_ms": (0.01, 1000),
    "delay_ms": (0, 2000),
    "loss": (0.0, 0.5),
}
_APN = {
    "share": (1e-6, 1.0),
    "qci": (1, 255),
    "down_bytes": (1, 1e12),
    "spread": (0, 5),
    "uplink": (0, 1000),
    "median_sec": (1, 21_600),
    "abnormal": (0.0, 1.0),
}


def read_voip(value: Any, where: str, profiles: Profiles, clock: Clock) -> Voip:
    """Raises DefinitionError, as all of this module do."""
    known(mapping(value, where), where, ["records_per_day", "sbcs", "access_groups", "trunk_groups"])
    borders = _borders(value["sbcs"], f"{where}.sbcs")
    sbcs = [sbc.name for sbc in borders]

    def access(key: str, row: dict[str, Any], at: str) -> AccessGroup:
        known(row, at, ["share", "callers"], ["carrier", "site", "region", "channels"])
        callers = one_of(row["callers"], ("business", "consumer", "foreign"), f"{at}.callers")
        channels = whole(row.get("channels", 0), f"{at}.channels", 0, 1e6)
        return AccessGroup(
            key, number(row["share"], f"{at}.share", 1e-6, 1), callers, **_place(row, at), channels=channels
        )

    def trunk(key: str, row: dict[str, Any], at: str) -> TrunkGroup:
        known(row, at, ["sbc", "profile", *_TRUNK_GROUP], ["zone", "carrier", "site", "region"])
        sbc, profile = one_of(row["sbc"], sbcs, f"{at}.sbc"), one_of(row["profile"], profiles, f"{at}.profile")
        levels = numbers(row, _TRUNK_GROUP, at)
        whole(row["channels"], f"{at}.channels", 1, 1e6)
        if levels["answered"] + levels["failed"] > 1:
            raise DefinitionError("answered and failed are more than all calls together", where=at)
        local = Clock(read_zone(row["zone"], at), clock.calendar) if "zone" in row else clock
        return TrunkGroup(key, sbc, profile, local, levels, **_place(row, at))

    return Voip(
        _per_day(value, where),
        borders,
        items(value["access_groups"], f"{where}.access_groups", 64, access),
        items(value["trunk_groups"], f"{where}.trunk_groups", 4096, trunk),
    )


def _place(row: Mapping[str, Any], where: str) -> dict[str, str]:
    return {key: word(row, key, where) for key in ("carrier", "site", "region")}


def _borders(value: Any, where: str) -> tuple[Sbc, ...]:
    """SBCs: a list of names, or a mapping of names to `{site, region}`."""
    if not isinstance(value, dict):
        return tuple(Sbc(each) for each in names(value, where))

    def sbc(key: str, row: dict[str, Any], at: str) -> Sbc:
        known(row, at, [], ["site", "region"])
        return Sbc(key, word(row, "site", at), word(row, "region", at))

    return items(value, where, 4096, sbc)


def read_sms(value: Any, where: str, profiles: Profiles) -> Sms:
    known(mapping(value, where), where, ["records_per_day", "profile", "smscs"])

    def smsc(key: str, row: dict[str, Any], at: str) -> tuple[str, float]:
        known(row, at, ["share"])
        return key, number(row["share"], f"{at}.share", 1e-6, 1)

    rows = items(value["smscs"], f"{where}.smscs", 4096, smsc)
    profile = one_of(value["profile"], profiles, f"{where}.profile")
    return Sms(_per_day(value, where), profile, tuple(row[0] for row in rows), tuple(row[1] for row in rows))


def read_epc(value: Any, where: str, profiles: Profiles) -> Epc:
    known(mapping(value, where), where, ["records_per_day", "pgws", "apns"])

    def apn(key: str, row: dict[str, Any], at: str) -> Apn:
        known(row, at, ["profile", "users", "rat", *_APN])
        return Apn(
            key,
            one_of(row["profile"], profiles, f"{at}.profile"),
            one_of(row["users"], ("any", "business"), f"{at}.users"),
            name(row["rat"], f"{at}.rat"),
            numbers(row, _APN, at),
        )

    pgws = names(value["pgws"], f"{where}.pgws")
    return Epc(_per_day(value, where), pgws, items(value["apns"], f"{where}.apns", 4096, apn))


def _per_day(value: Mapping[str, Any], where: str) -> float:
    return number(value["records_per_day"], f"{where}.records_per_day", 0, 1e12)
