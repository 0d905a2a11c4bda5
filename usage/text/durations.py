"""Durations: `1:02:03`, `62 min`, `1h 2m 3s`, `PT1H2M3S` (ISO 8601-1 5.5.2.2) or seconds. Kept in milliseconds."""

from __future__ import annotations

import re
from decimal import Decimal

LONGEST_MS = 366 * 86_400_000  # nothing that is metered lasts longer than a year
_NUMBER = r"(\d{1,12}(?:[.,]\d{1,6})?)"
_CLOCK = re.compile(r"(?:(\d{1,9}):)?(\d{1,9}):([0-5]\d(?:[.,]\d{1,3})?)", re.ASCII)
_PLAIN = re.compile(_NUMBER, re.ASCII)
_UNIT_MS = {
    "ms": 1,
    "s": 1000,
    "sec": 1000,
    "second": 1000,
    "m": 60_000,
    "min": 60_000,
    "minute": 60_000,
    "h": 3_600_000,
    "hour": 3_600_000,
    "d": 86_400_000,
    "day": 86_400_000,
}
_PART = re.compile(rf"{_NUMBER}\s*([a-z]+)\s*", re.ASCII)
_ISO = re.compile(rf"PT?(?:(\d{{1,6}})D)?T?(?:(\d{{1,9}})H)?(?:(\d{{1,9}})M)?(?:{_NUMBER}S)?", re.ASCII | re.IGNORECASE)


def parse_duration(text: str) -> int:
    """Milliseconds. A number without a unit is seconds. Raises ValueError with the reason: not a duration, negative, too long."""
    cleaned = text.strip()
    if cleaned.startswith(("-", "−")):
        raise ValueError(f"{cleaned[:40]!r} is negative")
    readings = (reading(cleaned) for reading in (_clock, _iso, _parts))
    value = next((found for found in readings if found is not None), None)
    if value is None:
        raise ValueError(f"{cleaned[:40]!r} is not a duration; write it as 1:02:03, 62 min, 1h 2m 3s, or in seconds")
    if value > LONGEST_MS:
        raise ValueError(f"{cleaned[:40]!r} is longer than a year")
    return int(value)


def _decimal(text: str) -> Decimal:
    return Decimal(text.replace(",", "."))


def _clock(text: str) -> Decimal | None:
    """`h:mm:ss` or `m:ss`; with hours, minutes stay below 60."""
    match = _CLOCK.fullmatch(text)
    if match is None or (match[1] is not None and (len(match[2]) != 2 or int(match[2]) > 59)):
        return None
    return (int(match[1] or 0) * 3600 + int(match[2]) * 60 + _decimal(match[3])) * 1000


def _iso(text: str) -> Decimal | None:
    match = _ISO.fullmatch(text)
    if match is None or not any(match.groups()):
        return None
    days, hours, whole = (int(part or 0) for part in match.groups()[:3])
    return (Decimal(days * 86_400 + hours * 3600 + whole * 60) + _decimal(match[4] or "0")) * 1000


def _parts(text: str) -> Decimal | None:
    text = text.lower()
    if _PLAIN.fullmatch(text):
        return _decimal(text) * 1000
    total, position = Decimal(0), 0
    while position < len(text):
        match = _PART.match(text, position)
        unit = _UNIT_MS.get(match[2]) or _UNIT_MS.get(match[2].removesuffix("s")) if match else None
        if match is None or unit is None:
            return None
        total += _decimal(match[1]) * unit
        position = match.end()
    return total if text else None


def clock(milliseconds: int) -> str:
    """`1:02:03`, hours as many as there are; milliseconds only where there are some: `0:00:03.250`."""
    seconds, rest = divmod(milliseconds, 1000)
    text = f"{seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    return f"{text}.{rest:03d}" if rest else text


def minutes(milliseconds: int) -> str:
    """`62.05 min`: rounded half up to hundredths, zeros at the end left out."""
    hundredths = (milliseconds + 300) // 600
    text = f"{hundredths // 100:,}.{hundredths % 100:02d}".rstrip("0").rstrip(".")
    return f"{text} min"
