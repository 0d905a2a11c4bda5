"""Times for a layout that carries none: the user says when the first record was and at what rate they came."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import BinaryIO

from contracts.errors import UserError
from mediation.compile import Pace
from mediation.formats import records
from mediation.layout import Layout
from mediation.sniff import Source, header_cells
from mediation.times import stored

_RATE = re.compile(r"([0-9]+(?:\.[0-9]+)?)(?:/(s|min|h))?")
_SECONDS = {"s": 1.0, "min": 60.0, "h": 3600.0}


def parse_rate(rate: str) -> float:
    """Seconds from one record to the next: `120/h`, `2/min`, `5/s`; a bare number is per hour. Raises UserError."""
    match = _RATE.fullmatch(rate.strip())
    if match is None or float(match[1]) <= 0:
        raise UserError(f"{rate!r} is no rate", where="--rate", remedy="write records per time: 120/h, 2/min or 5/s")
    return _SECONDS[match[2] or "h"] / float(match[1])


def parse_start(start: str) -> str:
    """A date and time (ISO 8601; UTC unless it has an offset) as stored. Raises UserError."""
    try:
        moment = datetime.fromisoformat(start.strip())
    except ValueError:
        moment = None
    written = stored((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)) if moment else None
    if written is None:
        raise UserError(f"{start!r} is no time", where="--start", remedy='write it as "2026-01-01T00:00:00"')
    return written


def user_pace(start: str | None, rate: str | None) -> tuple[str, float] | None:
    """Both or neither. Raises UserError."""
    if (start is None) != (rate is None):
        given, other = ("--start", "--rate 120/h") if rate is None else ("--rate", '--start "2026-01-01T00:00:00"')
        raise UserError("says half of the pace", where=given, remedy=f"give {other} too")
    return None if start is None or rate is None else (parse_start(start), parse_rate(rate))


def pace_of(
    source: Source, layout: Layout, stream: BinaryIO, limit: int, given: tuple[str, float] | None
) -> Pace | None:
    """Pace of one file: its lowest record number is at the start. The same for any order of its lines."""
    if layout.paced is None or given is None:
        return None
    number = next(column.name for column in layout.columns if column.raw == layout.paced.paced_by)
    position = source.header.index(number)
    lowest: int | None = None
    for _, _, raw in records(layout, stream, limit):
        cells = header_cells(raw.rstrip(b"\r").decode(errors="replace"), layout) or ()
        text = cells[position] if len(cells) == len(source.header) else ""
        if text.isascii() and text.isdigit() and len(text) <= 15:
            lowest = int(text) if lowest is None else min(lowest, int(text))
    return Pace(given[0], given[1], lowest or 0)
