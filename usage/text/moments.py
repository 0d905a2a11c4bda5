"""Times as people write them: `2026-11-21 10:05`, `21.11.2026`, `21/11/2026 10:05:30`, `21 Nov 2026`, `yesterday 10:05`, `now`.

The day stands before the month where both are numbers. A time without an offset is of the zone that is given.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_TIME = r"(?:[ T,]+(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,6}))?)?\s*([ap]m)?)?"
_DAY_FIRST = re.compile(rf"(\d{{1,2}})([./-])(\d{{1,2}})\2(\d{{4}}){_TIME}", re.ASCII | re.IGNORECASE)
_YEAR_FIRST = re.compile(rf"(\d{{4}})([./-])(\d{{1,2}})\2(\d{{1,2}}){_TIME}", re.ASCII | re.IGNORECASE)
_NAMED = re.compile(rf"(\d{{1,2}})\.? +([a-z]{{3,9}})\.?,? +(\d{{4}}){_TIME}", re.ASCII | re.IGNORECASE)
_NAME_FIRST = re.compile(rf"([a-z]{{3,9}})\.? +(\d{{1,2}}),? +(\d{{4}}){_TIME}", re.ASCII | re.IGNORECASE)
_WORD = re.compile(rf"(today|yesterday|tomorrow){_TIME}", re.IGNORECASE)
_EPOCH = re.compile(r"@(\d{1,11})", re.ASCII)
FORMS = "2026-11-21 10:05, 21.11.2026 10:05, 21 Nov 2026, yesterday 10:05 or now"


def parse_moment(text: str, zone: ZoneInfo, now: datetime) -> datetime:
    """An aware time in UTC, to the millisecond. Raises ValueError with the reason.

    A time that the clocks of `zone` skipped is refused; one that they showed twice is the first of the two.
    """
    cleaned = " ".join(text.split())
    if cleaned.lower() == "now":
        return _milliseconds(now)
    found = _iso(cleaned) or _written(cleaned, zone, now)
    if found is None:
        raise ValueError(f"{cleaned[:40]!r} is not a time; write it as {FORMS}")
    try:
        return _milliseconds(found if found.tzinfo else _placed(found, zone))
    except OverflowError:
        raise ValueError(f"{cleaned[:40]!r} is out of reach") from None


def _iso(text: str) -> datetime | None:
    if epoch := _EPOCH.fullmatch(text):
        return datetime.fromtimestamp(int(epoch[1]), UTC)
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _written(text: str, zone: ZoneInfo, now: datetime) -> datetime | None:
    for pattern, order in (
        (_DAY_FIRST, (4, 3, 1)),
        (_YEAR_FIRST, (1, 3, 4)),
        (_NAMED, (3, 2, 1)),
        (_NAME_FIRST, (3, 1, 2)),
    ):
        if match := pattern.fullmatch(text):
            year, month, day = (match[position] for position in order)
            return _made(text, date_parts=(year, month, day), time_parts=match.groups()[-5:])
    if match := _WORD.fullmatch(text):
        days = {"today": 0, "yesterday": -1, "tomorrow": 1}[match[1].lower()]
        day_meant = (now.astimezone(zone) + timedelta(days=days)).date()
        return _made(text, day=day_meant, time_parts=match.groups()[-5:])
    return None


def _made(
    text: str, *, time_parts: tuple[str | None, ...], date_parts: tuple[str, ...] = (), day: date | None = None
) -> datetime:
    try:
        on = day or date(int(date_parts[0]), _month(date_parts[1]), int(date_parts[2]))
        hour, minute, second = (int(part or 0) for part in time_parts[:3])
        return datetime(on.year, on.month, on.day, _hour(hour, time_parts[4]), minute, second, _micros(time_parts[3]))
    except ValueError as error:
        raise ValueError(f"{text[:40]!r} is not a time: {error}") from None


def _month(text: str) -> int:
    if text.isdigit():
        return int(text)
    found = [number for number, name in enumerate(_MONTHS, 1) if text.lower().startswith(name)]
    if not found:
        raise ValueError(f"no month is called {text}")
    return found[0]


def _hour(hour: int, half: str | None) -> int:
    if half is None:
        return hour
    if not 1 <= hour <= 12:
        raise ValueError(f"{hour} {half} is no hour")
    return hour % 12 + (12 if half.lower() == "pm" else 0)


def _micros(text: str | None) -> int:
    return int((text or "0").ljust(6, "0"))


def _placed(local: datetime, zone: ZoneInfo) -> datetime:
    placed = local.replace(tzinfo=zone)
    if placed.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != local:
        raise ValueError(f"the clocks of {zone.key} skipped {local:%Y-%m-%d %H:%M}")
    return placed


def _milliseconds(moment: datetime) -> datetime:
    utc = moment.astimezone(UTC)
    return utc.replace(microsecond=utc.microsecond // 1000 * 1000)
