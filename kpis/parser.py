"""Text to expression: a recursive-descent parser that also checks fields and types (grammar: kpis/expressions.py)."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from typing import Literal, TypeVar

import orjson

from contracts.errors import DefinitionError
from kpis.expressions import Aggregate, Binary, Constant, FieldRef, In, IsNull, Kind, Named, Node, Not

T = TypeVar("T")
_NUMBERS = ("integer", "long", "double")
_WORDS = ("AND", "OR", "NOT", "IN", "IS", "NULL", "WHERE", "COUNT", "SUM", "TRUE", "FALSE")
_COMPARISONS = ("==", "!=", "<=", ">=", "<", ">")
_DEEPEST = 50  # brackets and NOTs inside each other; deeper is no expression that a person wrote
_TOKEN = re.compile(
    r"""\s*(?:(?P<number>\d+(?:\.\d+)?)
          |(?P<text>"(?:[^"\\]|\\["\\])*")
          |(?P<name>@?[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z0-9_]+)*)
          |(?P<named>\$\{[a-z_0-9]+\})
          |(?P<sign>==|!=|<=|>=|[<>()+\-*/,]))""",
    re.VERBOSE,
)


def parse_aggregate(text: str, fields: Mapping[str, Kind], named: Named, where: str) -> Aggregate:
    """An aggregate. Raises DefinitionError, with `where` (file and key), on anything outside the subset."""
    parser = _Parser(text, fields, named, where)
    return parser.finished(parser.aggregate())


def parse_condition(text: str, fields: Mapping[str, Kind], named: Named, where: str) -> Node:
    """A condition. Raises DefinitionError as above."""
    parser = _Parser(text, fields, named, where)
    return parser.finished(parser.truth(parser.either()))


def parse_value(text: str, fields: Mapping[str, Kind], named: Named, where: str) -> Node:
    """A number. Raises DefinitionError as above."""
    parser = _Parser(text, fields, named, where)
    return parser.finished(parser.number(parser.sum()))


class _Parser:
    """One token ahead. Precedence as in ES|QL: OR, AND, NOT, comparison, + -, * /, minus sign."""

    def __init__(self, text: str, fields: Mapping[str, Kind], named: Named, where: str) -> None:
        self.text, self.fields, self.named, self.where = text, fields, named, where
        self.at, self.depth = 0, 0
        self.tokens = self._tokens()

    def _tokens(self) -> list[tuple[str, str, int]]:
        found: list[tuple[str, str, int]] = []
        position = 0
        while rest := self.text[position:].lstrip():
            start = len(self.text) - len(rest)
            match = _TOKEN.match(self.text, position)
            if match is None:
                raise self.error(f"unexpected {rest[0]!r}", start)
            kind = str(match.lastgroup)
            word = match.group(kind)
            if kind == "name" and word.upper() in _WORDS:
                kind, word = "word", word.upper()
            found.append((kind, word, start))
            position = match.end()
        return [*found, ("end", "the end", len(self.text))]

    def error(self, what: str, position: int | None = None) -> DefinitionError:
        column = (self.tokens[self.at][2] if position is None else position) + 1
        return DefinitionError(
            f"{what} at column {column} of `{self.text.strip()}`",
            where=self.where,
            remedy="write it in the subset of ES|QL that kpis/expressions.py describes",
        )

    def take(self, *words: str) -> str:
        """The current sign or word if it is one of `words`, else ""; moves past it."""
        kind, word, _ = self.tokens[self.at]
        if kind in ("sign", "word") and word in words:
            self.at += 1
            return word
        return ""

    def expect(self, word: str) -> None:
        if not self.take(word):
            raise self.error(f"{word} expected, {self.tokens[self.at][1]} found")

    def finished(self, result: T) -> T:
        if self.tokens[self.at][0] != "end":
            raise self.error(f"unexpected {self.tokens[self.at][1]}")
        return result

    # Aggregates

    def aggregate(self) -> Aggregate:
        function = self.take("COUNT", "SUM")
        if not function:
            raise self.error(f"COUNT or SUM expected, {self.tokens[self.at][1]} found")
        self.expect("(")
        of: Node | None = None
        if not (function == "COUNT" and self.take("*")):
            of = self.sum()
            of = self.number(of) if function == "SUM" else of
        self.expect(")")
        where = self.truth(self.either()) if self.take("WHERE") else None
        return Aggregate("SUM" if function == "SUM" else "COUNT", of, where)

    # Conditions

    def either(self) -> Node:
        return self._chain("OR", self.both)

    def both(self) -> Node:
        return self._chain("AND", self.negation)

    def _chain(self, word: str, part: Callable[[], Node]) -> Node:
        left = part()
        while self.take(word):
            left = Binary(word, self.truth(left), self.truth(part()), "boolean")
        return left

    def negation(self) -> Node:
        if not self.take("NOT"):
            return self.comparison()
        self._deeper()
        result = Not(self.truth(self.negation()))
        self.depth -= 1
        return result

    def comparison(self) -> Node:
        left = self.sum()
        if operator := self.take(*_COMPARISONS):
            return self._compared(operator, left, self.sum())
        if self.take("IS"):
            negated = bool(self.take("NOT"))
            self.expect("NULL")
            return IsNull(left, negated)
        if self.take("IN"):
            return In(left, self._members(left))
        return left

    def _compared(self, operator: str, left: Node, right: Node) -> Node:
        both_numbers = left.kind in _NUMBERS and right.kind in _NUMBERS
        same = left.kind == right.kind and left.kind in ("text", "boolean") and operator in ("==", "!=")
        if not both_numbers and not same:
            raise self.error(f"{left.kind} {operator} {right.kind} is no comparison")
        return Binary(operator, left, right, "boolean")

    def _members(self, left: Node) -> tuple[Constant, ...]:
        members: list[Constant] = []
        if self.tokens[self.at][0] == "named":
            members = [Constant(value, _kind(value)) for value in self._named_set()]
        else:
            self.expect("(")
            members.append(self._constant())
            while self.take(","):
                members.append(self._constant())
            self.expect(")")
        for member in members:
            if member.kind != left.kind and not (member.kind in _NUMBERS and left.kind in _NUMBERS):
                raise self.error(f"{left.kind} IN a set with the {member.kind} {member.value!r}")
        return tuple(members)

    def _constant(self) -> Constant:
        node = self.sum()
        if not isinstance(node, Constant):
            raise self.error("a set holds numbers and texts only")
        return node

    # Values

    def sum(self) -> Node:
        return self._arithmetic(("+", "-"), self.product)

    def product(self) -> Node:
        return self._arithmetic(("*", "/"), self.atom)

    def _arithmetic(self, operators: tuple[str, ...], part: Callable[[], Node]) -> Node:
        left = part()
        while operator := self.take(*operators):
            right = self.number(part())
            kinds = {self.number(left).kind, right.kind}
            if kinds == {"integer"}:
                # ES|QL computes these in 32 bits and drops what overflows; none of our fields needs it.
                raise self.error(f"{operator} needs a long or double on one side")
            left = Binary(operator, left, right, "double" if "double" in kinds else "long")
        return left

    def atom(self) -> Node:
        kind, word, _ = self.tokens[self.at]
        if self.take("("):
            self._deeper()
            inner = self.either()
            self.expect(")")
            self.depth -= 1
            return inner
        if self.take("-"):
            return self._minus()
        if word in ("TRUE", "FALSE") and kind == "word":
            self.at += 1
            return Constant(word == "TRUE", "boolean")
        if kind not in ("number", "text", "name", "named"):
            raise self.error(f"a value expected, {word} found")
        result: Node = self._field(word) if kind == "name" else self._literal(kind, word)
        self.at += 1
        return result

    def _minus(self) -> Constant:
        kind, word, _ = self.tokens[self.at]
        if kind != "number":
            raise self.error("a minus sign stands before numbers only")
        self.at += 1
        literal = self._literal(kind, word)
        return Constant(-literal.value, literal.kind)  # type: ignore[operator]

    def _literal(self, kind: str, word: str) -> Constant:
        if kind == "text":
            return Constant(str(orjson.loads(word)), "text")
        if kind == "number":
            value: int | float = float(word) if "." in word else int(word)
        else:
            found = self._lookup(word)
            if isinstance(found, tuple):
                raise self.error(f"{word} is a set: it goes after IN")
            value = found
        return Constant(value, _kind(value))

    def _lookup(self, word: str) -> int | float | tuple[int, ...]:
        name = word[2:-1]
        if name not in self.named:
            raise self.error(f"unknown name {word}{_nearest(name, list(self.named))}")
        return self.named[name]

    def _named_set(self) -> tuple[int, ...]:
        word = self.tokens[self.at][1]
        found = self._lookup(word)
        if not isinstance(found, tuple):
            raise self.error(f"{word} is no set")
        self.at += 1
        return found

    def _field(self, name: str) -> FieldRef:
        if name not in self.fields:
            raise self.error(f"unknown field {name}{_nearest(name, list(self.fields))}")
        return FieldRef(name, self.fields[name])

    # Checks

    def _deeper(self) -> None:
        self.depth += 1
        if self.depth > _DEEPEST:
            raise self.error("too many brackets inside each other")

    def number(self, node: Node) -> Node:
        if node.kind not in _NUMBERS:
            raise self.error(f"a number expected, a {node.kind} found before this")
        return node

    def truth(self, node: Node) -> Node:
        if node.kind != "boolean":
            raise self.error(f"a condition expected, a {node.kind} found before this")
        return node


def _kind(value: int | float) -> Literal["integer", "long", "double"]:
    if isinstance(value, float):
        return "double"
    return "integer" if -(2**31) <= value < 2**31 else "long"


def _nearest(name: str, names: list[str]) -> str:
    close = difflib.get_close_matches(name, names, n=1)
    return f" (did you mean {close[0]}?)" if close else ""
