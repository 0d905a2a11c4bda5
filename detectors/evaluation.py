"""Incidents found beside the labelled truth: precision, recall, delay, false alarms.

A labelled incident is found when one of ours overlaps it in time, two buckets allowed on each side, and names one of
its entities. Each matches once, so that as many as can be are found; among such, those with most time in common are pairs.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from scipy import optimize

from contracts.clock import parse_iso
from contracts.entities import Entity
from contracts.errors import UserError

BUCKET = timedelta(seconds=300)
MARGIN = 2 * BUCKET
WEEK = timedelta(days=7)
_EARLIEST, _LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
_NEEDED = ("id", "type", "service", "entities", "start", "end")


@dataclass(frozen=True, slots=True)
class Labelled:
    """One line of a truth file. `entities`: `type:id`; `scored`: False for what even an oracle could not see.

    `limit_s`: seconds after its start by which its type says that it is to be found; None: the file does not say.
    `scored_by`: detector, or books where the books of files must tell it (`detectors.booked`); `files`: names of those it struck.
    """

    id: str
    type: str
    service: str
    entities: tuple[str, ...]
    start: datetime
    end: datetime
    strength: float = 1.0
    description: str = ""
    scored: bool = True
    limit_s: float | None = None
    scored_by: str = "detector"
    files: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """One of our incidents, as evaluation needs it."""

    id: str
    services: tuple[str, ...]
    entities: tuple[str, ...]
    start: datetime
    end: datetime
    detected: datetime
    title: str = ""


@dataclass(frozen=True, slots=True)
class Match:
    """One labelled incident and what we made of it; `found` is the id of ours or empty, `late`: found after its limit."""

    labelled: str
    type: str
    service: str
    entities: tuple[str, ...]
    found: str
    title: str
    delay_s: float | None
    scored: bool = True
    strength: float = 1.0
    limit_s: float | None = None

    @property
    def late(self) -> bool:
        return self.delay_s is not None and self.limit_s is not None and self.delay_s > self.limit_s


@dataclass(frozen=True, slots=True)
class OfType:
    """Incidents of one type: how many there were, count, were found, and within their limit; delays in seconds."""

    type: str
    labelled: int
    scored: int
    found: int
    within_limit: int
    limit_s: float | None
    median_delay_s: float | None
    delays_s: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Precision, recall and f1 0–1 (high is good), median delay in seconds, false alarms per service and week."""

    precision: float
    recall: float
    f1: float
    median_delay_s: float | None
    false_alarms_per_service_week: float
    false_alarms: tuple[str, ...]
    matches: tuple[Match, ...]

    def as_dict(self) -> dict[str, Any]:
        matches = [{**asdict(one), "late": one.late} for one in self.matches]
        return {**asdict(self), "matches": matches, "by_type": [asdict(one) for one in self.by_type()]}

    def by_type(self) -> list[OfType]:
        """Scored incidents by type, in the order of the types' names; a type of which none is scored is there with zeros."""
        groups: dict[str, list[Match]] = {}
        for one in self.matches:
            groups.setdefault(one.type, []).append(one)
        return [_of_type(name, groups[name]) for name in sorted(groups)]


def _of_type(name: str, matches: Sequence[Match]) -> OfType:
    scored = [one for one in matches if one.scored]
    found = [one for one in scored if one.delay_s is not None]
    delays = tuple(sorted(one.delay_s for one in found if one.delay_s is not None))
    limits = [one.limit_s for one in matches if one.limit_s is not None]
    in_time = sum(not one.late for one in found)
    middle = median(delays) if delays else None
    return OfType(name, len(matches), len(scored), len(found), in_time, min(limits, default=None), middle, delays)


def read_truth(path: Path) -> list[Labelled]:
    """Lines of a truth file (NDJSON). Raises UserError naming file, line and what is wrong."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"the truth file cannot be read: {error}", where=str(path)) from error
    found: dict[str, Labelled] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        one = labelled(line, f"{path}:{number}")
        if one.id in found:
            raise UserError(
                f"incident {one.id} is there twice", where=f"{path}:{number}", remedy="give each its own id"
            )
        found[one.id] = one
    return list(found.values())


def labelled(line: str, where: str) -> Labelled:
    """One truth line. Raises UserError."""
    try:
        row = json.loads(line, parse_constant=_no_number)
        if not isinstance(row, dict):
            raise TypeError("it is no object")
        missing = [name for name in _NEEDED if name not in row]
        if missing:
            raise UserError(f"no {', '.join(missing)}", where=where, remedy=f"every line holds {', '.join(_NEEDED)}")
        one = Labelled(
            str(row["id"]),
            str(row["type"]),
            str(row["service"]),
            _entities(row["entities"]),
            parse_iso(str(row["start"])),
            parse_iso(str(row["end"])),
            _finite(row.get("strength", 1.0)),
            str(row.get("description", "")),
            _yes_or_no(row.get("scored", True)),
            _finite(row["delay_limit_s"]) if row.get("delay_limit_s") is not None else None,
            str(row.get("scored_by", "detector")),
            tuple(str(name).rpartition("/")[2] for name in row.get("files", ())),
        )
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise UserError(f"not a labelled incident: {error}", where=where) from error
    if one.end <= one.start:
        raise UserError(f"incident {one.id} ends before it starts", where=where)
    if one.start < _EARLIEST or one.end > _LATEST:
        raise UserError(f"incident {one.id} lies outside of {_EARLIEST:%Y} to {_LATEST:%Y}", where=where)
    return one


def _no_number(word: str) -> float:
    raise ValueError(f"{word} is no number")


def _finite(value: Any) -> float:
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(f"{value} is no number")
    return number


def _entities(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not value:
        raise ValueError("entities is no list of TYPE:ID")
    return tuple(str(Entity.parse(str(entity))) for entity in value)


def _yes_or_no(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"scored is {value!r}, neither true nor false")
    return value


def evaluate(
    truth: Sequence[Labelled],
    incidents: Iterable[Found],
    *,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Evaluation:
    """Compare. `since`, `until`: the time that was judged (default: what truth and incidents span), for the rate."""
    ours = list(incidents)
    taken = _assigned(truth, ours)
    used = {one.id for one in taken.values()}
    table = tuple(_match(label, taken.get(label.id)) for label in truth)
    scored = [label for label in truth if label.scored]
    hits = sum(label.id in taken for label in scored)
    false = [one for one in ours if one.id not in used]
    return _summary(scored, hits, false, table, _service_weeks(truth, ours, since, until))


def _assigned(truth: Sequence[Labelled], ours: Sequence[Found]) -> dict[str, Found]:
    """By label id, the incident that it is matched with: as many pairs as there can be, then most time in common, then early.

    Taken one by one instead, a fault of days takes the incident of an hour that shows at its place, too, and leaves that
    one's own label with none (Kuhn 1955: the assignment problem).
    """
    if not truth or not ours:
        return {}
    fits = np.array([[matches(label, one) for one in ours] for label in truth])
    common = np.array([[_common(label, one) for one in ours] for label in truth])
    early = -np.array([[_delay(label, one) for one in ours] for label in truth])
    longest = max(float(np.abs(common).max()), float(np.abs(early).max()), 1.0)
    worth = np.where(fits, 1.0 + (common + 1e-3 * early) / longest / (4 * len(truth)), 0.0)
    rows, columns = optimize.linear_sum_assignment(worth, maximize=True)
    return {truth[row].id: ours[column] for row, column in zip(rows, columns, strict=True) if fits[row, column]}


def matches(label: Labelled, one: Found) -> bool:
    """Overlap within two buckets, and an entity in common."""
    overlaps = one.start < label.end + MARGIN and label.start - MARGIN < one.end
    return overlaps and not set(label.entities).isdisjoint(one.entities)


def _common(label: Labelled, one: Found) -> float:
    return (min(label.end, one.end) - max(label.start, one.start)).total_seconds()


def _delay(label: Labelled, one: Found) -> float:
    return max((one.detected - label.start).total_seconds(), 0.0)


def _match(label: Labelled, one: Found | None) -> Match:
    found, title, delay = ("", "", None) if one is None else (one.id, one.title, _delay(label, one))
    return Match(
        label.id,
        label.type,
        label.service,
        label.entities,
        found,
        title,
        delay,
        label.scored,
        label.strength,
        label.limit_s,
    )


def _summary(
    scored: Sequence[Labelled], hits: int, false: list[Found], table: tuple[Match, ...], service_weeks: float
) -> Evaluation:
    precision = hits / (hits + len(false)) if hits + len(false) else 1.0
    recall = hits / len(scored) if scored else 1.0
    f1 = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
    delays = [one.delay_s for one in table if one.delay_s is not None]
    rate = len(false) / service_weeks if service_weeks else 0.0
    return Evaluation(
        precision, recall, f1, median(delays) if delays else None, rate, tuple(one.id for one in false), table
    )


def _service_weeks(
    truth: Sequence[Labelled], ours: Sequence[Found], since: datetime | None, until: datetime | None
) -> float:
    spans = [(one.start, one.end) for one in truth] + [(one.start, one.end) for one in ours]
    times = [moment for span in spans for moment in span]
    since = since or min(times, default=None)
    until = until or max(times, default=None)
    services = {label.service for label in truth} | {name for one in ours for name in one.services}
    return (until - since) / WEEK * max(len(services), 1) if since and until else 0.0
