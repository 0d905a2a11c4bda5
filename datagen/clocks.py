"""Times to text: the patterns that layouts name (`mediation.times`, `mediation.epoch`), the other way round.

Each function gives parts of a cell, one list of strings a part; a missing time is empty in every part.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from contracts.errors import InternalError
from datagen.arrivals import DAY_MS
from datagen.table import MISSING, Column, Ints

Parts = list[list[str]]
ISO8601 = "ISO8601"
EPOCHS = ("UNIX", "UNIX_MS", "UNIX_US", "UNIX.US")  # the last: seconds with six decimals, which UNIX reads
_QUARTER_MS = 900_000  # zones change at whole quarters of an hour
_LETTERS = {
    "yyyy": ("day", "%Y"),
    "MM": ("day", "%m"),
    "M": ("day", "%-m"),
    "dd": ("day", "%d"),
    "d": ("day", "%-d"),
    "HH": ("second", "%H"),
    "H": ("second", "%-H"),
    "mm": ("second", "%M"),
    "m": ("second", "%-M"),
    "ss": ("second", "%S"),
    "s": ("second", "%-S"),
    "SSS": ("milli", ""),
}
_TOKEN = re.compile(r"([A-Za-z])\1*|'([^']*)'|[^A-Za-z']")


def clock(column: Column, pattern: str, after: str, zone: str = "UTC") -> Parts:
    """A time column by a pattern of Logstash's date filter, local in `zone`; ISO8601 is always UTC.

    Raises InternalError on a pattern that is not known here. What a pattern has no letters for is cut off.
    """
    missing = column.values == MISSING
    if pattern in EPOCHS:
        return _blanked([_epoch(column.values, pattern)], missing, after)
    if pattern == ISO8601:
        segments, shift = segments_of("yyyy-MM-dd'T'HH:mm:ss.SSS'Z'"), 0
    else:
        segments, shift = segments_of(pattern), offsets(column.values, zone)
    local = np.maximum(column.values + shift, 0)
    days, seconds, milliseconds = local // DAY_MS, local % DAY_MS // 1000, local % 1000
    parts: Parts = []
    for kind, form in segments:
        if kind == "day":
            parts.append(_days(days, form))
        elif kind == "second":
            parts.append(_found(_seconds(form), seconds))
        else:
            parts.append(_found(_thousandths(form), milliseconds))
    return _blanked(parts, missing, after)


def resolution(pattern: str) -> int:
    """The finest step that a pattern writes, in ms."""
    if pattern == "UNIX":
        return 1000
    if pattern == ISO8601 or pattern in EPOCHS:
        return 1
    letters = {match[0] for match in _TOKEN.finditer(pattern) if match[1]}
    steps = ((("SSS",), 1), (("ss", "s"), 1000), (("mm", "m"), 60_000), (("HH", "H"), 3_600_000))
    return next((step for words, step in steps if letters & set(words)), DAY_MS)


@lru_cache(maxsize=64)
def segments_of(pattern: str) -> tuple[tuple[str, str], ...]:
    """Neighbouring letters of one kind together: (kind, strftime format; of milliseconds a %-format)."""
    segments: list[tuple[str, str]] = []
    pending = ""  # literal text before the first letter
    for token in _TOKEN.finditer(pattern):
        letters, quoted = token[0] if token[1] else "", token[2]
        if not letters:
            literal = (token[0] if quoted is None else quoted or "'").replace("%", "%%")
            if segments:
                segments[-1] = (segments[-1][0], segments[-1][1] + literal)
            else:
                pending += literal
            continue
        if letters not in _LETTERS:
            raise InternalError(f"time pattern {pattern!r} can be read but not written")
        kind, form = _LETTERS[letters]
        form = "%03d" if kind == "milli" else form
        if segments and segments[-1][0] == kind:
            segments[-1] = (kind, segments[-1][1] + form)
        else:
            segments.append((kind, pending + form))
        pending = ""
    return tuple(segments)


def offsets(milliseconds: Ints, zone: str) -> Any:
    """What local time in `zone` is ahead of UTC at each time, ms."""
    if zone in ("UTC", "Etc/UTC") or not milliseconds.size:
        return 0
    place = ZoneInfo(zone)
    quarters, where = np.unique(np.maximum(milliseconds, 0) // _QUARTER_MS, return_inverse=True)
    shifts = [_offset(quarter, place) for quarter in quarters.tolist()]
    return np.array(shifts, np.int64)[where]


def _offset(quarter: int, place: ZoneInfo) -> int:
    shift = datetime.fromtimestamp(quarter * _QUARTER_MS // 1000, place).utcoffset()
    return round(shift.total_seconds() * 1000) if shift is not None else 0


def _epoch(milliseconds: Ints, form: str) -> list[str]:
    if form == "UNIX":
        return list(map(str, (milliseconds // 1000).tolist()))
    if form == "UNIX_MS":
        return list(map(str, milliseconds.tolist()))
    if form == "UNIX_US":
        return list(map("%d000".__mod__, milliseconds.tolist()))
    seconds, rest = milliseconds // 1000, milliseconds % 1000
    return [f"{second}.{milli:03d}000" for second, milli in zip(seconds.tolist(), rest.tolist(), strict=True)]


def _found(words: Any, values: Ints) -> list[str]:
    found: list[str] = words[values].tolist()
    return found


@lru_cache(maxsize=8)
def _seconds(pattern: str) -> Any:
    """Every second of a day, written."""
    return np.array([datetime.fromtimestamp(second, UTC).strftime(pattern) for second in range(86_400)], dtype=object)


@lru_cache(maxsize=8)
def _thousandths(pattern: str) -> Any:
    return np.array([pattern % value for value in range(1000)], dtype=object)


def _days(days: Ints, pattern: str) -> list[str]:
    distinct, place = np.unique(days, return_inverse=True)
    words = [datetime.fromtimestamp(day * 86_400, UTC).strftime(pattern) for day in distinct.tolist()]
    return _found(np.array(words, dtype=object), place)


def _blanked(parts: Parts, missing: Any, after: str) -> Parts:
    """Parts with the cells of missing rows emptied, and `after` at the end."""
    for row in np.flatnonzero(missing).tolist():
        for part in parts:
            part[row] = ""
    return [*parts, [after] * missing.size]
