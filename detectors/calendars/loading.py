"""The calendar that the settings name."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from contracts.clock import from_epoch_ms
from contracts.errors import SettingError
from contracts.settings import Settings
from detectors.calendars.calendar import Calendar, Planned
from detectors.calendars.ics import read_ics


class Calendars:
    """The settings' calendar for any span of time; files are read once for the years that are asked for."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._known: dict[tuple[int, int], Calendar] = {}

    def at(self, since_ms: int, until_ms: int) -> Calendar:
        """The calendar of the years of [since, until). Raises as `calendar_of`."""
        first, last = from_epoch_ms(since_ms).year, from_epoch_ms(until_ms).year
        if (first, last) not in self._known:
            begin, end = datetime(first, 1, 1, tzinfo=UTC), datetime(last + 1, 1, 1, tzinfo=UTC)
            day = timedelta(days=1)  # of a zone, a year begins up to half a day off
            self._known[first, last] = calendar_of(self.settings, begin - day, end + day)
        return self._known[first, last]


def calendar_of(settings: Settings, since: datetime, until: datetime) -> Calendar:
    """Holidays of `network.country` and what the files of `network.calendars` plan in [since, until).

    Raises SettingError on an unknown country or a path that is not there, UserError on a file that cannot be read.
    """
    zone = ZoneInfo(settings.text("network.timezone"))
    country = _country(settings.text("network.country"))
    planned: list[Planned] = []
    for path in _paths(settings.text("network.calendars")):
        planned += read_ics(path, zone, since, until)
    return Calendar(zone, country, tuple(sorted(planned)))


def _country(text: str) -> str:
    if not text:
        return ""
    import holidays

    known = holidays.list_supported_countries(include_aliases=True)
    code, dash, part = text.partition("-")
    if code not in known:
        remedy = "write two letters such as DE (ISO 3166-1), or DE-BY with a subdivision; empty: no public holidays"
        raise SettingError(f"{text!r} is no country whose holidays are known", where="network.country", remedy=remedy)
    if dash and part not in known[code]:
        remedy = f"one of {', '.join(known[code])}" if known[code] else "this country has no subdivisions"
        raise SettingError(f"{code} has no subdivision {part!r}", where="network.country", remedy=remedy)
    return text


def _paths(text: str) -> list[Path]:
    if not text:
        return []
    path = Path(text)
    if path.is_dir():
        return sorted(one for one in path.glob("*.ics") if one.is_file())
    if not path.is_file():
        remedy = "name an .ics file or a folder of them; empty: none"
        raise SettingError(f"{text} is not there", where="network.calendars", remedy=remedy)
    return [path]
