"""Parts of a sentence in the viewer's words: entities, quantities, times in their zone, codes, lists, sentences inside."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from babel import dates, numbers

from console.codes import CODES, UNITS
from console.nouns import NOUNS
from console.phrases.book import Book
from console.phrases.shapes import ENTITY, HOURS, QUANTITY, SINCE, TYPES, VERBATIM

if TYPE_CHECKING:
    from console.i18n import Words

_DEEPEST = 4  # sentences inside sentences
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_TITLES = {name: noun.title for noun in NOUNS.values() for name in (noun.index, noun.name)}


def say(words: Words, book: Book, text: str, at: datetime, depth: int = 0) -> str:
    """The text in the viewer's language, line by line; lines that no message fits stay. `at`: about when it was written."""
    if "\n" in text:
        return "\n".join(say(words, book, line, at, depth) for line in text.split("\n"))
    found = book.find(text) if depth < _DEEPEST else None
    if found is None:
        return text
    message, parts = found
    filled = {name: part if name in VERBATIM else part_of(words, book, part, at, depth) for name, part in parts.items()}
    return words.text(message) % filled


def part_of(words: Words, book: Book, part: str, at: datetime, depth: int = 0) -> str:
    """One part; what is nothing known, such as a name, as it is."""
    known = _known(words, part, at)
    if known is not None:
        return known
    whole = say(words, book, part, at, depth + 1)
    if whole != part or book.find(part) is not None:
        return whole
    for mark in ("; ", ", "):
        pieces = part.split(mark)
        if 1 < len(pieces) < 50:
            return mark.join(part_of(words, book, piece, at, depth) for piece in pieces)
    return part


def _known(words: Words, part: str, at: datetime) -> str | None:
    if (found := QUANTITY.fullmatch(part)) is not None:
        return quantity(words, found[1], found[2] or "")
    if (found := HOURS.fullmatch(part)) is not None:
        return _hours(words, found[1], found[2], found[3], found[4], at)
    if (found := SINCE.fullmatch(part)) is not None:
        return _since(words, part, found[3], at)
    if (found := ENTITY.fullmatch(part)) is not None:
        return f"{words.text(TYPES[found[1]])} {found[2]}"
    if part in CODES:
        return words.said(part)
    if part in _TITLES:
        return words.text(_TITLES[part])
    if len(part) >= 20 and part[4:5] == "-" and part[10:11] == "T":
        return words.cell(part)
    return None


def quantity(words: Words, number: str, unit: str) -> str:
    """`1,920 ms` → `1.920 ms`: as many digits as were written, grouped where they were."""
    said = number
    if "e" not in number and number != "nan" and (number == "0" or not number.startswith("0") or "." in number):
        digits = len(number.partition(".")[2])
        pattern = ("#,##0" if "," in number else "0") + ("." + "0" * digits if digits else "")
        said = str(numbers.format_decimal(Decimal(number.replace(",", "")), pattern, locale=words.locale))
    return f"{said} {words.text(unit) if unit in UNITS else unit}" if unit else said


def _hours(words: Words, day: str, hour: str | None, until_day: str | None, until: str | None, at: datetime) -> str:
    """`Fri 10:00–10:35` of the network's zone, about the moment `at`, in the viewer's."""
    begin = _last(day, hour or "00:00", at, words.network)
    if hour is None:  # a day of the network, which is no other day elsewhere
        return _shown(begin, "EEE", words, words.network)
    said = _shown(begin, "EHm", words, words.zone)
    if until is None:
        return said
    end = _at_hour(begin, until)
    while end <= begin or (until_day and _DAYS[end.weekday()] != until_day):
        end = _at_hour(end + timedelta(days=1), until)
    same = end.astimezone(words.zone).date() == begin.astimezone(words.zone).date()
    return f"{said}–{_shown(end, 'Hm' if same else 'EHm', words, words.zone)}"


def _last(day: str, hour: str, at: datetime, zone: ZoneInfo) -> datetime:
    """The last such hour of a week that does not begin after `at`."""
    local = at.astimezone(zone)
    found = _at_hour(local - timedelta(days=(local.weekday() - _DAYS.index(day)) % 7), hour)
    return found if found <= local else found - timedelta(days=7)


def _at_hour(day: datetime, hour: str) -> datetime:
    return day.replace(hour=int(hour[:2]), minute=int(hour[3:]), second=0, microsecond=0)


def _since(words: Words, part: str, hour: str | None, at: datetime) -> str:
    """`Fri 20 Nov 10:00`: the year is the one nearest `at` in which it is that weekday."""
    local = at.astimezone(words.network)
    years = sorted(range(local.year - 6, local.year + 2), key=lambda year: abs(year - local.year))
    for year in years:
        try:
            day = datetime.strptime(f"{part[4:10]} {year}", "%d %b %Y").replace(tzinfo=words.network)
        except ValueError:
            continue  # 29 February
        if _DAYS[day.weekday()] == part[:3] and day <= local + timedelta(days=2):
            break
    else:
        return part
    if hour is None:
        return _shown(day, "MMMEd", words, words.network)
    moment = _at_hour(day, hour)
    return f"{_shown(moment, 'MMMEd', words, words.zone)} {_shown(moment, 'Hm', words, words.zone)}"


def _shown(moment: datetime, skeleton: str, words: Words, zone: ZoneInfo) -> str:
    if skeleton == "EEE":
        return str(dates.format_datetime(moment, "EEE", tzinfo=zone, locale=words.locale))
    return str(dates.format_skeleton(skeleton, moment, tzinfo=zone, locale=words.locale))
