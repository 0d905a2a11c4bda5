"""Times of a sample: which columns they are, what they say in ms since 1970 UTC, and how they are written again."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from contracts.clock import epoch_ms, parse_iso
from datagen.table import MISSING, Ints
from mediation.layout import Layout
from mediation.times import ISO8601, reader

EPOCHS = {"UNIX": 1000, "UNIX_MS": 1, "UNIX_US": 0}  # ms in a unit; 0: a thousandth of one
_DATES = ("yyyy-MM-dd", "dd/MM/yyyy", "MM/dd/yyyy", "dd.MM.yyyy", "yyyyMMdd")
_CLOCKS = {"HH:mm:ss": re.compile(r"\d\d:\d\d:\d\d"), "H:mm:ss": re.compile(r"\d?\d:\d\d:\d\d")}
_WHOLE = (*(f"{day} {clock}{part}" for day in _DATES for clock in _CLOCKS for part in ("", ".SSS")), ISO8601)
_NO_OFFSET = timedelta()
_MOST_READ = 0.9  # share of cells that must be times of a form for the column to be one


@dataclass(frozen=True, slots=True)
class Moment:
    """A time of a record: `columns` hold it, joined by one space, in `patterns` (letters as in Logstash's date filter).

    `step`: resolution, ms. `zone`: of times without an offset.
    """

    field: str
    columns: tuple[str, ...]
    patterns: tuple[str, ...]
    zone: str
    step: int


def moments(cells: Mapping[str, list[str]], layout: Layout | None) -> list[tuple[Moment, Ints]]:
    """Times and their values (MISSING where there is none); the one that says when a record belongs comes first."""
    if layout is None:
        return _guessed(cells)
    found = []
    for time in layout.times:
        if time.paced_by or any(name not in cells for name in time.columns):
            continue
        texts = _joined([cells[name] for name in time.columns])
        form = next(
            (each for each in time.formats if _share(texts, each, layout.timezone) >= _MOST_READ), time.formats[0]
        )
        found.append(_moment(time.field, time.columns, texts, form, layout.timezone))
    main = _main(layout)
    return sorted(found, key=lambda item: item[0].field != main)


def _main(layout: Layout) -> str:
    """Field that `@timestamp` is taken from."""
    for derived in layout.derived:
        if derived.field == "@timestamp" and derived.kind == "copy":
            return derived.sources[0]
    return "@timestamp"


def _joined(columns: Sequence[list[str]]) -> list[str]:
    return [" ".join(parts) if any(parts) else "" for parts in zip(*columns, strict=True)]


def _share(texts: Sequence[str], form: str, zone: str) -> float:
    read = reader((form,), zone)
    looked = [text for text in texts[:2000] if text]
    return sum(read(text) is not None for text in looked) / len(looked) if looked else 0.0


def _moment(field: str, columns: tuple[str, ...], texts: list[str], form: str, zone: str) -> tuple[Moment, Ints]:
    read = reader((form,), zone)
    known = {text: read(text) for text in set(texts)}
    ms = {text: MISSING if value is None else epoch_ms(parse_iso(value)) for text, value in known.items()}
    values = np.array([ms[text] for text in texts], np.int64)
    there = values[values != MISSING]
    step = 1 if np.any(there % 1000) else 1000 if np.any(there % 60_000) else 60_000
    written = _as_written(form, next((text for text in texts if known[text]), ""))
    patterns = tuple(written.split(" ")) if len(columns) > 1 else (written,)
    return Moment(field, columns, patterns, zone, step), values


def _as_written(form: str, example: str) -> str:
    """The form as one pattern: ISO 8601 leaves open how many decimals there are, and the offset."""
    if form != ISO8601:
        return form
    decimals = re.search(r"\.(\d+)", example)
    part = "" if decimals is None else ".SSS"
    return f"yyyy-MM-dd'T'HH:mm:ss{part}" + ("'Z'" if re.search(r"Z$|[+-]\d\d:\d\d$", example) else "")


def _guessed(cells: Mapping[str, list[str]]) -> list[tuple[Moment, Ints]]:
    found: list[tuple[Moment, Ints]] = []
    days: dict[str, str] = {}
    for name, texts in cells.items():
        form = _form(texts, _WHOLE)
        if form:
            found.append(_moment(name, (name,), texts, form, "UTC"))
        elif day := _form(texts, _DATES):
            days[name] = day
    for day_column, day in days.items():
        clock_column = next((name for name, texts in cells.items() if _clock(texts)), None)
        if clock_column is not None:
            texts = _joined([cells[day_column], cells[clock_column]])
            form = f"{day} {_clock(cells[clock_column])}"
            found.append(_moment(day_column, (day_column, clock_column), texts, form, "UTC"))
            break
    return sorted(found, key=lambda item: bool(np.any(item[1] == MISSING)))


def _form(texts: Sequence[str], forms: Sequence[str]) -> str:
    example = next((text for text in texts if text), "")
    if not 8 <= len(example) <= 35:
        return ""
    return next((form for form in forms if _share(texts, form, "UTC") >= _MOST_READ), "")


def _clock(texts: Sequence[str]) -> str:
    full = [text for text in texts if text]
    fits = (form for form, pattern in _CLOCKS.items() if full and all(pattern.fullmatch(text) for text in full))
    return next(fits, "")


# Writing


def local(times: Ints, zone: str) -> Ints:
    """Wall clock of UTC times as if it were UTC, ms; the offset changes at quarters of an hour at the finest."""
    if zone in ("UTC", "Etc/UTC"):
        return times
    quarter = times // 900_000
    distinct, place = np.unique(quarter, return_inverse=True)
    there = ZoneInfo(zone)
    offsets = [
        int((datetime.fromtimestamp(each * 900, UTC).astimezone(there).utcoffset() or _NO_OFFSET).total_seconds())
        * 1000
        for each in distinct.tolist()
    ]
    return np.asarray(times + np.array(offsets, np.int64)[place])


def hours_of_week(times: Ints, zone: str) -> Ints:
    """0–167, Monday 00:00 = 0, by the wall clock of `zone`."""
    return np.asarray((local(times, zone) // 3_600_000 + 72) % 168)  # 1970-01-01 was a Thursday
