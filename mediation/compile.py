"""A layout becomes one fast function, line → `Record` or `Reject`.

Python source is written for each layout and compiled once: a line costs a split, a few dictionary look-ups and one
SHA-256 then, instead of a walk over the layout. `Mediator.source` holds it, to be read.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from contracts import ids
from contracts.outcomes import Document, Reason, Reject
from mediation.enrich import expressions
from mediation.formats import cells_reader
from mediation.layout import Column, Condition, Derived, Flag, Layout, NumberField, Scalar, TimeField
from mediation.source import DocumentSource, Writer
from mediation.times import ISO8601, MILLISECONDS, SECONDS, Minutes, plus_seconds, reader, seconds_between
from mediation.values import REMEMBERED, WHITE_SPACE, Memo, Refusal, converter, quoted_splitter, shown

ECS_VERSION = "8.17.0"
_REPEATS = 10_000  # integers up to here are remembered
SUBSCRIBERS = 65_536  # whose keyed hashes are remembered


class Record(NamedTuple):
    """A mediated line: document id, service (which decides the index), `@timestamp` as stored, the document itself."""

    id: str
    service: str
    timestamp: str
    document: Document


@dataclass(frozen=True, slots=True)
class Pace:
    """Times of a layout that carries none: the record numbered `first` is at `start` (stored form), then one every `step_sec`."""

    start: str
    step_sec: float
    first: int


@dataclass(frozen=True, slots=True)
class Mediator:
    """`mediate(line)`: the line without its end, decoded, or the octets of a binary record. Pure: one line, one outcome."""

    layout: Layout
    mediate: Callable[[Any], Record | Reject]
    source: str


def compile_layout(
    layout: Layout, key: bytes, *, header: Sequence[str] | None = None, pace: Pace | None = None
) -> Mediator:
    """`key`: of the keyed hashes. `header`: the file's own order of columns. `pace`: see `Pace`."""
    generator = Generator(layout, key, pace)
    source = generator.source(list(header or layout.header))
    scope = generator.scope
    exec(compile(source, f"<layout {layout.name}>", "exec"), scope)  # noqa: S102  our own text, made from a checked layout
    return Mediator(layout, scope["mediate"], source)


class Generator:
    """Writes the function. A field's value is in a variable of its own; an absent one is None (or "" for a plain column)."""

    def __init__(self, layout: Layout, key: bytes, pace: Pace | None) -> None:
        self.layout, self.key, self.pace = layout, key, pace
        self.variables: dict[str, str] = {}  # field → variable
        self.certain: set[str] = set()  # variables that are never absent
        self.plain: set[str] = set()  # variables whose absent value is ""
        self.scope: dict[str, Any] = {
            "Record": Record,
            "Reject": Reject,
            "Refusal": Refusal,
            "sha256": hashlib.sha256,
            "seconds_between": seconds_between,
            "plus_seconds": plus_seconds,
            "split_quoted": quoted_splitter(layout.separator),
            "BAD_QUOTING": Reject(Reason.BAD_QUOTING, "", "a quote is open, or stands inside or after a cell"),
            "column_count": self._column_count,
            "bad_span": _bad_span,
            "SECONDS": SECONDS,
            "MILLISECONDS": MILLISECONDS,
            **expressions.names(),
        }

    def _column_count(self, count: int) -> Reject:
        return Reject(Reason.COLUMN_COUNT, "", f"{count} columns, not {len(self.layout.columns)}")

    def bind(self, name: str, value: object) -> str:
        self.scope[name] = value
        return name

    def source(self, header: list[str]) -> str:
        out = Writer()
        with out.block("def mediate(line):"):
            if self.layout.inlined:
                self._split(out, header)
            else:
                self.bind("read_cells", cells_reader(self.layout, header))
                out.line("cells = read_cells(line)")
                out.line("if cells.__class__ is Reject: return cells")
                self.unpack(out, "cells", [f"c{index}" for index in range(len(self.layout.columns))])
            with out.block("try:"):
                self.columns(out)
                self.target(out)
                self.times(out)
                self.derived(out)
            with out.block("except Refusal as refusal:"):
                out.line("return refusal.reject")
            self.flags(out)
            self._document(out)
            out.line(f"identity = {self.identity()}")
            out.line(f"key = sha256(identity.encode()).hexdigest()[:{ids.ID_LENGTH}]")
            out.line(f"return Record(key, service, {self.variables['@timestamp']}, document)")
        return out.text()

    def _split(self, out: Writer, header: list[str]) -> None:
        with out.block("if '\"' in line:"):
            out.line("cells = split_quoted(line)")
            out.line("if cells is None: return BAD_QUOTING")
        out.line(f"else: cells = line.split({self.layout.separator!r})")
        out.line(f"if len(cells) != {len(header)}: return column_count(len(cells))")
        self.unpack(out, self.stripped("cells"), self.named(header))

    def named(self, header: list[str]) -> list[str]:
        """Variables of the cells in the file's own order."""
        raws = {column.name: self.raw(column.raw) for column in self.layout.columns}
        return [raws[name] for name in header]

    def stripped(self, cells: str) -> str:
        return f"[cell.strip({WHITE_SPACE!r}) for cell in {cells}]" if self.layout.strip else cells

    def unpack(self, out: Writer, cells: str, names: list[str]) -> None:
        """Cells into variables of their own."""
        out.line(f"{', '.join(names)}, = {cells}")

    def raw(self, raw: str) -> str:
        index = next(index for index, column in enumerate(self.layout.columns) if column.raw == raw)
        return f"c{index}"

    # Steps, in the order that mediation.layout names

    def columns(self, out: Writer) -> None:
        for index, column in enumerate(self.layout.columns):
            self.column(out, index, column)

    def column(self, out: Writer, index: int, column: Column) -> None:
        self.check_required(out, index, column)
        convert = converter(column, self.key)
        variable = f"c{index}"
        if convert is not None:
            cell, variable = variable, f"v{index}"
            memo = self.bind(f"memo{index}", Memo(convert, limit)) if (limit := remembered(column)) else ""
            value = f"{memo}[{cell}]" if memo else self.number(column, cell, self.bind(f"convert{index}", convert))
            out.line(f"{variable} = {value}" + ("" if column.required else f" if {cell} else None"))
        if column.required:
            self.certain.add(variable)
        elif convert is None:
            self.plain.add(variable)
        if column.field and column.pii != "drop":
            self.variables[column.field] = variable

    def number(self, column: Column, cell: str, convert: str) -> str:
        """Expression for a number that is not worth remembering."""
        return f"{convert}({cell})"

    def check_required(self, out: Writer, index: int, column: Column) -> None:
        if column.required:
            missing = self.bind(f"missing{index}", Reject(Reason.MISSING_VALUE, column.raw, "is empty"))
            out.line(f"if not c{index}: return {missing}")

    def target(self, out: Writer) -> None:
        word = "if"
        for target in self.layout.targets:
            if target.when:
                out.line(f"{word} {self._all(target.when)}: service = {target.service!r}")
                word = "elif"
            else:
                out.line(f"else: service = {target.service!r}" if word == "elif" else f"service = {target.service!r}")

    def times(self, out: Writer) -> None:
        for index, time in enumerate(self.layout.times):
            variable = f"t{index}"
            self.variables[time.field] = variable
            if time.paced_by:
                clock = self.bind(f"pace{index}", _paced(time, self.pace))
                out.line(f"{variable} = {clock}({self.raw(time.paced_by)})")
                self.certain.add(variable)
                continue
            cells = [self.raw(raw) for raw in time.columns]
            read = self._reader(index, time)
            missing = [self._no_time(index, place, raw) for place, raw in enumerate(time.columns)]
            text = " + ' ' + ".join(cells)
            for cell, reject in zip(cells, missing, strict=True):
                if time.required:
                    out.line(f"if not {cell}: return {reject}")
                elif len(cells) > 1:
                    out.line(f"if not {cell} and ({' or '.join(cells)}): return {reject}")
            value = read.format(text)
            out.line(f"{variable} = {value}" if time.required else f"{variable} = ({value}) if {cells[0]} else None")
            if time.required:
                self.certain.add(variable)

    def _reader(self, index: int, time: TimeField) -> str:
        """Expression for the time in text `{}`. Times to the millisecond do not repeat: not worth remembering."""
        minutes = Minutes()
        convert = _time_converter(time, self.layout.timezone, minutes)
        if time.formats[0] == ISO8601:
            known, read = self.bind(f"minutes{index}", minutes), self.bind(f"time{index}", convert)
            usual = f"{{0}}[:17] in {known} and {{0}}[17:20] in SECONDS and {{0}}[20:] in MILLISECONDS"
            return f"{{0}} if {usual} else {read}({{0}})"
        return self.bind(f"times{index}", Memo(convert)) + "[{}]"

    def _no_time(self, index: int, place: int, raw: str) -> str:
        return self.bind(f"no_time{index}_{place}", Reject(Reason.MISSING_TIME, raw, "is empty"))

    def derived(self, out: Writer) -> None:
        for field, value in self.layout.constants.items():
            self.constant(out, field, value)
        for index, number in enumerate(self.layout.numbers):
            self.numbered(out, index, number)
        for index, derived in enumerate(self.layout.derived):
            self.derive(out, index, derived)

    def constant(self, out: Writer, name: str, value: Scalar) -> None:
        variable = self._own(out, name, f"k{len(self.variables)}")
        if name in self.variables and variable not in self.certain:
            out.line(f"if {self._absent(variable)}: {variable} = {value!r}")
        elif name not in self.variables:
            out.line(f"{variable} = {value!r}")
        self.variables[name] = variable
        self.certain.add(variable)

    def numbered(self, out: Writer, index: int, number: NumberField) -> None:
        """What a number tells, from the cell itself: a hash tells nothing."""
        cell = self.raw(number.column)
        plan = self.bind(f"plan{index}", expressions.plan(number))
        parts = {name: f"n{index}_{name}" for name in ("country", "type", "zone")}
        out.line(f"{', '.join(parts.values())} = {plan}[{cell}] if {cell} else NOWHERE")
        self.variables |= {field: parts[name] for name, field in number.fields.items()}

    def derive(self, out: Writer, index: int, derived: Derived) -> None:
        sources = [self.variables[field] for field in derived.sources]
        if self.variables.get(derived.field) in self.certain:
            return
        existing = self._own(out, derived.field, f"d{index}") if derived.field in self.variables else None
        tests = [f"service in {derived.only!r}"] if derived.only else []
        if existing is not None:
            tests.append(self._absent(existing))
        uncertain = [self.present(source) for source in dict.fromkeys(sources) if source not in self.certain]
        tests += expressions.given(derived, uncertain)
        tests += [self._test(condition) for condition in derived.when]
        value = self._value(index, derived, sources)
        variable = existing or f"d{index}"
        absent = expressions.MAY_BE_ABSENT
        certain = not tests and derived.kind not in absent and (derived.kind != "map" or derived.otherwise is not None)
        if tests:
            with out.block(f"if {' and '.join(tests)}:"):
                self._assign(out, derived, variable, value, sources)
            if existing is None:
                out.line(f"else: {variable} = None")
        else:
            self._assign(out, derived, variable, value, sources)
        self.variables[derived.field] = variable
        if certain:
            self.certain.add(variable)

    def _own(self, out: Writer, field: str, fresh: str) -> str:
        """A variable for `field` that may be assigned: a cell itself must stay as it is, since the identity is made of cells."""
        variable = self.variables.get(field, fresh)
        if variable in self.plain and variable != fresh:
            out.line(f"{fresh} = {variable}")
            self.plain.add(fresh)
            self.variables[field] = variable = fresh
        return variable

    def _assign(self, out: Writer, derived: Derived, variable: str, value: str, sources: list[str]) -> None:
        out.line(f"{variable} = {value}")
        if derived.kind == "seconds_between":
            out.line(f"if {variable} < 0: {variable} = None")
        if derived.kind in ("time_plus", "time_minus"):
            out.line(f"if {variable} is None: bad_span({derived.field!r}, {sources[1]})")

    def _value(self, index: int, derived: Derived, sources: list[str]) -> str:
        kind = derived.kind
        if kind == "copy":
            return sources[0]
        if kind == "map":
            table = self.bind(f"map{index}", dict(derived.values or {}))
            return f"{table}.get({sources[0]}, {derived.otherwise!r})"
        if kind == "seconds_between":
            return f"seconds_between({sources[0]}, {sources[1]})"
        if kind in ("time_plus", "time_minus"):
            return f"plus_seconds({sources[0]}, {'-' if kind == 'time_minus' else ''}{sources[1]})"
        if kind == "value":
            return repr(derived.otherwise)
        if kind in expressions.ENRICHED:
            return expressions.value(derived, self.variables)
        if kind == "join":
            return " + '-' + ".join(sources)
        if kind == "difference":
            return f"{sources[0]} - {sources[1]} if {sources[0]} > {sources[1]} else 0"
        return " + ".join(sources)

    def flags(self, out: Writer) -> None:
        if not self.layout.flags:
            return
        out.line("flags = []")
        seen: set[str] = set()
        for flag in self.layout.flags:
            out.line(f"if {self.flag_test(flag, seen)}: flags.append({flag.name!r})")
            seen.add(flag.name)

    def flag_test(self, flag: Flag, seen: set[str]) -> str:
        return self._all(flag.when) + (f" and {flag.name!r} not in flags" if flag.name in seen else "")

    def _document(self, out: Writer) -> None:
        tree = DocumentSource()
        tree.add("ecs.version", repr(ECS_VERSION))
        tree.add("event.kind", "'event'")
        tree.add("event.dataset", "'busyhour.' + service")
        tree.add("service.name", "service")
        tree.add("cdr.layout", repr(self.layout.name))
        if self.layout.flags:
            tree.add("cdr.flags", "flags", test="flags")
        only = self.only()
        for field, variable in self.variables.items():
            if field in self.layout.locals:
                continue
            tests = [] if variable in self.certain else [self.present(variable)]
            if only.get(field):
                tests.append(f"service in {only[field]!r}")
            tree.add(field, variable, test=" and ".join(tests))
        tree.write(out, "document")

    def only(self) -> dict[str, tuple[str, ...]]:
        """Fields of columns and times, with the services whose documents alone have them."""
        only = {column.field: column.only for column in self.layout.columns if column.field}
        return only | {time.field: time.only for time in self.layout.times}

    def identity(self) -> str:
        """The text of `contracts.ids.concatenated`, as an expression."""
        sources = {"[cdr][layout]": "", **{f"[raw][{raw}]": f"{{{self.raw(raw)}}}" for raw in self.layout.identity}}
        sources["[cdr][layout]"] = self.layout.name
        named = {name.replace("{", "{{").replace("}", "}}"): value for name, value in sources.items()}
        return "f" + repr(ids.concatenated(named))

    # Conditions

    def present(self, variable: str) -> str:
        return variable if variable in self.plain else f"{variable} is not None"

    def _absent(self, variable: str) -> str:
        return f"not {variable}" if variable in self.plain else f"{variable} is None"

    def _all(self, conditions: Sequence[Condition]) -> str:
        return " and ".join(self._test(condition) for condition in conditions)

    def _test(self, condition: Condition) -> str:
        variable = self.variables[condition.field]
        present = "" if variable in self.certain else f"{self.present(variable)} and "
        if condition.kind == "in":
            return f"{variable} in {self.bind(f'set{len(self.scope)}', frozenset(condition.values))}"
        if condition.kind == "range":
            return f"{present}{condition.low!r} <= {variable} <= {condition.high!r}"
        if condition.kind == "absent":
            return "False" if variable in self.certain else self._absent(variable)
        if condition.kind == "present":
            return "True" if variable in self.certain else self.present(variable)
        other = self.variables[condition.other]
        also = "" if other in self.certain else f"{self.present(other)} and "
        return f"{present}{also}{variable} < {other}"


def remembered(column: Column) -> int:
    """How many values to remember; counts of packets and bytes are not worth it, they are read faster than found."""
    if column.type == "integer" and (column.high is None or column.high > _REPEATS):
        return 0
    return SUBSCRIBERS if column.pii == "hash" else REMEMBERED


def time_reader(time: TimeField, zone: str, pace: Pace | None) -> Callable[[str], str]:
    """Text of a time's cells, with a blank between them → stored form; raises Refusal."""
    return _paced(time, pace) if time.paced_by else _time_converter(time, zone, Minutes())


def _time_converter(time: TimeField, zone: str, minutes: Minutes) -> Callable[[str], str]:
    read = reader(time.formats, zone, minutes)

    def convert(text: str) -> str:
        value = read(text)
        if value is None:
            raise Refusal(
                Reason.BAD_TIME, time.columns[0], f"{shown(text)} is no time of the form {' or '.join(time.formats)}"
            )
        return value

    return convert


def _paced(time: TimeField, pace: Pace | None) -> Callable[[str], str]:
    def no_time(text: str) -> str:
        raise Refusal(Reason.MISSING_TIME, "", "this layout carries no time: give --start and --rate")

    def convert(text: str) -> str:
        if pace is None:
            return no_time(text)
        if not (text.isascii() and text.isdigit() and len(text) <= 15):
            raise Refusal(Reason.BAD_NUMBER, time.paced_by, f"{shown(text)} is no record number")
        moment = plus_seconds(pace.start, (int(text) - pace.first) * pace.step_sec)
        return moment or _bad_span(time.field, text)

    return no_time if pace is None else convert


def _bad_span(field: str, value: object) -> str:
    raise Refusal(Reason.BAD_TIME, "", f"{field} would be outside 1970 to 2099: {value}")
