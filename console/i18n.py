"""Words, numbers and times in the viewer's language and zone. Catalogues: `console/locale/<language>.po` (gettext)."""

from __future__ import annotations

import io
from dataclasses import dataclass
from datetime import datetime
from functools import cache, lru_cache
from gettext import GNUTranslations, NullTranslations
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from babel import Locale, UnknownLocaleError, dates, negotiate_locale, numbers
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from console.codes import CODES, ENTITIES
from console.phrases import ERRORS, SENTENCES, Book
from console.phrases.saying import say
from contracts.clock import parse_iso, utc_now
from contracts.entities import Entity
from contracts.errors import BusyhourError, UserError
from servicedesk.diagnosis.said import Figure, Part, Said

FOLDER = Path(__file__).parent / "locale"
SOURCE = "en"
LANGUAGES = (SOURCE, "de", "fr")
UTC_ZONE = "UTC"
TERM = "term"
_UTC = ZoneInfo(UTC_ZONE)
PARTS = ("", "dashboards", SENTENCES, ERRORS, "glossary")
"""Catalogues of a language: the console's own words, then those of what it shows."""


@cache
def translations(language: str) -> NullTranslations:
    """The catalogue of a language; that of the source is empty."""
    if language == SOURCE:
        return NullTranslations()
    catalogue = catalogue_of(language)
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return GNUTranslations(compiled)


def catalogue_of(language: str) -> Catalog:
    """The words of the console itself and of all `PARTS` together."""
    found = Catalog(locale=language)
    for part in PARTS:
        for message in part_of_catalogue(language, part):
            if message.context is None:
                found[message.id] = message  # the header, whose id is empty, too
    return found


@cache
def part_of_catalogue(language: str, part: str) -> Catalog:
    """`de.po` for "", `de.errors.po` for `errors`."""
    with (FOLDER / f"{language}{f'.{part}' if part else ''}.po").open("rb") as file:
        return read_po(file, locale=language)


@cache
def terms(language: str) -> dict[str, str]:
    """Terms of the glossary in a language; they are apart, since the same word may be a state elsewhere."""
    if language == SOURCE:
        return {}
    return {str(one.id): str(one.string) for one in part_of_catalogue(language, "glossary") if one.context == TERM}


@cache
def book_of(part: str) -> Book:
    """The messages of a catalogue, to know texts again by."""
    messages = (message.id for message in part_of_catalogue(LANGUAGES[1], part) if message.id)
    return Book((one for one in messages if isinstance(one, str)), shaped=part == SENTENCES)


@cache
def zones() -> tuple[str, ...]:
    """IANA zones that a person may choose, by name."""
    names = sorted(name for name in available_timezones() if "/" in name and not name.startswith(("Etc", "posix")))
    return (*names, UTC_ZONE)


@lru_cache(1000)
def language_of(chosen: str, accepted: str) -> str:
    """What a person chose, else the best of the browser's Accept-Language, else English."""
    if chosen in LANGUAGES:
        return chosen
    wanted = [part.partition(";")[0].strip().replace("-", "_") for part in accepted.split(",")[:20]]
    found = negotiate_locale([*wanted, *(part.partition("_")[0] for part in wanted)], LANGUAGES)
    return str(found) if found else SOURCE


@lru_cache(1000)
def region_of(language: str, accepted: str) -> str:
    """The first locale of that language that the browser accepts and Babel knows; "" for none."""
    for part in accepted.split(",")[:20]:
        tag = part.partition(";")[0].strip().replace("-", "_")
        if tag.partition("_")[0] == language and "_" in tag:
            try:
                return str(Locale.parse(tag))
            except (UnknownLocaleError, ValueError):
                continue
    return ""


@lru_cache(1000)  # the names of all zones are read from the disk
def zone_of(name: str) -> ZoneInfo:
    """The zone of that name, UTC when there is none."""
    return ZoneInfo(name) if name in available_timezones() else _UTC


@cache
def _locale(name: str) -> Locale:
    return Locale.parse(name)


@lru_cache(10_000)
def _moment(moment: datetime, zone: ZoneInfo, locale: str) -> str:
    return str(dates.format_datetime(moment, "short", tzinfo=zone, locale=_locale(locale)))


def where_of(error: BusyhourError) -> str:
    """`channel.mail.address: ` before what is wrong: a setting, a ticket, a file. "" for what helps nobody on a page."""
    told = isinstance(error, UserError) and error.where and not error.where.startswith("-") and "://" not in error.where
    return f"{error.where}: " if told else ""


@dataclass(frozen=True, slots=True)
class Words:
    """How things are said to one viewer.

    `region`: a locale of the language, `en_GB`, whose formats are used. `network`: the zone in which stored sentences tell times.
    """

    language: str
    zone: ZoneInfo
    region: str = ""
    network: ZoneInfo = _UTC

    @property
    def locale(self) -> Locale:
        return _locale(self.region or self.language)

    @property
    def tag(self) -> str:
        """For the browser's own formats, such as `en-GB`."""
        return (self.region or self.language).replace("_", "-")

    def text(self, message: str, **values: object) -> str:
        """The message in the viewer's language, `%(name)s` filled in."""
        said = translations(self.language).gettext(message) if message else ""  # that of "" is the catalogue's head
        return said % values if values else said

    def said(self, value: Any) -> str:
        """A word of ours that documents hold (a state, a severity …), in the viewer's language; anything else as `cell`."""
        if not isinstance(value, str):
            return self.cell(value)
        return self.text(CODES[value]) if value in CODES else value

    def told(self, text: str, at: str | datetime | None = None) -> str:
        """A sentence of ours, of a document or a diagnosis, its figures and times as the viewer has them; any other as it is.

        `at`: about when it was written: an hour of a week in it is one before.
        """
        if not isinstance(text, str):
            return self.cell(text)
        if not isinstance(text, Said):
            moment = parse_iso(at) if at and isinstance(at, str) else None
            return say(self, book_of(SENTENCES), text, moment or (at if isinstance(at, datetime) else utc_now()))
        parts = {name: self._part(part) for name, part in text.parts.items()}
        told = self.text(text.message, **parts)
        return told[:1].upper() + told[1:] if text[:1].isupper() else told

    def error(self, text: str) -> str:
        """What an error says, or advises; what no message fits, such as words of Elasticsearch, as it is."""
        plain = self.text(text)
        if self.language == SOURCE or plain != text:
            return plain
        told = say(self, book_of(ERRORS), text, utc_now())
        head, mark, rest = text.partition(": ")
        if told == text and mark and book_of(ERRORS).find(head):  # what is wrong, in our words; then the server's
            return f"{self.error(head)}: {self.error(rest)}"
        return told if told != text else self.told(text)

    def problem(self, error: BusyhourError) -> str:
        """What an error says and advises, for the head of a form."""
        return ". ".join(text for text in (where_of(error) + self.error(error.what), self.error(error.remedy)) if text)

    def entity(self, kind: str, key: str) -> str:
        """`trunk group TG2`."""
        return f"{self.text(ENTITIES.get(kind, kind))} {key}"

    def _part(self, part: Part) -> str:
        if isinstance(part, Entity):
            return self.entity(part.type, part.id)
        if isinstance(part, Figure):
            unit = "" if part.unit in ("", "ratio", "MOS", "R") else f" {self.text(part.unit)}"
            return self.number(part.value, 3 if abs(part.value) < 100 else 0) + unit
        if isinstance(part, datetime):
            return self.time(part)
        if isinstance(part, tuple):
            return ", ".join(map(self.told, part))
        return self.number(part) if isinstance(part, int) else self.said(self.told(part))

    def number(self, value: Any, digits: int = 2) -> str:
        """`1,234.5` or `1.234,5`; a dash for nothing."""
        if value is None or isinstance(value, bool) or not isinstance(value, int | float):
            return "–" if value is None else str(value)
        return str(numbers.format_decimal(round(value, digits), locale=self.locale))

    def time(self, value: str | datetime | None) -> str:
        """Date, time and the zone's short name."""
        if not value:
            return "–"
        moment = parse_iso(value) if isinstance(value, str) else value
        return _moment(moment, self.zone, self.region or self.language)

    def zone_name(self) -> str:
        return str(self.zone)

    def date(self, value: str | datetime | None) -> str:
        if not value:
            return "–"
        moment = parse_iso(value) if isinstance(value, str) else value
        return str(dates.format_date(moment.astimezone(self.zone), "medium", locale=self.locale))

    def cell(self, value: Any) -> str:
        """Any value of a stored document, for a table."""
        if isinstance(value, bool):
            return self.text("yes") if value else self.text("no")
        if isinstance(value, list):
            return ", ".join(self.cell(each) for each in value)
        if isinstance(value, str) and len(value) >= 16 and value[4:5] == "-" and value[10:11] == "T":
            try:
                return self.time(value)
            except ValueError:
                return value
        return self.number(value) if isinstance(value, int | float) else ("–" if value in (None, "") else str(value))
