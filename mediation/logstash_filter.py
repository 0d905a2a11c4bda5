"""One layout as Logstash filters: the same steps, in the same order, with the same outcome as `mediation.compile`.

Filters go on after a failure, so that every step asks first whether the line is a reject already: the first failure is the
line's reason. What stock filters cannot do exactly (strict numbers, arithmetic on times) is done by the few Ruby scripts in
`logstash/ruby/`. Fields that are not stored live under `[@metadata]`.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext

from contracts.ids import ID_LENGTH
from contracts.indices import CDR_INDEX
from contracts.outcomes import Reason
from mediation.compile import ECS_VERSION
from mediation.layout import Column, Condition, Derived, Layout, Scalar, TimeField
from mediation.logstash_config import Config, Value, literal, raw, reference
from mediation.times import ISO8601, time_pattern
from mediation.values import DECIMAL_PATTERN, INTEGER_PATTERN

SCRIPTS = "${PIPELINE_HOME:/usr/share/logstash/busyhour}/ruby"
PII_KEY = "${BUSYHOUR_PII_KEY}"
GOOD = "![reject][reason]"
FLAGS = "[@metadata][flags]"
TIME_TEXT = "[@metadata][time]"
_SHORTENED = (rf"\A(.{{{ID_LENGTH}}}).*\z", r"\1")  # pattern and replacement: the first characters


def layout_filters(out: Config, layout: Layout, line_bytes: int) -> None:
    """Writes the filters of `layout` for lines of at most `line_bytes` bytes. Raises LayoutError on what cannot be rendered."""
    _LayoutFilters(out, layout).write(line_bytes)


class _LayoutFilters:
    def __init__(self, out: Config, layout: Layout) -> None:
        self.out, self.layout, self.name = out, layout, layout.name

    def write(self, line_bytes: int) -> None:
        self._line(line_bytes)
        self._columns()
        self._target()
        for time in self.layout.times:
            self._time(time)
        with self.out.block(f"if {GOOD}"):
            self._constants()
            for index, derived in enumerate(self.layout.derived):
                self._derive(index, derived)
            self._flags()
            self._only()
            self._identity()

    # Small helpers

    def field(self, name: str) -> str:
        return f"[@metadata][local][{name}]" if name in self.layout.locals else reference(name)

    def add(self, plugin: str, key: str, settings: dict[str, Value]) -> None:
        self.out.plugin(plugin, f"{self.name}.{key}", settings)

    def script(self, key: str, script: str, settings: dict[str, Value]) -> None:
        self.add("ruby", key, {"path": f"{SCRIPTS}/{script}.rb", "script_params": settings})

    def reject(self, key: str, reason: Reason, column: str, detail: str) -> None:
        fields = {"[reject][reason]": str(reason), "[reject][column]": column, "[reject][detail]": detail}
        self.add("mutate", key, {"add_field": {name: value for name, value in fields.items() if value}})

    # The line and its cells

    def _line(self, line_bytes: int) -> None:
        names = [column.raw for column in self.layout.columns]
        self.out.comment("The line: length, encoding, header. Blank lines and the header end here.")
        header = self.layout.separator.join(self.layout.header)
        settings: dict[str, Value] = {"max_bytes": line_bytes, "header": literal(header)}
        settings["separator"] = self.layout.separator
        if self.layout.strip:
            settings["strip"] = True  # in script_params `false` would be the text "false", which Ruby takes for true
        self.script("line", "line", settings)
        with self.out.block(f"if {GOOD}"):
            self.add("csv", "csv", {"separator": self.layout.separator, "columns": names, "target": "[raw]"})
            with self.out.block('if "_csvparsefailure" in [tags]'):
                self.reject("quoting", Reason.BAD_QUOTING, "", "a quote is open, or stands inside or after a cell")
            if self.layout.strip:
                self.add("mutate", "strip", {"strip": [raw(name) for name in names]})
        self.script("count", "columns", {"columns": len(names)})

    def _columns(self) -> None:
        self.out.comment(
            "The columns in their order; an empty cell is an absent field. Then those that are taken as they are."
        )
        for column in self.layout.columns:
            if column.type != "keyword":
                self._number(column)
            elif column.required or column.values is not None:
                self._checked(column)
        plain = [column for column in self.layout.columns if _plain(column)]
        if plain:
            copies: dict[str, Value] = {raw(column.raw): self.field(column.field) for column in plain}
            self.add("mutate", "copy", {"copy": copies})
        self._hashes([column for column in self.layout.columns if column.pii == "hash" and column.field])

    def _number(self, column: Column) -> None:
        whole = column.type == "integer"
        settings: dict[str, Value] = {"column": column.raw}
        if _stored(column):
            settings["field"] = self.field(column.field)
        settings |= {"type": column.type, "pattern": INTEGER_PATTERN if whole else DECIMAL_PATTERN}
        if column.required:
            settings["required"] = True
        if column.divide_by != 1:
            settings["divide_by"] = column.divide_by
        settings |= {name: value for name, value in (("min", column.low), ("max", column.high)) if value is not None}
        self.script(column.raw, "number", settings)

    def _checked(self, column: Column) -> None:
        """A keyword that is required or has a list of words. (`=~ /./`: not empty; the bare field would be false for `false`.)"""
        cell = raw(column.raw)
        words = column.values or {}
        with self.out.block(f"if {GOOD}"):
            branch = "if"
            if column.required:
                with self.out.block(f"if {cell} !~ /./"):
                    self.reject(f"{column.raw}.missing", Reason.MISSING_VALUE, column.raw, "is empty")
                branch = "else if"
            if words and column.otherwise == "reject":
                given = "" if column.required else f"{cell} =~ /./ and "
                with self.out.block(f"{branch} {given}{none_of(cell, list(words))}"):
                    detail = f"%{{{cell}}} is not one of {', '.join(list(words)[:12])}"
                    self.reject(f"{column.raw}.word", Reason.BAD_VALUE, column.raw, detail)
                branch = "else if"
            if _translated(column) and _stored(column):
                with self.out.block("else") if branch == "else if" else nullcontext():
                    self._translate(column, cell)

    def _translate(self, column: Column, cell: str) -> None:
        dictionary: dict[str, Value] = {
            literal(word): literal(meaning) for word, meaning in (column.values or {}).items()
        }
        settings: dict[str, Value] = {"source": cell, "target": self.field(column.field), "dictionary": dictionary}
        if column.otherwise == "keep":
            settings["fallback"] = f"%{{{cell}}}"
        elif column.otherwise != "reject":
            settings["fallback"] = literal(column.otherwise)
        self.add("translate", f"{column.raw}.translate", settings)

    def _hashes(self, columns: Sequence[Column]) -> None:
        if not columns:
            return
        self.out.comment("Subscribers are known by the keyed hash of their number, cut to 128 bits.")
        shortened: list[Value] = []
        for column in columns:
            target = self.field(column.field)
            source = target if _translated(column) else raw(column.raw)
            settings: dict[str, Value] = {"source": [source], "target": target, "method": "SHA256", "key": PII_KEY}
            self.add("fingerprint", f"{column.raw}.hash", settings)
            shortened += [target, *_SHORTENED]
        self.add("mutate", "hashes.shorten", {"gsub": shortened})

    # What the record is of, and when

    def _target(self) -> None:
        self.out.comment("The service decides the index.")
        word = "if"
        for target in self.layout.targets:
            fields: dict[str, Value] = {
                "[service][name]": target.service,
                "[@metadata][index]": CDR_INDEX[target.service],
            }
            if target.when:
                with self.out.block(f"{word} {self._all(target.when)}"):
                    self.add("mutate", f"target.{target.service}", {"replace": fields})
                word = "else if"
            elif word == "else if":
                with self.out.block("else"):
                    self.add("mutate", f"target.{target.service}", {"replace": fields})
            else:
                self.add("mutate", f"target.{target.service}", {"replace": fields})

    def _time(self, time: TimeField) -> None:
        if time.paced_by:
            self.out.comment("No column carries a time, and the wall clock is none.")
            with self.out.block(f"if {GOOD}"):
                detail = "this layout carries no time: use busyhour ingest with --start and --rate"
                self.reject(f"{time.field}.missing", Reason.MISSING_TIME, "", detail)
            return
        cells = [raw(column) for column in time.columns]
        self.out.comment(f"{time.field} from {' and '.join(time.columns)}")
        with self.out.block(f"if {GOOD}"):
            with self.out.block("if " + " and ".join(f"{cell} =~ /./" for cell in cells)):
                self._parse(time, cells)
            if time.required:
                self._missing(time, time.columns, "")
            elif len(cells) > 1:
                given = " or ".join(f"{cell} =~ /./" for cell in cells)
                self._missing(time, time.columns, f" and ({given})")

    def _missing(self, time: TimeField, columns: Sequence[str], given: str) -> None:
        """The first empty column is the one at fault."""
        for column in columns:
            last = column == columns[-1] and not given
            with self.out.block("else" if last else f"else if {raw(column)} !~ /./{given}"):
                key = f"{time.field}.missing" if len(columns) == 1 else f"{time.field}.missing-{column}"
                self.reject(key, Reason.MISSING_TIME, column, "has no time")

    def _parse(self, time: TimeField, cells: Sequence[str]) -> None:
        """Held against a pattern that is stricter than the date filter, which then can only fail on days that do not exist."""
        text = " ".join(f"%{{{cell}}}" for cell in cells)
        self.add("mutate", f"{time.field}.text", {"replace": {TIME_TEXT: text}})
        failed = f"_{time.field}_is_no_time"
        pattern = "|".join(time_pattern(form) for form in time.formats).replace("/", r"\/")
        with self.out.block(f"if {TIME_TEXT} =~ /\\A(?:{pattern})\\z/"):
            settings: dict[str, Value] = {
                "match": [TIME_TEXT, *(literal(form) for form in time.formats)],
                "timezone": self.layout.timezone,
                "target": time.field if time.field == "@timestamp" else self.field(time.field),
                "tag_on_failure": [failed],
            }
            self.add("date", time.field, settings)
        with self.out.block("else"):
            self.add("mutate", f"{time.field}.form", {"add_tag": [failed]})
        with self.out.block(f'if "{failed}" in [tags]'):
            forms = " or ".join(time.formats)
            self.reject(
                f"{time.field}.bad",
                Reason.BAD_TIME,
                time.columns[0],
                f"%{{{TIME_TEXT}}} is no time of the form {forms}",
            )
        if ISO8601 in time.formats or self.layout.timezone != "UTC":
            settings = {"field": self.field(time.field), "column": time.columns[0], "text": TIME_TEXT}
            self.script(f"{time.field}.within", "within", settings)

    # What follows from it

    def _constants(self) -> None:
        for field, value in self.layout.constants.items():
            with self.out.block(f"if !{self.field(field)}"):
                self.add("mutate", f"constant.{field}", {"replace": {self.field(field): _text(value)}})
                self._convert(f"constant.{field}.type", field, value)

    def _convert(self, key: str, field: str, value: Scalar) -> None:
        kind = {bool: "boolean", int: "integer", float: "float"}.get(type(value))
        if kind:
            self.add("mutate", key, {"convert": {self.field(field): kind}})

    def _derive(self, index: int, derived: Derived) -> None:
        target = self.field(derived.field)
        sources = [self.field(source) for source in derived.sources]
        tests = list(dict.fromkeys(sources))
        if derived.field != "@timestamp":  # Logstash itself has set that one
            tests.insert(0, f"!{target}")
        if derived.only:
            tests.insert(0, one_of("[service][name]", derived.only))
        key = f"derive-{index}.{derived.field}"
        with self.out.block("if " + " and ".join(tests)):
            if derived.kind == "copy":
                self.add("mutate", key, {"copy": {sources[0]: target}})
            elif derived.kind == "map":
                self._map(key, derived, sources[0], target)
            else:
                self.script(key, "derive", {"field": target, "kind": derived.kind, "sources": list(sources)})

    def _map(self, key: str, derived: Derived, source: str, target: str) -> None:
        values = derived.values or {}
        settings: dict[str, Value] = {
            "source": source,
            "target": target,
            "dictionary": {literal(word): _text(value) for word, value in values.items()},
        }
        if derived.otherwise is not None:
            settings["fallback"] = _text(derived.otherwise)
        self.add("translate", key, settings)
        sample = next(iter(values.values()), derived.otherwise)
        if sample is not None:
            self._convert(f"{key}.type", derived.field, sample)

    def _flags(self) -> None:
        if self.layout.flags:
            self.out.comment("Contradictions inside the record.")
        for index, flag in enumerate(self.layout.flags):
            key = f"flag-{index}.{flag.name}"
            compared = [condition for condition in flag.when if condition.kind == "before"]
            tests = [self._test(condition) for condition in flag.when if condition.kind != "before"]
            tests += [self.field(name) for condition in compared for name in (condition.field, condition.other)]
            with self.out.block("if " + " and ".join(tests)):
                if compared:
                    pairs: list[Value] = [self.field(name) for pair in compared for name in (pair.field, pair.other)]
                    self.script(key, "flag_before", {"flag": flag.name, "pairs": pairs})
                else:
                    self.add("mutate", key, {"add_field": {FLAGS: flag.name}})

    def _all(self, conditions: Sequence[Condition]) -> str:
        return " and ".join(self._test(condition) for condition in conditions)

    def _test(self, condition: Condition) -> str:
        field = self.field(condition.field)
        if condition.kind == "in":
            return one_of(field, condition.values)
        if condition.kind == "range":
            return f"{field} and {field} >= {_shown(condition.low)} and {field} <= {_shown(condition.high)}"
        if condition.kind == "absent":
            return f"!{field}"
        if condition.kind == "present":
            return field
        other = self.field(condition.other)
        return f"{field} and {other} and {field} < {other}"

    def _only(self) -> None:
        """Fields that only some services store; kept until here, since derived fields and flags may need them."""
        limited = {column.field: column.only for column in self.layout.columns if column.field and column.only}
        limited |= {time.field: time.only for time in self.layout.times if time.only}
        for field, services in limited.items():
            with self.out.block(f"if {none_of('[service][name]', services)}"):
                self.add("mutate", f"only.{field}", {"remove_field": [self.field(field)]})

    def _identity(self) -> None:
        self.out.comment("What makes it the same record: its document id, first 128 bits of a SHA-256.")
        sources: list[Value] = [*(raw(name) for name in self.layout.identity), "[cdr][layout]"]
        target = "[@metadata][_id]"
        settings: dict[str, Value] = {
            "source": sources,
            "concatenate_sources": True,
            "method": "SHA256",
            "target": target,
        }
        self.add("fingerprint", "identity", settings)
        self.add("mutate", "identity.shorten", {"gsub": [target, *_SHORTENED]})
        fields: dict[str, Value] = {
            "[ecs][version]": ECS_VERSION,
            "[event][kind]": "event",
            "[event][dataset]": "busyhour.%{[service][name]}",
        }
        self.add("mutate", "document", {"replace": fields})


def _stored(column: Column) -> bool:
    return bool(column.field) and column.pii != "drop"


def _translated(column: Column) -> bool:
    """Whether the stored word may differ from the file's."""
    words = column.values or {}
    return any(word != meaning for word, meaning in words.items()) or (bool(words) and column.otherwise != "reject")


def _plain(column: Column) -> bool:
    return column.type == "keyword" and column.pii == "keep" and bool(column.field) and not _translated(column)


def _text(value: Scalar) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else literal(str(value))


def _shown(value: Scalar) -> str:
    """A constant in a condition."""
    if isinstance(value, str):
        return f'"{literal(value)}"'
    return _text(value)


def one_of(field: str, values: Sequence[Scalar]) -> str:
    """Logstash never finds anything in a list of one: a single value is compared."""
    if len(values) == 1:
        return f"{field} == {_shown(values[0])}"
    return f"{field} in [{', '.join(_shown(value) for value in values)}]"


def none_of(field: str, values: Sequence[Scalar]) -> str:
    if len(values) == 1:
        return f"{field} != {_shown(values[0])}"
    return f"{field} not in [{', '.join(_shown(value) for value in values)}]"
