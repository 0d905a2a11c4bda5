"""What a layout must satisfy beyond its form: names that exist, types that fit, a time for every document."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from functools import cache
from zoneinfo import available_timezones

from contracts.indices import BY_NAME, CDR_INDEX
from mediation.enrich.rules import number_rules, truncation_rules
from mediation.layout import DERIVED_KINDS, Condition, Derived, Layout, TimeField
from mediation.times import time_pattern

# Elasticsearch types that a value of ours fits into.
_FITS = {
    "keyword": {"keyword"},
    "integer": {"integer", "long", "double"},
    "decimal": {"double"},
    "time": {"date"},
    "boolean": {"boolean"},
}
_INT = 2**31 - 1
_SET_BY_RUNNER = {
    "service.name",
    "event.kind",
    "event.dataset",
    "event.ingested",
    "ecs.version",
    "cdr.layout",
    "cdr.flags",
    "log.file.path",
    "log.file.fingerprint",
    "log.offset",
}


def broken_rules(layout: Layout) -> Iterator[str]:
    """What is wrong, one sentence each, beginning with the key."""
    yield from _names(layout)
    yield from _format(layout)
    yield from _columns(layout)
    yield from _times(layout)
    known: dict[str, str] = {
        column.field: column.type for column in layout.columns if column.field and column.pii != "drop"
    }
    yield from _targets(layout, known)
    known |= dict.fromkeys((time.field for time in layout.times), "time")
    known |= {field: _type_of(value) for field, value in layout.constants.items()}
    yield from number_rules(layout)
    known |= {field: "keyword" for number in layout.numbers for field in number.fields.values()}
    yield from _derived(layout, known)
    for index, flag in enumerate(layout.flags):
        yield from _conditions(f"flags.{index}", flag.when, known)
    yield from _stored(layout, known)
    yield from _timestamp(layout)


@cache
def _zones() -> frozenset[str]:
    """Asked for every layout, and read from the disk each time."""
    return frozenset(available_timezones())


def _near(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean {close[0]}?" if close else ""


def _names(layout: Layout) -> Iterator[str]:
    if layout.timezone not in _zones():
        yield f"timezone: unknown zone {layout.timezone!r}{_near(layout.timezone, _zones())}"
    for what, names in (
        ("name", [(column.name, column.part) for column in layout.columns]),
        ("as", [(column.raw, "") for column in layout.columns]),
    ):
        for name, part in sorted({each for each in names if names.count(each) > 1}):
            yield f"columns: {what} {name!r} occurs twice" + (f" with part {part!r}" if part else "")
    fields = [column.field for column in layout.columns if column.field]
    for field in sorted({field for field in fields if fields.count(field) > 1}):
        yield f"columns: field {field} is filled twice"
    raws = [column.raw for column in layout.columns]
    for column in layout.columns:
        if not column.raw or set(column.raw) & set("[]|"):
            yield f"columns: column {column.name!r} needs `as`: a name for it without brackets and bars"
        if column.required and any(column.raw in time.columns for time in layout.times):
            yield f"columns.{column.raw}.required: belongs to the time that it feeds"
    for name in layout.identity:
        if name not in raws:
            yield f"identity: no column {name!r}{_near(name, raws)}"


def _format(layout: Layout) -> Iterator[str]:
    form = layout.format
    if form.counts and layout.headed:
        yield "format.counts: belongs to header: none; columns that files with a header may lack are `optional`"
    if form.counts and max(form.counts) != len(layout.columns):
        yield f"format.counts: the most is {max(form.counts)}, but there are {len(layout.columns)} columns"
    if form.header == "none" and form.others != "refuse":
        yield "format.others: needs a header that names them"
    if form.whole_file and layout.encoding != "utf-8":
        yield "format.whole_file: JSON is UTF-8 (RFC 8259)"
    if form.whole_file and "logstash" in layout.runners:
        yield "format.whole_file: python alone; Filebeat sends line by line, so leave logstash out of the runners"
    if layout.encoding != "utf-8" and "logstash" in layout.runners:
        yield "encoding: python alone; Filebeat's inputs send bytes as they are, so leave logstash out of the runners"
    if form.kind == "pairs" and form.separator == form.equals:
        yield "format.equals: is the separator, too"
    if layout.files and layout.headed:
        yield "files: belongs to files without a header; this header tells by itself"
    for column in layout.columns:
        if column.optional and not layout.headed:
            yield f"columns.{column.raw}.optional: belongs to a csv with a header"
        if form.kind == "json" and not all(column.name.split(".")):
            yield f"columns.{column.raw}.name: is no path of keys with dots between them"
    if layout.paced and not (layout.headed and not any(column.part for column in layout.columns)):
        yield "times: paced_by needs a csv with a header"


def _columns(layout: Layout) -> Iterator[str]:
    for column in layout.columns:
        where = f"columns.{column.name or column.raw}"
        if column.type != "decimal" and column.divide_by != 1:
            yield f"{where}.divide_by: only a decimal can be divided"
        if column.type == "keyword" and (column.low is not None or column.high is not None):
            yield f"{where}: min and max belong to numbers"
        if column.type != "keyword" and (column.values is not None or column.pii == "hash"):
            yield f"{where}: values and pii: hash belong to keywords"
        yield from truncation_rules(where, column)
        if column.low is not None and column.high is not None and column.low > column.high:
            yield f"{where}: min {column.low:g} is above max {column.high:g}"
        if column.values is None and column.otherwise != "reject":
            yield f"{where}.otherwise: belongs to values"


def _times(layout: Layout) -> Iterator[str]:
    raws = {column.raw: column for column in layout.columns}
    for index, time in enumerate(layout.times):
        where = f"times.{index}"
        if bool(time.columns) == bool(time.paced_by) or bool(time.columns) != bool(time.formats):
            yield f"{where}: give either columns and formats, or paced_by"
        for name in (*time.columns, *filter(None, [time.paced_by])):
            if name not in raws:
                yield f"{where}: no column {name!r}{_near(name, raws)}"
        yield from _formats(where, time)


def _formats(where: str, time: TimeField) -> Iterator[str]:
    for form in time.formats:
        try:
            time_pattern(form)
        except ValueError as error:
            yield f"{where}.formats: {error}"


def _targets(layout: Layout, known: dict[str, str]) -> Iterator[str]:
    for index, target in enumerate(layout.targets):
        yield from _conditions(f"target.{index}", target.when, known)
        if not target.when and index != len(layout.targets) - 1:
            yield f"target.{index}: without `when` it must be the last"
    if layout.targets[-1].when:
        yield "target: the last must have no `when`, so that every record has a target"


def _conditions(where: str, conditions: Iterable[Condition], known: dict[str, str]) -> Iterator[str]:
    for condition in conditions:
        for field in filter(None, (condition.field, condition.other)):
            if field not in known:
                yield f"{where}.when: nothing fills {field!r} before{_near(field, known)}"
        kind = known.get(condition.field)
        numeric = kind in ("integer", "decimal")
        if condition.kind in ("range", "below") and kind and not numeric:
            yield f"{where}.when.{condition.field}: is no number"
        if condition.kind == "before" and kind != "time":
            yield f"{where}.when.{condition.field}: is no time"
        if condition.kind == "in" and kind and any(_type_of(value) != kind for value in condition.values):
            yield f"{where}.when.{condition.field}: values are not of type {kind}"


def _type_of(value: object) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "integer"
    return "decimal" if isinstance(value, float) else "keyword"


_TAKES = {
    "seconds_between": ("time", "time"),
    "time_plus": ("time", "number"),
    "time_minus": ("time", "number"),
    "difference": ("number", "number"),
    "ratio": ("number", "number"),
    "mos_of_r_factor": ("number",),
}
_TAKES_ALL = {"sum": "number", "join": "keyword", "release_name": "number", "release_fault": "number"}
_GIVES = {
    "seconds_between": "decimal",
    "time_plus": "time",
    "time_minus": "time",
    "join": "keyword",
    "release_name": "keyword",
    "release_fault": "keyword",
    "ratio": "decimal",
    "mos_of_r_factor": "decimal",
}


def _derived(layout: Layout, known: dict[str, str]) -> Iterator[str]:
    for index, derived in enumerate(layout.derived):
        where = f"derive.{index}"
        for position, field in enumerate(derived.sources):
            kind = known.get(field)
            if kind is None:
                yield f"{where}: nothing fills {field!r} before{_near(field, known)}"
                continue
            every = _TAKES_ALL.get(derived.kind)
            takes = _TAKES.get(derived.kind, (every,) * len(derived.sources) if every else None)
            if takes and takes[position] != ("number" if kind in ("integer", "decimal") else kind):
                yield f"{where}: {field} is {kind}, not {takes[position]}"
        if not derived.sources and derived.kind != "value":
            yield f"{where}: say how it is derived: {', '.join(DERIVED_KINDS)}"
        yield from _conditions(where, derived.when, known)
        known.setdefault(derived.field, _result(derived, known))


def _result(derived: Derived, known: dict[str, str]) -> str:
    if derived.kind in ("map", "value"):
        values = [*(derived.values or {}).values(), *([] if derived.otherwise is None else [derived.otherwise])]
        return _type_of(values[0]) if values else "keyword"
    if derived.kind in ("sum", "difference"):
        kinds = {known.get(field) for field in derived.sources}
        return "decimal" if "decimal" in kinds else "integer"
    return _GIVES.get(derived.kind, known.get(derived.sources[0], "keyword") if derived.sources else "keyword")


def _stored(layout: Layout, known: dict[str, str]) -> Iterator[str]:
    only = {column.field: column.only for column in layout.columns} | {time.field: time.only for time in layout.times}
    for derived in layout.derived:
        if derived.field not in only:
            others = [entry.only for entry in layout.derived if entry.field == derived.field]
            only[derived.field] = () if () in others else tuple(service for entry in others for service in entry)
    fields = [entry for service in layout.services for entry in BY_NAME[CDR_INDEX[service]].fields]
    for field, kind in known.items():
        if field in layout.locals:
            continue
        if field in _SET_BY_RUNNER:
            yield f"field {field}: every record gets it; a layout cannot set it"
        for service in only.get(field, ()) or layout.services:
            types = {entry.name: entry.type for entry in BY_NAME[CDR_INDEX[service]].fields}
            if field not in types:
                yield f"field {field}: {CDR_INDEX[service]} has no such field{_near(field, types)}"
            elif types[field] not in _FITS[kind]:
                yield f"field {field}: is {kind}, but {types[field]} in {CDR_INDEX[service]}"
    for column in layout.columns:
        small = "integer" in {entry.type for entry in fields if entry.name == column.field}
        if small and (column.low is None or column.high is None or abs(column.low) > _INT or column.high > _INT):
            yield f"columns.{column.raw}: {column.field} holds 32 bits: give min and max"
    for field in layout.locals:
        if known.get(field) not in (layout.locals[field], None):
            yield f"locals.{field}: is {known[field]}, not {layout.locals[field]}"


def _timestamp(layout: Layout) -> Iterator[str]:
    """@timestamp must be certain: a required time, or made of required fields only."""
    certain = {time.field for time in layout.times if time.required and not time.only}
    certain |= {column.field for column in layout.columns if column.required and not column.only}
    for derived in layout.derived:
        if (
            not derived.only
            and not derived.when
            and set(derived.sources) <= certain
            and derived.kind in ("copy", "time_plus", "time_minus")
        ):
            certain.add(derived.field)
    if "@timestamp" not in certain:
        yield "times: @timestamp is not certain; make it a required time or a copy of one"
