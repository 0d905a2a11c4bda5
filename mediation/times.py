"""Times written in files: the pattern letters of Logstash's date filter, as far as files of CDRs need them.

A format is turned into a regular expression that is *stricter* than the date filter (fixed digits, real ranges), and both
runners hold a value against it first: what is left is read alike by both. Resolution is a millisecond.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from mediation.epoch import EPOCH_PATTERNS, moment_of

ISO8601 = "ISO8601"
_HOUR, _SIXTY = "(?:[01]?[0-9]|2[0-3])", "[0-5]?[0-9]"
# Letters → (part, digits between other characters, digits beside another letter).
_LETTERS = {
    "yyyy": ("year", "(?:19[7-9][0-9]|20[0-9][0-9])", "(?:19[7-9][0-9]|20[0-9][0-9])"),
    "MM": ("month", "(?:0?[1-9]|1[0-2])", "(?:0[1-9]|1[0-2])"),
    "dd": ("day", "(?:0?[1-9]|[12][0-9]|3[01])", "(?:0[1-9]|[12][0-9]|3[01])"),
    "HH": ("hour", _HOUR, "(?:[01][0-9]|2[0-3])"),
    "mm": ("minute", _SIXTY, "[0-5][0-9]"),
    "ss": ("second", _SIXTY, "[0-5][0-9]"),
    "SSS": ("milli", "[0-9]{3}", "[0-9]{3}"),
}
# One letter and two are read alike, with one digit or two, as the date filter does.
_ALIAS = {"M": "MM", "d": "dd", "H": "HH", "m": "mm", "s": "ss"}
_TOKEN = re.compile(r"([A-Za-z])\1*|'([^']*)'|[^A-Za-z']")
_ISO = (
    r"(?P<year>19[7-9][0-9]|20[0-9][0-9])-(?P<month>0[1-9]|1[0-2])-(?P<day>0[1-9]|[12][0-9]|3[01])T"
    r"(?P<hour>[01][0-9]|2[0-3]):(?P<minute>[0-5][0-9]):(?P<second>[0-5][0-9])(?:\.(?P<milli>[0-9]{1,9}))?"
    r"(?P<zone>Z|[+-](?:0[0-9]|1[0-4]):[0-5][0-9])?"
)
# The usual case, read at a fifth of the cost: as it is stored, or without the milliseconds.
_TO_THE_SECOND = (
    r"(?:19[7-9]|20[0-9])[0-9]-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"
)
STORED_PATTERN = rf"{_TO_THE_SECOND}\.[0-9]{{3}}Z"  # a time that is stored as it is, if there is such a day
_AS_STORED = re.compile(rf"{_TO_THE_SECOND}(?:\.[0-9]{{3}})?Z")
_STORED_LENGTH = 24
_MILLISECOND = timedelta(milliseconds=1)
EARLIEST, LATEST = "1970-01-01T00:00:00.000Z", "2099-12-31T23:59:59.999Z"


def time_pattern(form: str) -> str:
    """The regular expression (same meaning in Python and Ruby, without anchors) of texts that `form` takes.

    Raises ValueError on a pattern letter that is not known, or on a form without year, month and day.
    """
    return re.sub(r"\(\?P<[a-z]+>", "(?:", _named(form))


def _named(form: str) -> str:
    if form == ISO8601:
        return _ISO
    if form in EPOCH_PATTERNS:
        return EPOCH_PATTERNS[form]
    tokens = list(_TOKEN.finditer(form))
    if "".join(token[0] for token in tokens) != form:
        raise ValueError(f"quote without an end in time format {form!r}")
    seen: set[str] = set()
    parts = []
    for index, token in enumerate(tokens):
        if token[1] is None:
            parts.append(re.escape(token[0] if token[2] is None else token[2] or "'"))
            continue
        beside = any(other[1] for other in tokens[max(index - 1, 0) : index + 2] if other is not token)
        parts.append(_digits(token[0], form, seen, beside))
    if not {"year", "month", "day"} <= seen:
        raise ValueError(f"time format {form!r} has no year, month or day")
    return "".join(parts)


def _digits(letters: str, form: str, seen: set[str], beside: bool) -> str:
    known = _LETTERS.get(_ALIAS.get(letters, letters))
    if known is None:
        raise ValueError(f"unknown letters {letters!r} in time format {form!r}; known are {', '.join(_LETTERS)}")
    name, free, fixed = known
    if name in seen:
        raise ValueError(f"{letters!r} occurs twice in time format {form!r}")
    if beside and letters in _ALIAS:
        raise ValueError(f"{letters!r} stands beside another letter in time format {form!r}: write {_ALIAS[letters]!r}")
    seen.add(name)
    return f"(?P<{name}>{fixed if beside else free})"


_MINUTES = 10_000  # remembered: a week


class Minutes(set[str]):
    """Starts of stored times to the minute that were read before: most times share theirs with others."""

    def saw(self, text: str) -> None:
        if len(self) > _MINUTES:
            self.clear()
        self.add(text[:17])


# What follows the minute in a stored time: two small sets, since all sixty thousand would not stay in a processor's cache.
SECONDS = frozenset(f"{second:02d}." for second in range(60))
MILLISECONDS = frozenset(f"{milli:03d}Z" for milli in range(1000))


def reader(forms: tuple[str, ...], zone_name: str, minutes: Minutes | None = None) -> Callable[[str], str | None]:
    """A function text → stored form (`contracts.clock.iso`), None where no form fits or there is no such time.

    A time without an offset is local in `zone_name`: one that a clock change skips is none, one that occurs twice is the first.
    `minutes`: where to keep minutes of times that are stored as they are read, so that the caller can look there first.
    """
    patterns = [(form, re.compile(EPOCH_PATTERNS[form] if form in EPOCH_PATTERNS else _named(form))) for form in forms]
    zone = ZoneInfo(zone_name)
    utc = zone_name in ("UTC", "Etc/UTC")
    first = forms[0]
    minutes = Minutes() if minutes is None else minutes

    def read(text: str) -> str | None:
        if text[:17] in minutes and text[17:20] in SECONDS and text[20:] in MILLISECONDS:
            return text
        if first == ISO8601 and _AS_STORED.fullmatch(text) is not None and _day(text[:4], text[5:7], text[8:10]):
            minutes.saw(text)
            return text if len(text) == _STORED_LENGTH else text[:19] + ".000Z"
        for form, pattern in patterns:
            match = pattern.fullmatch(text)
            if match is not None:
                if form in EPOCH_PATTERNS:
                    moment = moment_of(form, text)
                    return None if moment is None else stored(moment)
                parts = match.groupdict("")
                if not _day(parts["year"], parts["month"], parts["day"]):
                    return None
                offset = parts.get("zone", "")
                written = _written(parts)
                if offset == "Z" or (utc and not offset):
                    return written
                return _shifted(written, offset) if offset else _local(written, zone)
        return None

    return read


@lru_cache(maxsize=4096)
def _day(year: str, month: str, day: str) -> bool:
    """Whether there is such a day; few distinct ones occur."""
    try:
        return bool(datetime(int(year), int(month), int(day), tzinfo=UTC))
    except ValueError:
        return False


def _written(parts: dict[str, str]) -> str:
    day = f"{parts['year']}-{parts['month']:0>2}-{parts['day']:0>2}"
    time = f"{parts.get('hour', ''):0>2}:{parts.get('minute', ''):0>2}:{parts.get('second', ''):0>2}"
    return f"{day}T{time}.{parts.get('milli', '')[:3]:0<3}Z"


def _shifted(written: str, offset: str) -> str | None:
    shift = timedelta(hours=int(offset[1:3]), minutes=int(offset[4:6]))
    return stored(datetime.fromisoformat(written) + (shift if offset[0] == "-" else -shift))


def _local(written: str, zone: ZoneInfo) -> str | None:
    naive = datetime.fromisoformat(written[:-1])
    instant = naive.replace(tzinfo=zone).astimezone(UTC)
    if instant.astimezone(zone).replace(tzinfo=None) != naive:
        return None  # skipped by a clock change
    return stored(instant)


def stored(moment: datetime) -> str | None:
    """The stored form of a UTC time, None outside 1970 to 2099 (the range that file times have too)."""
    text = moment.isoformat(timespec="milliseconds")[:23] + "Z"
    return text if EARLIEST <= text <= LATEST else None


def seconds_between(start: str, end: str) -> float:
    """Seconds from one stored time to another, negative when they are the other way round."""
    return (_milliseconds(end) - _milliseconds(start)) / 1000


def _milliseconds(text: str) -> int:
    """Of a stored time since 1970."""
    return _minute(text[:17]) + int(text[17:19] + text[20:23])


@lru_cache(maxsize=_MINUTES)
def _minute(text: str) -> int:
    return int(datetime.fromisoformat(text + "00Z").timestamp()) * 1000


def plus_seconds(start: str, seconds: float) -> str | None:
    """A stored time later by `seconds`, to the nearest millisecond (halves up); None outside 1970 to 2099."""
    try:
        return stored(datetime.fromisoformat(start) + timedelta(milliseconds=int((seconds * 1000 + 0.5) // 1)))
    except OverflowError:
        return None
