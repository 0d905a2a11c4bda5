"""How files get from the switch to us: late, twice, or never; on demand, or by an incident.

A file is delivered when its period ends. `late`: that share of the files comes by so much later. `duplicate`: that share comes
again, under another name, after `AGAIN_MS`. Which ones follows from the seed and the file's period alone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from contracts.errors import DefinitionError
from datagen.arrivals import DAY_MS
from datagen.incidents import Incident
from datagen.model import Model

AGAIN_MS = 1_800_000
_SHARE = re.compile(r"(\d{1,3}(?:\.\d+)?)%")
_LATE = re.compile(r"(\d{1,3}(?:\.\d+)?)%:(\d{1,6})(s|m|h|d)")
_UNITS_MS = {"s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}


@dataclass(frozen=True, slots=True)
class Faults:
    """Shares are 0–1. `delay`: ms that a late file comes late."""

    late: float = 0.0
    delay: int = 0
    duplicate: float = 0.0

    @property
    def any(self) -> bool:
        return bool(self.late or self.duplicate)


@dataclass(frozen=True, slots=True)
class Coming:
    """What becomes of a file: ms since 1970 when it is delivered, and again when twice. Positions of the incidents at work."""

    delivered: int
    again: int | None
    incidents: tuple[int, ...]


def faults(late: str | None, duplicate: str | None) -> Faults:
    """`2%:45m` and `1%`. Raises DefinitionError."""
    share, delay = 0.0, 0
    if late:
        found = _LATE.fullmatch(late)
        if found is None:
            raise DefinitionError(f"late {late!r} is no share and delay", remedy="write it as 2%:45m")
        share, delay = _share(found[1], f"late {late!r}"), int(found[2]) * _UNITS_MS[found[3]]
    if not duplicate:
        return Faults(share, delay)
    twice = _SHARE.fullmatch(duplicate)
    if twice is None:
        raise DefinitionError(f"duplicate {duplicate!r} is no share", remedy="write it as 1%")
    return Faults(share, delay, _share(twice[1], f"duplicate {duplicate!r}"))


def _share(text: str, where: str) -> float:
    if float(text) > 100:
        raise DefinitionError(f"{where} is more than all files", remedy="a share from 0% to 100%")
    return float(text) / 100


def stamped(model: Model, faulty: Faults) -> bool:
    """Whether files get the time of their delivery as their modification time: where it is not the same for all."""
    return faulty.any or any(
        incident.type.mechanism in ("late_files", "duplicate_files") for incident in model.incidents
    )


def coming(model: Model, service: str, feed: str, number: int, end: int, period: int, faulty: Faults) -> Coming:
    """Of a feed's file with this running number that ends at `end` (ms since 1970); `period`: how long its files go, in ms."""
    rng = model.streams("delivery", feed, number)
    chances = rng.random(4)
    delivered, again, at_work = end, None, []
    if chances[0] < faulty.late:
        delivered += faulty.delay
    if chances[1] < faulty.duplicate:
        again = delivered + AGAIN_MS
    for position, incident in enumerate(model.incidents, 1):
        if incident.service != service or not incident.start <= end - 1 < incident.end:
            continue
        if incident.type.mechanism == "late_files":
            delivered += _lateness(incident, end, chances[2], period)
        elif incident.type.mechanism == "duplicate_files" and chances[3] < _strength(incident, end):
            again = delivered + round(60_000 * incident.type.figures["after_min"])
        else:
            continue
        at_work.append(position)
    return Coming(delivered, again, tuple(at_work))


def longest_delay(model: Model, faulty: Faults) -> int:
    """After this many ms behind its period nothing of a file comes any more (periods are a day at most)."""
    late, again = faulty.delay, AGAIN_MS if faulty.duplicate else 0
    for incident in model.incidents:
        if incident.type.mechanism == "late_files":
            late += round(60_000 * incident.strength) + 3 * DAY_MS
        elif incident.type.mechanism == "duplicate_files":
            again = max(again, round(60_000 * incident.type.figures["after_min"]))
    return late + again


def _strength(incident: Incident, moment: int) -> float:
    return incident.strength * float(incident.level(np.array([moment - 1]))[0])


def _lateness(incident: Incident, end: int, chance: float, period: int) -> int:
    """Strength in minutes; shuffled files come up to three periods later still, behind the ones after them."""
    late = 60_000 * _strength(incident, end)
    shuffled = incident.type.figures["shuffled"]
    if chance < shuffled:
        late += period * (1 + 2 * chance / shuffled)
    return round(late)
