"""One layout as Logstash filters: the same steps, in the same order, with the same outcome as `mediation.compile`.

Filters go on after a failure, so that every step asks first whether the line is a reject already: the first failure is the
line's reason. What stock filters cannot do exactly (strict numbers, arithmetic on times) is done by the few Ruby scripts in
`logstash/ruby/`. Fields that are not stored live under `[@metadata]`.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext

from contracts.errors import LayoutError
from contracts.ids import ID_LENGTH
from contracts.indices import CDR_INDEX
from contracts.outcomes import Reason
from mediation.compile import ECS_VERSION
from mediation.enrich.expressions import RELEASE
from mediation.layout import Column, Condition, Derived, Layout, Scalar
from mediation.logstash import enrich
from mediation.logstash.heads import write_head
from mediation.logstash.language import Config, Value, literal, raw
from mediation.logstash.times import write_time
from mediation.logstash.writer import GOOD, FilterWriter
from mediation.values import DECIMAL_PATTERN, INTEGER_PATTERN

PII_KEY = "${BUSYHOUR_PII_KEY}"
FLAGS = "[@metadata][flags]"
_SHORTENED = (rf"\A(.{{{ID_LENGTH}}}).*\z", r"\1")  # pattern and replacement: the first characters


def layout_filters(out: Config, layout: Layout, line_bytes: int) -> None:
    """Writes the filters of `layout` for lines of at most `line_bytes` bytes. Raises LayoutError on what cannot be rendered."""
    _LayoutFilters(out, layout).write(line_bytes)


class _LayoutFilters(FilterWriter):
    def write(self, line_bytes: int) -> None:
        write_head(self, line_bytes)
        self._columns()
        self._target()
        for time in self.layout.times:
            write_time(self, time)
        with self.out.block(f"if {GOOD}"):
            self._constants()
            enrich.write_numbers(self)
            for index, derived in enumerate(self.layout.derived):
                self._derive(index, derived)
            enrich.write_references(self)
            self._flags()
            self._only()
            self._identity()

    # The columns

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
        enrich.write_truncations(self, self.layout.columns)
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
        key = f"derive-{index}.{derived.field}"
        target = self.field(derived.field)
        sources = [self.field(source) for source in derived.sources]
        with self.out.block("if " + " and ".join(self._derivable(derived))):
            if derived.kind == "copy":
                self.add("mutate", key, {"copy": {sources[0]: target}})
            elif derived.kind == "value" and derived.otherwise is not None:
                self.add("mutate", key, {"replace": {target: _text(derived.otherwise)}})
                self._convert(f"{key}.type", derived.field, derived.otherwise)
            elif derived.kind == "join":
                self.add("mutate", key, {"replace": {target: "-".join(f"%{{{source}}}" for source in sources)}})
            elif derived.kind == "map":
                self._map(key, derived, sources[0], target)
            elif derived.kind in RELEASE:
                enrich.write_release(self, key, derived)
            elif derived.kind in enrich.SCRIPTED:
                enrich.write_quality(self, key, derived)
            else:
                self.script(key, "derive", {"field": target, "kind": derived.kind, "sources": list(sources)})

    def _derivable(self, derived: Derived) -> list[str]:
        """Conditions under which a field is derived. (Logstash itself has set @timestamp, which is always derived.)"""
        tests = [one_of("[service][name]", derived.only)] if derived.only else []
        if derived.field != "@timestamp":
            tests.append(self.absent(derived.field))
        tests += enrich.source_tests(derived, [self.present(source) for source in derived.sources])
        return tests + [self._test(condition) for condition in derived.when]

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
            return self.absent(condition.field)
        if condition.kind == "present":
            return self.present(condition.field)
        if condition.kind == "before":
            raise LayoutError(
                "Logstash compares times in flags only",
                where=f"layout {self.name}",
                remedy="say before in a flag, or runners: [python]",
            )
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
