"""Promises and calendars as data (sla.yml): which promise applies to a ticket, and how long each of its targets is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from alerting.durations import duration
from contracts.errors import DefinitionError, UserError
from contracts.settings import Settings
from datagen.definitions import known, load, mapping, nearest, number
from servicedesk.priority import PRIORITIES
from servicedesk.sla.calendar import Calendar, read_calendar

KINDS = ("first_response", "update", "solution")
DEFAULT = "standard"
_FILE = "sla.yml"
_HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Policy:
    """`targets`: seconds of the calendar's working time by priority and kind. `warn`: share of it after which it is at risk."""

    name: str
    calendar: Calendar
    targets: Mapping[str, Mapping[str, float]]
    warn: float
    categories: tuple[str, ...] = ()
    team: str = ""


@dataclass(frozen=True, slots=True)
class Agreements:
    """Every policy and calendar by name."""

    policies: Mapping[str, Policy]
    calendars: Mapping[str, Calendar]

    def named(self, name: str) -> Policy:
        """Raises UserError with the nearest right name."""
        if name not in self.policies:
            raise UserError(f"there is no promise {name[:40]!r}{nearest(name, self.policies)}", where=_FILE)
        return self.policies[name]

    def of_category(self, category: str) -> str:
        """Name of the policy of tickets of this category."""
        return next((one.name for one in self.policies.values() if category in one.categories), DEFAULT)

    def find(self, name: str, category: str) -> Policy:
        """That policy; where it is gone from the file, the one of the category."""
        return self.policies.get(name) or self.policies[self.of_category(category)]

    def calendar(self, name: str) -> Calendar:
        """Raises UserError with the nearest right name."""
        if name not in self.calendars:
            raise UserError(f"there is no calendar {name[:40]!r}{nearest(name, self.calendars)}", where=_FILE)
        return self.calendars[name]


def agreements_of(settings: Settings) -> Agreements:
    """Those of desk.folder where it has an sla.yml, else the shipped ones. Raises DefinitionError."""
    own = Path(settings.text("desk.folder")) / _FILE
    path = own if settings.text("desk.folder") and own.exists() else _HERE / _FILE
    return _read(path, path.stat().st_mtime_ns, settings.text("network.timezone"))


@lru_cache(maxsize=8)
def _read(path: Path, changed: int, zone: str) -> Agreements:
    """`changed`: a file that was edited is read anew."""
    content = load(path)
    known(content, str(path), ["calendars", "policies"])
    calendars = {
        name: _calendar(name, row, ZoneInfo(zone), f"{path}: calendars.{name}")
        for name, row in mapping(content["calendars"], f"{path}: calendars").items()
    }
    policies = {
        name: _policy(name, row, calendars, f"{path}: policies.{name}")
        for name, row in mapping(content["policies"], f"{path}: policies").items()
    }
    if DEFAULT not in policies:
        raise DefinitionError(f"there is no policy {DEFAULT!r}", where=str(path))
    return Agreements(policies, calendars)


def _calendar(name: str, value: Any, zone: ZoneInfo, where: str) -> Calendar:
    row = mapping(value, where)
    known(row, where, ["hours"], ["zone", "holidays"])
    try:
        own = ZoneInfo(str(row["zone"])) if "zone" in row else zone
    except (KeyError, ValueError, OSError):
        raise DefinitionError(f"unknown time zone {str(row['zone'])[:40]!r}", where=where) from None
    return read_calendar(name, own, mapping(row["hours"], f"{where}.hours"), str(row.get("holidays", "")), where)


def _policy(name: str, value: Any, calendars: Mapping[str, Calendar], where: str) -> Policy:
    row = mapping(value, where)
    known(row, where, ["calendar", "targets", "warn"], ["categories", "team"])
    if row["calendar"] not in calendars:
        raise DefinitionError(
            f"unknown calendar {row['calendar']!r}{nearest(str(row['calendar']), calendars)}", where=where
        )
    targets = mapping(row["targets"], f"{where}.targets")
    known(targets, f"{where}.targets", PRIORITIES)
    return Policy(
        name=name,
        calendar=calendars[row["calendar"]],
        targets={key: _targets(each, f"{where}.targets.{key}") for key, each in targets.items()},
        warn=number(row["warn"], f"{where}.warn", 0.01, 0.99),
        categories=tuple(map(str, row.get("categories", ()))),
        team=str(row.get("team", "")),
    )


def _targets(value: Any, where: str) -> dict[str, float]:
    row = mapping(value, where)
    known(row, where, KINDS)
    try:
        return {kind: duration(row[kind]).total_seconds() for kind in KINDS}
    except ValueError as error:
        raise DefinitionError(str(error), where=where) from None
