"""Calendar files (`.ics`, RFC 5545): what operators keep their change and holiday calendars in.

CATEGORIES says what an event is: HOLIDAY, MAINTENANCE or EVENT; without one it is an EVENT. LOCATION says for whom: entities such
as `trunk_group:TG6, sbc:lon-sbc`; empty: everybody. Recurrence, its exceptions, time zones and whole days are as in RFC 5545
(packages `icalendar`, `recurring-ical-events`); a time without a zone is that of the network.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from contracts.clock import epoch_ms
from contracts.entities import ENTITY_TYPES, Entity
from contracts.errors import UserError
from detectors.calendars.calendar import KINDS, Kind, Planned

MOST_BYTES = 5_000_000
MOST_PLANNED = 20_000
_TOO_OFTEN = (
    "SECONDLY",
    "MINUTELY",
    "HOURLY",
)  # nothing that people plan; a hostile file could fill the memory with it
_LONGEST = timedelta(days=400)


def read_ics(path: Path, zone: ZoneInfo, since: datetime, until: datetime) -> list[Planned]:
    """What a calendar file plans in [since, until), in order of time. Raises UserError naming the file and what is wrong."""
    calendar = _parsed(path)
    for event in calendar.walk("VEVENT"):
        _check(event, path)
    try:
        import recurring_ical_events

        found = recurring_ical_events.of(calendar).between(since, until)
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError) as error:
        raise UserError(f"an event cannot be read: {error}", where=str(path)) from error
    if len(found) > MOST_PLANNED:
        raise UserError(f"more than {MOST_PLANNED:,} events in {(until - since).days} days", where=str(path))
    planned = [_planned(event, zone, path) for event in found if str(event.get("STATUS", "")).upper() != "CANCELLED"]
    return sorted((one for one in planned if one.end > one.start), key=lambda one: (one.start, one.end, one.title))


def _parsed(path: Path) -> Any:
    from icalendar import Calendar as File

    try:
        if path.stat().st_size > MOST_BYTES:
            raise UserError(f"longer than {MOST_BYTES:,} bytes", where=str(path))
        raw = path.read_bytes()
    except OSError as error:
        raise UserError(f"cannot be read: {error.strerror or error}", where=str(path)) from error
    try:
        return File.from_ical(raw)
    except (ValueError, KeyError, IndexError, TypeError) as error:
        remedy = "export it as iCalendar (RFC 5545): it begins with BEGIN:VCALENDAR"
        raise UserError(f"is no calendar: {str(error)[:200]}", where=str(path), remedy=remedy) from error


def _check(event: Any, path: Path) -> None:
    title = str(event.get("SUMMARY", "an event without a title"))[:80]
    if event.get("DTSTART") is None:
        raise UserError(f"{title!r} has no start", where=str(path))
    rules = event.get("RRULE", [])
    for rule in rules if isinstance(rules, list) else [rules]:
        often = [str(word).upper() for word in rule.get("FREQ", [])]
        if any(word in _TOO_OFTEN for word in often):
            raise UserError(f"{title!r} recurs {often[0].lower()}", where=str(path), remedy="daily is the most often")


def _planned(event: Any, zone: ZoneInfo, path: Path) -> Planned:
    title = " ".join(str(event.get("SUMMARY", "planned")).split())[:200]
    begin = event["DTSTART"].dt
    end = event["DTEND"].dt if event.get("DTEND") is not None else begin
    start_ms, end_ms = _moment(begin, zone), _moment(end, zone)
    if end_ms - start_ms > _LONGEST.total_seconds() * 1000:
        raise UserError(f"{title!r} lasts longer than {_LONGEST.days} days", where=str(path))
    return Planned(_kind(event), title, start_ms, end_ms, _entities(event, title, path))


def _moment(value: date | datetime, zone: ZoneInfo) -> int:
    if not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day)
    return epoch_ms((value if value.tzinfo is not None else value.replace(tzinfo=zone)).astimezone(UTC))


def _kind(event: Any) -> Kind:
    raw = event.get("CATEGORIES")
    groups = raw if isinstance(raw, list) else [] if raw is None else [raw]
    words = {str(word).strip().lower() for group in groups for word in group.cats}
    found: list[Kind] = [kind for kind in KINDS if kind in words]
    return found[-1] if found else "event"


def _entities(event: Any, title: str, path: Path) -> tuple[Entity, ...]:
    """Of LOCATION; a place that is no entity (a meeting room) is refused, since the event would silence the whole network."""
    text = str(event.get("LOCATION", "")).strip()
    found = []
    for word in re.split(r"[,;\s]+", text) if text else ():
        kind, colon, name = word.partition(":")
        if not colon or kind not in ENTITY_TYPES or not name:
            remedy = "write entities such as trunk_group:TG6, or leave the location empty for the whole network"
            raise UserError(f"{title!r}: location {text[:80]!r} names no entity", where=str(path), remedy=remedy)
        found.append(Entity(kind, name))
    return tuple(found)
