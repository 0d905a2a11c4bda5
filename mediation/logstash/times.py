"""A time of a layout as filters: composed, held against its form, read by the date filter."""

from __future__ import annotations

from collections.abc import Sequence

from contracts.outcomes import Reason
from mediation.epoch import EPOCH_PATTERNS
from mediation.layout import TimeField
from mediation.logstash.language import Value, literal, raw
from mediation.logstash.writer import GOOD, FilterWriter
from mediation.times import ISO8601, time_pattern

TEXT = "[@metadata][time]"
_MICROSECONDS = "UNIX_US"


def write_time(filters: FilterWriter, time: TimeField) -> None:
    """Fills the field of `time`, or rejects the line."""
    if time.paced_by:
        filters.out.comment("No column carries a time, and the wall clock is none.")
        with filters.out.block(f"if {GOOD}"):
            detail = "this layout carries no time: use busyhour ingest with --start and --rate"
            filters.reject(f"{time.field}.missing", Reason.MISSING_TIME, "", detail)
        return
    cells = [raw(column) for column in time.columns]
    filters.out.comment(f"{time.field} from {' and '.join(time.columns)}")
    with filters.out.block(f"if {GOOD}"):
        with filters.out.block("if " + " and ".join(f"{cell} =~ /./" for cell in cells)):
            _parse(filters, time, cells)
        if time.required:
            _missing(filters, time, time.columns, "")
        elif len(cells) > 1:
            given = " or ".join(f"{cell} =~ /./" for cell in cells)
            _missing(filters, time, time.columns, f" and ({given})")


def _missing(filters: FilterWriter, time: TimeField, columns: Sequence[str], given: str) -> None:
    """The first empty column is the one at fault."""
    for column in columns:
        last = column == columns[-1] and not given
        with filters.out.block("else" if last else f"else if {raw(column)} !~ /./{given}"):
            key = f"{time.field}.missing" if len(columns) == 1 else f"{time.field}.missing-{column}"
            filters.reject(key, Reason.MISSING_TIME, column, "has no time")


def _parse(filters: FilterWriter, time: TimeField, cells: Sequence[str]) -> None:
    """Held against a pattern that is stricter than the date filter, which then can only fail on times that do not exist."""
    text = " ".join(f"%{{{cell}}}" for cell in cells)
    filters.add("mutate", f"{time.field}.text", {"replace": {TEXT: text}})
    failed = f"_{time.field}_is_no_time"
    branch = "if"
    for forms in _branches(time.formats):
        with filters.out.block(f"{branch} {TEXT} =~ /\\A(?:{_pattern(forms)})\\z/"):
            _date(filters, time, forms, failed)
        branch = "else if"
    with filters.out.block("else"):
        filters.add("mutate", f"{time.field}.form", {"add_tag": [failed]})
    with filters.out.block(f'if "{failed}" in [tags]'):
        detail = f"%{{{TEXT}}} is no time of the form {' or '.join(time.formats)}"
        filters.reject(f"{time.field}.bad", Reason.BAD_TIME, time.columns[0], detail)
    if filters.layout.timezone != "UTC" or any(form == ISO8601 or form in EPOCH_PATTERNS for form in time.formats):
        settings: dict[str, Value] = {"field": filters.field(time.field), "column": time.columns[0], "text": TEXT}
        filters.script(f"{time.field}.within", "within", settings)


def _branches(forms: Sequence[str]) -> list[list[str]]:
    """Forms that one date filter reads: a count since 1970 has one of its own, which would read the digits of others, too."""
    branches: list[list[str]] = []
    for form in forms:
        if branches and form not in EPOCH_PATTERNS and branches[-1][0] not in EPOCH_PATTERNS:
            branches[-1].append(form)
        else:
            branches.append([form])
    return branches


def _pattern(forms: Sequence[str]) -> str:
    return "|".join(time_pattern(form) for form in forms).replace("/", r"\/")


def _date(filters: FilterWriter, time: TimeField, forms: Sequence[str], failed: str) -> None:
    part = forms[0] if forms[0] in EPOCH_PATTERNS else f"text-{time.formats.index(forms[0])}"
    key = time.field if len(forms) == len(time.formats) else f"{time.field}.{part}"
    source, match = TEXT, list(forms)
    if match == [_MICROSECONDS]:
        filters.out.comment("The date filter knows no microseconds: the last three digits are cut off.")
        source, match = "[@metadata][milliseconds]", ["UNIX_MS"]
        filters.add("mutate", f"{key}.copy", {"replace": {source: f"%{{{TEXT}}}"}})
        filters.add("mutate", f"{key}.cut", {"gsub": [source, r"[0-9]{3}\z", ""]})
    settings: dict[str, Value] = {
        "match": [source, *(literal(form) for form in match)],
        "timezone": filters.layout.timezone,
        "target": time.field if time.field == "@timestamp" else filters.field(time.field),
        "tag_on_failure": [failed],
    }
    filters.add("date", key, settings)
