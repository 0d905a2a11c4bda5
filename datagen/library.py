"""The library of incident types: one file a type in `incidents/`, checked when it is read.

service: voip                   voip, sms or epc; any: the service that the place belongs to
place: trunk_group              the entity type that it strikes, or a list of them
callers: foreign                where calls come in: only groups of these callers (optional)
mechanism: fail_calls           how it changes records (MECHANISMS, carried out by datagen.mechanisms), or files
strength: {default: 0.85, low: 0.05, high: 0.95, meaning: share of new calls that fail}
shape: step                     how strength goes over its time: step, ramp, bell, queue
usual: {duration: 3h, time: "10:00"}     how long it lasts, and from when (local time), where a scenario does not say;
                                also `longest`, that it may last
parameters: {}                  of the mechanism: numbers, words, or `failures` (ways for a call to end)
kpis: {voip.asr: falls}         what it moves at its place, or at its service where the KPI has no such dimension
signals: {voip.calling.number: place}    fields whose values give it away, in its records at the place, or anywhere
scored_by: detector             who must find it: the detectors, or the books of files
delay_limit: 30m                found later than this after its start is not found
description: "Trunk group {place} is out: {strength:.0%} of new calls fail."
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

from contracts.errors import DefinitionError
from datagen.behaviour import Endings, endings
from datagen.definitions import FOLDER, known, load, mapping, name, number, one_of, plain, shown
from datagen.network import Network

SHAPES = ("step", "ramp", "bell", "queue")
MOVES = ("falls", "rises", "shifts")  # shifts: the same records, counted in other buckets
Bounds = tuple[float, float]
MECHANISMS: Mapping[str, Mapping[str, Bounds]] = {  # parameters of each that are numbers, with bounds
    "fail_calls": {},
    "delay_setup": {"patience_sec": (0.1, 600)},
    "crowd_calls": {"answered": (0, 1), "talk_sec": (1, 3600)},
    "disturb_media": {"loss": (0, 1), "shorter": (0, 0.99)},
    "mute_leg": {"talk_sec": (0.5, 60), "redial": (0, 1)},
    "change_codec": {},
    "delay_messages": {"sigma": (0, 3), "priority": (0, 1), "expired_error": (0, 255)},
    "lose_messages": {"refused": (0, 1), "refused_error": (0, 255), "lost_error": (0, 255)},
    "squeeze_sessions": {"throughput": (0, 1)},
    "restart_gateway": {"return_sec": (1, 600)},
    "ring_once": {"numbers": (1, 64), "range": (1, 99_999), "ring_sec": (0.1, 5), "call_back": (0, 0.5)},
    "pump_calls": {"numbers": (1, 64), "range": (1, 99_999), "answered": (0, 1), "talk_sec": (1, 3600)},
    "bypass_carrier": {"sims": (1, 64), "delay_ms": (0, 1000)},
    "skew_clock": {},
    "silence": {},  # file faults are the work of whoever writes the files: strength and figures say how
    "late_files": {"shuffled": (0, 1)},  # strength: minutes late; shuffled: share of the files that leave their order
    "duplicate_files": {"after_min": (0, 2880)},  # strength: share of files delivered again, under another name
}
FILE_FAULTS = ("silence", "late_files", "duplicate_files")
_STRIKES = {  # kinds of place that a mechanism knows how to strike
    "fail_calls": ("trunk_group",),
    "delay_setup": ("trunk_group",),
    "crowd_calls": ("trunk_group",),
    "disturb_media": ("sbc",),
    "mute_leg": ("sbc",),
    "change_codec": ("trunk_group",),
    "delay_messages": ("smsc",),
    "lose_messages": ("smsc",),
    "squeeze_sessions": ("apn",),
    "restart_gateway": ("pgw",),
    "ring_once": ("trunk_group_in",),
    "pump_calls": ("trunk_group",),
    "bypass_carrier": ("trunk_group_in",),
    "skew_clock": ("sbc", "smsc", "pgw"),
    **dict.fromkeys(FILE_FAULTS, ("feed",)),
}
_WORDS = {"change_codec": ("codec",)}  # parameters that are words
_ENDINGS = {"fail_calls": "failures", "crowd_calls": "failures"}  # parameters that are ways for a call to end
_SERVICES = {"trunk_group": "voip", "trunk_group_in": "voip", "sbc": "voip", "smsc": "sms", "apn": "epc", "pgw": "epc"}
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_LONGEST_SEC = 3660 * 86_400
ScoredBy = Literal["detector", "books"]


@dataclass(frozen=True, slots=True)
class IncidentType:
    """A file of the library. `strength`: default, lowest, highest; `kpis`: KPI → what it does; `signals`: field → where."""

    name: str
    service: str
    places: tuple[str, ...]
    callers: str
    mechanism: str
    strength: tuple[float, float, float]
    meaning: str
    shape: str
    duration: timedelta
    longest: timedelta
    time: str
    figures: Mapping[str, float]
    words: Mapping[str, str]
    failures: Endings | None
    kpis: Mapping[str, str]
    signals: Mapping[str, str]
    scored_by: ScoredBy
    delay_limit: timedelta
    description: str
    about: str

    def service_at(self, place: str, entity: str) -> str:
        """The service of an incident at a place: that of the type, of the kind of place, or the feed's own name."""
        return self.service if self.service != "any" else _SERVICES.get(place, entity)

    def suitable(self, network: Network, place: str) -> tuple[str, ...]:
        """Names of the entities of a kind that it can strike."""
        if place != "trunk_group_in" or not self.callers:
            return network.names(place)
        return tuple(group.name for group in network.voip.access if group.callers == self.callers)

    def kpis_of(self, service: str) -> dict[str, str]:
        """What it moves there: a type that strikes several services names KPIs of them all."""
        return {kpi: move for kpi, move in self.kpis.items() if kpi.partition(".")[0] == service}


def read_types(folder: Path = FOLDER / "incidents") -> dict[str, IncidentType]:
    """The library by name. Raises DefinitionError that names file and key."""
    return {path.stem: _type(path, load(path)) for path in sorted(folder.glob("*.yml"))}


def span(value: Any, where: str) -> timedelta:
    """`90s`, `30m`, `3h` or `2d`. Raises DefinitionError."""
    found = re.fullmatch(r"(\d{1,12}(?:\.\d{1,12})?)([smhd])", plain(value, where).strip())
    if not found:
        raise DefinitionError(f"{shown(value)} is not a span such as 90s, 30m, 3h or 2d", where=where)
    seconds = float(found[1]) * _UNITS[found[2]]
    if seconds > _LONGEST_SEC:
        raise DefinitionError(f"{shown(value)} is longer than ten years", where=where)
    return timedelta(seconds=seconds)


def words_of(length: timedelta) -> str:
    """A span as `span` reads it, in the largest unit that divides it."""
    seconds = round(length.total_seconds())
    unit = next(unit for unit in ("d", "h", "m", "s") if seconds % _UNITS[unit] == 0)
    return f"{seconds // _UNITS[unit]}{unit}"


def time_of_day(value: Any, where: str) -> tuple[int, int]:
    """Hour and minute of "10:00". Raises DefinitionError."""
    found = re.fullmatch(r"([01]?\d|2[0-3]):([0-5]\d)", plain(value, where))
    if not found:
        raise DefinitionError(f"{shown(value)} is not a time of day", where=where, remedy='quote it: "10:00"')
    return int(found[1]), int(found[2])


_KEYS = (
    "service", "place", "mechanism", "strength", "shape", "usual", "parameters", "kpis", "scored_by", "delay_limit",
    "description",
)  # fmt: skip


def _type(path: Path, row: dict[str, Any]) -> IncidentType:
    where = str(path)
    known(row, where, _KEYS, ["signals", "callers"])
    mechanism = one_of(row["mechanism"], MECHANISMS, f"{where}: mechanism")
    usual = mapping(row["usual"], f"{where}: usual")
    known(usual, f"{where}: usual", ["duration", "time"], ["longest"])
    time_of_day(usual["time"], f"{where}: usual.time")
    figures, words, failures = _parameters(mechanism, row["parameters"], f"{where}: parameters")
    strength, meaning = _strength(row["strength"], f"{where}: strength")
    places = _places(row["place"], _STRIKES[mechanism], f"{where}: place")
    return IncidentType(
        name=path.stem,
        service=one_of(row["service"], sorted({"any", *(_SERVICES.get(place, "any") for place in places)}), f"{where}: service"),
        places=places,
        callers=one_of(row["callers"], ("business", "consumer", "foreign"), f"{where}: callers") if "callers" in row else "",
        mechanism=mechanism,
        strength=strength,
        meaning=meaning,
        shape=one_of(row["shape"], SHAPES, f"{where}: shape"),
        duration=span(usual["duration"], f"{where}: usual.duration"),
        longest=span(usual.get("longest", "3660d"), f"{where}: usual.longest"),
        time=str(usual["time"]),
        figures=figures,
        words=words,
        failures=failures,
        kpis=_choices(row["kpis"], MOVES, f"{where}: kpis"),
        signals=_choices(row.get("signals", {}), ("place", "anywhere"), f"{where}: signals"),
        scored_by="books" if one_of(row["scored_by"], ("detector", "books"), f"{where}: scored_by") == "books" else "detector",
        delay_limit=span(row["delay_limit"], f"{where}: delay_limit"),
        description=_description(row["description"], f"{where}: description"),
        about=_about(path),
    )  # fmt: skip


def _places(value: Any, kinds: tuple[str, ...], where: str) -> tuple[str, ...]:
    rows = value if isinstance(value, list) and value else [value]
    return tuple(one_of(row, kinds, where) for row in rows)


def _strength(value: Any, where: str) -> tuple[tuple[float, float, float], str]:
    row = mapping(value, where)
    known(row, where, ["default", "low", "high", "meaning"])
    low, high = (number(row[key], f"{where}.{key}", -1e9, 1e9) for key in ("low", "high"))
    return (number(row["default"], f"{where}.default", low, high), low, high), str(row["meaning"])


def _parameters(mechanism: str, value: Any, where: str) -> tuple[dict[str, float], dict[str, str], Endings | None]:
    """Numbers, words and ways to end of a mechanism, each of them present and no other."""
    row, bounds, words = dict(mapping(value, where)), MECHANISMS[mechanism], _WORDS.get(mechanism, ())
    ways = _ENDINGS.get(mechanism)
    known(row, where, [*bounds, *words, *([ways] if ways else [])])
    return (
        {key: number(row[key], f"{where}.{key}", *bounds[key]) for key in bounds},
        {key: name(row[key], f"{where}.{key}") for key in words},
        endings(row[ways], f"{where}.{ways}") if ways else None,
    )


def _choices(value: Any, choices: tuple[str, ...], where: str) -> dict[str, str]:
    return {key: one_of(choice, choices, f"{where}.{key}") for key, choice in mapping(value, where).items()}


def _description(value: Any, where: str) -> str:
    text = plain(value, where)
    try:
        text.format(place="", strength=1.0)
    except (KeyError, IndexError, ValueError, AttributeError) as problem:
        remedy = "{place}, {strength:g}, {strength:.0%}"
        raise DefinitionError(f"{text!r} cannot be filled in: {problem}", where=where, remedy=remedy) from problem
    return text


def _about(path: Path) -> str:
    """The comment that a file begins with, as one line."""
    lines = []
    for line in path.read_text("utf-8").splitlines():
        if not line.startswith("#"):
            break
        lines.append(line.lstrip("# "))
    return " ".join(lines)
