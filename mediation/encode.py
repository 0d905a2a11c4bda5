"""The fast way of a line: its cells become the text of a bulk request, without a dictionary in between.

`mediation.compile` writes the function line → document that defines what a layout means. This module writes a second one from
the same steps, for plain lines of delimited files: it gives the JSON text of the same document, and the line that says where it
goes. A field that only travels from its cell to the document is turned into its piece of text once and remembered. Whatever is
odd (a quote, a refusal, a line that is no record) gives no text, and the first function then says what it is. Tests hold the
two together (`tests/mediation/test_encode.py`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NoReturn

import orjson

from contracts import ids
from contracts.fields import FEW
from mediation.compile import ECS_VERSION, SUBSCRIBERS, Generator, Pace, remembered
from mediation.layout import Column, Condition, Derived, Layout, NumberField, Scalar
from mediation.source import Writer
from mediation.text import DocumentText, Leaf, Node, tests
from mediation.values import REMEMBERED, SHORT, Memo, converter

# line, offset, `log` text up to the offset, event.ingested, heads by service and day → (@timestamp, the two lines of the request)
Encode = Callable[[str, int, str, str, Mapping[str, Mapping[str, str]]], Any]
Form = Literal["bare", "text", "any"]  # a number as it is, a string that needs no escape, anything
_ODD = bytes([*range(10), *range(11, 32), 34, 92, 127])  # what JSON escapes, quoting means, or no file should hold
_SAFE_VALUES: dict[str, Form] = {
    "seconds_between": "bare",
    "sum": "bare",
    "difference": "bare",
    "time_plus": "text",
    "time_minus": "text",
    "release_name": "text",
    "release_fault": "text",
    "mos_of_r_factor": "bare",
    "ratio": "bare",
}
_FEW_NUMBERS = 1_000
_NAME = re.compile(r"\b[a-z]\w*")
_MADE = re.compile(
    r"^ +(?:if [^:]+: |else: )?([a-z]\w*(?:, [a-z]\w*)*) = ", re.MULTILINE
)  # names that statements assign


def plain(block: bytes) -> bool:
    """Whether lines need no second look: ASCII, no quotes, no backslashes, no control characters but line feeds."""
    return block.isascii() and len(block.translate(None, _ODD)) == len(block)


def plain_text(region: bytes) -> tuple[str, int]:
    """Lines as text with line feeds between them, and how many bytes end a line in the file; no text when they are not plain."""
    width = 1
    if region.endswith(b"\r"):
        lines = region.count(b"\n") + 1
        if region.count(b"\r") != lines or region.count(b"\r\n") != lines - 1:
            return "", 1
        region, width = region[:-1].replace(b"\r\n", b"\n"), 2
    return (region.decode() if plain(region) else ""), width


def log_text(path: str, fingerprint: str) -> str:
    """`log` of a document up to its offset, as `encode` wants it."""
    return f'"log":{{"file":{orjson.dumps({"path": path, "fingerprint": fingerprint}).decode()},"offset":'


def head_text(index: str) -> str:
    """The first line of an operation up to the id, as `encode` wants it."""
    return f'{{"create":{{"_index":"{index}","_id":"'


def compile_encoder(
    layout: Layout, key: bytes, *, header: Sequence[str] | None = None, pace: Pace | None = None
) -> Encode | None:
    """None for a layout whose lines cannot be cut at the separator alone."""
    if not layout.inlined or layout.separator == "\t" or layout.encoding != "utf-8":
        return None
    generator = _Encoder(layout, key, pace)
    source = generator.source(list(header or layout.header))
    exec(compile(source, f"<encoder {layout.name}>", "exec"), generator.scope)  # noqa: S102  made from a checked layout
    for number, group in generator.groups.items():
        combine = generator.scope[f"combine{number}"]
        single = len(group.columns) == 1
        generator.bind(f"combined{number}", Memo(combine if single else _spread(combine), group.limit))
    encode: Encode = generator.scope["encode"]
    return encode


@dataclass(slots=True)
class _Group:
    """Columns whose combinations repeat, and the function of their cells that makes what follows from them alone."""

    columns: tuple[int, ...]
    limit: int
    body: Writer = field(default_factory=lambda: Writer(1))


class _Encoder(Generator):
    """Writes `encode`. Values that nothing else needs stay pieces of text.

    Group 1 is the columns that take few values (`contracts.fields.FEW`); each number that tells a country is a group of its own.
    What follows from a group alone (values, text, flags) is made by `combine`N and remembered by cells; which field that is
    (`group_of`) is decided statement by statement, and whatever needs two groups is written into `encode` itself, group 0.
    """

    def __init__(self, layout: Layout, key: bytes, pace: Pace | None) -> None:
        super().__init__(layout, key, pace)
        self.bind("dumps", dumps)
        self.bind("refuse", _refuse)
        self.bind("_", None)  # what a group gives when nothing of it is stored
        self.texts: dict[str, int] = {}  # field → column whose text is remembered
        self.main = Writer(2)
        self.derived_fields = {derived.field for derived in layout.derived} | set(layout.constants)
        self.used = _used(layout)
        self.groups = _groups(layout)
        self.group_at = {index: number for number, group in self.groups.items() for index in group.columns}
        self.group_of: dict[str, int] = {}
        self.service_known = len(layout.services) == 1  # or follows from group 1
        self.flags_group = 0

    def writer(self, group: int) -> Writer:
        return self.groups[group].body if group else self.main

    def source(self, header: list[str]) -> str:
        for step in (self.columns, self.target, self.times, self.derived, self.flags):
            step(self.main)
        writers = {group: self.writer(group) for group in (0, *self.groups)}
        body = DocumentText(writers, self._remember).write(self._tree(), "{log}{offset}}}")
        self.main.line(f"key = sha256({self.identity()}.encode()).hexdigest()[:{ids.ID_LENGTH}]")
        moment = self.variables["@timestamp"]
        self.main.line(f"return {moment}, f'{{heads[service][{moment}[:10]]}}{{key}}\"}}}}}}}}\\n{body}\\n'")
        calls, functions = [], []
        for number, group in self.groups.items():
            cells = ", ".join(f"c{index}" for index in group.columns)
            names = self._exports(group)
            functions.append(f"def combine{number}({cells}):\n{group.body.text()}    return {names}\n")
            calls.append(f"{names} = combined{number}[{cells}]")
        return "".join(functions) + self._encode(header, calls)

    def _exports(self, group: _Group) -> str:
        """Variables that the group makes and the main function uses."""
        used = set(_NAME.findall(self.main.text()))
        made = dict.fromkeys(name for names in _MADE.findall(group.body.text()) for name in names.split(", "))
        if len(self.layout.services) == 1:
            made.pop("service", None)  # every function knows it
        return ", ".join(name for name in made if name in used) or "_"

    def _encode(self, header: list[str], calls: Sequence[str]) -> str:
        out = Writer()
        with out.block("def encode(line, offset, log, stamp, heads):"), out.block("try:"):
            self.unpack(out, self.stripped(f"line.split({self.layout.separator!r})"), self.named(header))
            for call in calls:
                out.line(call)
        return f"{out.text()}{self.main.text()}    except (ValueError, Refusal):\n        return None\n"

    # Steps: each is written into the function of its group

    def column(self, out: Writer, index: int, column: Column) -> None:
        group = self.group_at.get(index, 0)
        if group:
            super().column(self.writer(group), index, column)
            self._follows({column.field}, group)
        elif self._travels(column):
            self.check_required(out, index, column)
            self._text(out, index, column)
            self.variables[column.field] = f"f{index}"
        else:
            super().column(out, index, column)
            self._spare_format(out, index, column)

    def _text(self, out: Writer, index: int, column: Column) -> None:
        out.line(f"f{index} = text{index}[c{index}]")
        self.texts[column.field] = index

    def _spare_format(self, out: Writer, index: int, column: Column) -> None:
        """Decimals are slow to print: where only its presence counts a value is its text, else the text comes beside it."""
        if column.type != "decimal" or not column.field or column.pii == "drop" or column.field in self.layout.locals:
            return
        if column.field not in self.derived_fields:
            self._text(out, index, column)
        elif column.field not in self.used:
            convert = converter(column, self.key)
            self.bind(f"memo{index}", Memo(lambda cell: dumps(convert(cell)) if convert else cell, REMEMBERED))

    def _follows(self, names: Iterable[str], group: int) -> None:
        for name in names:
            self.group_of[name] = group

    def check_required(self, out: Writer, index: int, column: Column) -> None:
        if column.required:
            out.line(f"if not c{index}: refuse()")

    def number(self, column: Column, cell: str, convert: str) -> str:
        """The usual case without a call: the text is ASCII here, and 18 digits fit any range that has no upper end."""
        if column.type != "integer" or column.high is not None or (column.low or 0) > 0:
            return super().number(column, cell, convert)
        return f"(int({cell}) if {cell}.isdigit() and len({cell}) < {SHORT} else {convert}({cell}))"

    def _travels(self, column: Column) -> bool:
        stored = bool(column.field) and column.pii != "drop" and column.field not in self.used | self.derived_fields
        return stored and remembered(column) > 0 and converter(column, self.key) is not None

    def target(self, out: Writer) -> None:
        if self.service_known:
            for group in (0, *self.groups):
                super().target(self.writer(group))
            return
        self.service_known = self._group({test.field for target in self.layout.targets for test in target.when}) == 1
        super().target(self.writer(1) if self.service_known else out)

    def _group(self, names: Iterable[str]) -> int:
        """The group that all of these fields follow from; 0 when there is none."""
        groups = {self.group_of.get(name, 0) for name in names}
        return groups.pop() if len(groups) == 1 else 0

    def _limited(self, group: int, services: Sequence[str]) -> int:
        """The same for what belongs to some services only: other groups than the first may not know the service."""
        return group if not services or (self.service_known and group == 1) else 0

    def constant(self, out: Writer, name: str, value: Scalar) -> None:
        group = self._group([name]) if name in self.variables else min(self.groups, default=0)
        super().constant(self.writer(group), name, value)
        self._follows([name], group)

    def numbered(self, out: Writer, index: int, number: NumberField) -> None:
        group = self.group_at.get(int(self.raw(number.column)[1:]), 0)
        super().numbered(self.writer(group), index, number)
        self._follows(number.fields.values(), group)

    def derive(self, out: Writer, index: int, derived: Derived) -> None:
        names = {*derived.sources, *_tested(derived.when)}
        if derived.field in self.variables:
            names.add(derived.field)
        group = self._limited(self._group(names), derived.only)
        super().derive(self.writer(group), index, derived)
        self._follows([derived.field], group)

    def flags(self, out: Writer) -> None:
        if not self.layout.flags:
            return
        seen: set[str] = set()
        group = min(self.groups, default=0)
        self.writer(group).line("flags = []")
        for (
            flag
        ) in self.layout.flags:  # in their order: once one needs more than the group, the following are outside, too
            if group and self._group(_tested(flag.when)) != group:
                group = 0
            self.writer(group).line(f"if {self.flag_test(flag, seen)}: flags = [*flags, {flag.name!r}]")
            seen.add(flag.name)
        self.flags_group = group

    # The text of the document

    def _tree(self) -> Node:
        root = Node()
        service = self.layout.services[0] if len(self.layout.services) == 1 else "{service}"
        for name, value in (
            ("ecs.version", ECS_VERSION),
            ("event.kind", "event"),
            ("event.dataset", f"busyhour.{service}"),
            ("event.ingested", "{stamp}"),
            ("service.name", service),
            ("cdr.layout", self.layout.name),
        ):
            root.put(name, Leaf(f'"{value}"'))
        if self.layout.flags:
            root.put("cdr.flags", Leaf("{dumps(flags)}", "flags", group=self.flags_group))
        for name, variable in self.variables.items():
            if name not in self.layout.locals:
                root.put(name, self._leaf(name, variable))
        return root

    def _leaf(self, name: str, variable: str) -> Leaf:
        services = self.only().get(name)
        limited = f"service in {services!r}" if services else ""
        group = self._limited(self.group_of.get(name, 0), services or ())
        if name in self.texts:
            index = self.texts[name]
            required = self.layout.columns[index].required
            return Leaf(f"{{f{index}}}", tests([limited, "" if required else f"f{index}"]), index)
        present = "" if variable in self.certain else self.present(variable)
        return Leaf(self._shown(name, variable), tests([limited, present]), group=group)

    def _shown(self, name: str, variable: str) -> str:
        form = self._form(name)
        return {"bare": f"{{{variable}}}", "text": f'"{{{variable}}}"', "any": f"{{dumps({variable})}}"}[form]

    def _form(self, name: str) -> Form:
        """How the values of a field look, where every way to fill it agrees."""
        forms: set[Form] = {_column_form(column) for column in self.layout.columns if column.field == name}
        forms |= {"text" for time in self.layout.times if time.field == name}
        forms |= {"any" for constant in self.layout.constants if constant == name}
        forms |= {self._derived_form(derived) for derived in self.layout.derived if derived.field == name}
        return forms.pop() if len(forms) == 1 else "any"

    def _derived_form(self, derived: Derived) -> Form:
        if derived.kind == "copy":
            return self._form(derived.sources[0])
        if derived.kind == "map":
            values = [*(derived.values or {}).values(), derived.otherwise or ""]
            return "text" if all(isinstance(value, str) and _is_plain(value) for value in values) else "any"
        return _SAFE_VALUES.get(derived.kind, "any")

    def _remember(self, index: int, before: str, after: str) -> None:
        column = self.layout.columns[index]
        convert = converter(column, self.key)

        def text(cell: str) -> str:
            return f"{before}{dumps(convert(cell))}{after}" if cell and convert else ""

        self.bind(f"text{index}", Memo(text, remembered(column)))


def _few(column: Column) -> bool:
    """Whether the column takes few values, so that combinations of them are worth remembering."""
    if column.pii != "keep" or not column.field:
        return False
    if column.type == "integer":
        return column.low is not None and column.high is not None and column.high - column.low < _FEW_NUMBERS
    return column.type == "keyword" and (column.values is not None or column.field in FEW)


def _groups(layout: Layout) -> dict[int, _Group]:
    few = tuple(index for index, column in enumerate(layout.columns) if _few(column))
    groups = [_Group(few, REMEMBERED)] if len(few) > 1 else []
    raws = [column.raw for column in layout.columns]
    numbered = dict.fromkeys(raws.index(number.column) for number in layout.numbers)
    groups += [_Group((index,), SUBSCRIBERS) for index in numbered if index not in few]
    return dict(enumerate(groups, 1))


def _used(layout: Layout) -> set[str]:
    """Fields whose values something else than the document needs."""
    names = {name for derived in layout.derived for name in (*derived.sources, *_tested(derived.when))}
    names |= {name for target in layout.targets for name in _tested(target.when)}
    names |= {name for flag in layout.flags for name in _tested(flag.when)}
    return names | set(layout.locals)


def _tested(conditions: Iterable[Condition]) -> set[str]:
    return {name for test in conditions for name in (test.field, test.other) if name}


def _spread(combine: Callable[..., Any]) -> Callable[[tuple[str, ...]], Any]:
    return lambda cells: combine(*cells)


def _refuse() -> NoReturn:
    raise ValueError("no plain record")


def dumps(value: object) -> str:
    """JSON of a value."""
    return orjson.dumps(value).decode()


def _column_form(column: Column) -> Form:
    if column.type != "keyword":
        return "bare"
    words = [*(column.values or {}).values(), column.otherwise]
    return "text" if all(_is_plain(word) for word in words) else "any"


def _is_plain(text: str) -> bool:
    return plain(text.encode()) and "\n" not in text
