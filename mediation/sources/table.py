"""The table of sources: which sender a file is from, which number it has, and how often files are due."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

import yaml
from jsonschema import Draft202012Validator

from contracts.errors import DefinitionError
from contracts.settings import Settings

SHIPPED = Path(__file__).parent / "sources.yml"
_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_ENTRY = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "folder": {"type": "string", "minLength": 1},
        "layout": {"type": "string", "minLength": 1},
        "file": {"type": "string", "minLength": 1},
        "name": {"type": "string", "minLength": 1},
        "every": {"type": "string", "pattern": "^[1-9][0-9]{0,5}[smhd]$"},
        "first": {"type": "integer", "minimum": 0},
        "last": {"type": "integer", "minimum": 1},
        "watched": {"type": "boolean"},
    },
}
_SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["sources"],
    "properties": {"sources": {"type": "array", "items": _ENTRY}},
}


class Sender(NamedTuple):
    """What a file belongs to: a source is told apart by folder and name."""

    folder: str
    name: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of the table; keys as in sources.yml. `every` in seconds, None: learned. `last` None: numbers never begin again."""

    folder: str = "*"
    layout: str = ""
    file: re.Pattern[str] | None = None
    name: str = ""
    every: float | None = None
    first: int = 0
    last: int | None = None
    watched: bool = True

    @property
    def cycle(self) -> int | None:
        """How many numbers there are before they begin again."""
        return None if self.last is None else self.last - self.first + 1


@dataclass(frozen=True, slots=True)
class Named:
    """What a row of the ledger says of its file. `sequence` None: its name does not count."""

    sender: Sender
    entry: Entry
    sequence: int | None


@dataclass(frozen=True, slots=True)
class Table:
    """Entries in order; the first that fits is a file's."""

    entries: tuple[Entry, ...]

    def named(self, row: Mapping[str, Any]) -> Named:
        """Source and number of the file of a ledger row."""
        path = PurePosixPath(row["log"]["file"]["path"])
        about = row["file"]
        folder = str(about.get("source") or path.parent)
        for entry in self.entries:
            match = entry.file.fullmatch(path.name) if entry.file else None
            layout_fits = not entry.layout or entry.layout == about.get("layout")
            if layout_fits and fnmatchcase(folder, entry.folder) and (entry.file is None or match):
                return _named(entry, folder, match.groupdict() if match else {}, about)
        return _named(Entry(), folder, {}, about)


def _named(entry: Entry, folder: str, groups: Mapping[str, str | None], about: Mapping[str, Any]) -> Named:
    name = groups.get("source") or str(about.get("node", "")) or entry.name or PurePosixPath(folder).name or folder
    number = groups.get("sequence")
    sequence = about.get("sequence") if number is None else int(number)
    return Named(Sender(folder, name), entry, None if sequence is None else int(sequence))


def load_table(settings: Settings) -> Table:
    """The table that `source.table` names, or the shipped one. Raises DefinitionError naming file, place and value."""
    given = settings.text("source.table")
    return read_table(Path(given) if given else SHIPPED)


def read_table(path: Path) -> Table:
    """A table from a file. Raises DefinitionError."""
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise DefinitionError(" ".join(str(error).split()), where=str(path), remedy="see source.table") from error
    for wrong in sorted(Draft202012Validator(_SCHEMA).iter_errors(data), key=lambda one: str(one.absolute_path)):
        place = ".".join(str(part) for part in wrong.absolute_path) or "table"
        remedy = "the keys are explained in mediation/sources/sources.yml"
        raise DefinitionError(f"{place}: {wrong.message}", where=str(path), remedy=remedy)
    return Table(tuple(_entry(row, f"sources.{number}", str(path)) for number, row in enumerate(data["sources"])))


def _entry(row: Mapping[str, Any], place: str, path: str) -> Entry:
    pattern = None
    if "file" in row:
        try:
            pattern = re.compile(row["file"])
        except re.error as error:
            raise DefinitionError(f"{place}.file: {row['file']!r} is no pattern: {error}", where=path) from error
    if "last" in row and row["last"] <= row.get("first", 0):
        raise DefinitionError(f"{place}.last: {row['last']} is not above first {row.get('first', 0)}", where=path)
    plain = {key: row[key] for key in ("folder", "layout", "name", "first", "last", "watched") if key in row}
    every = row.get("every")
    return Entry(**plain, file=pattern, every=None if every is None else int(every[:-1]) * _UNITS[every[-1]])
