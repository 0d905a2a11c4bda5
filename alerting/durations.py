"""Lengths of time as Watcher and ES|QL write them: `30s`, `5m`, `1h`, `1d`, `2w`, and `10 minutes`."""

from __future__ import annotations

import re
from datetime import timedelta

_UNITS = {
    "s": 1,
    "sec": 1,
    "second": 1,
    "seconds": 1,
    "m": 60,
    "min": 60,
    "minute": 60,
    "minutes": 60,
    "h": 3600,
    "hour": 3600,
    "hours": 3600,
    "d": 86400,
    "day": 86400,
    "days": 86400,
    "w": 604800,
    "week": 604800,
    "weeks": 604800,
}
_FORM = re.compile(r"(\d{1,9})\s*([a-z]+)")


def duration(text: str | int) -> timedelta:
    """`5m` as five minutes; a bare whole number is seconds, as in Watcher. Raises ValueError on anything else or zero."""
    if isinstance(text, int) and not isinstance(text, bool):
        text = f"{text}s"
    match = _FORM.fullmatch(str(text).strip().lower())
    if match is None or match[2] not in _UNITS or int(match[1]) == 0:
        raise ValueError(f"{text!r} is not a length of time such as 30s, 5m, 1h or 1d")
    return timedelta(seconds=int(match[1]) * _UNITS[match[2]])


def spoken(length: timedelta) -> str:
    """The shortest exact form: `90s`, `5m`, `2h`."""
    seconds = round(length.total_seconds())
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds and seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"
