"""The language of a formula over other KPIs.

    sum      product (("+" | "-") product)*          product  sign (("*" | "/") sign)*
    sign     "-" sign | factor                       factor   number | kpi.id | seconds | call | "(" sum ")"
    call     min(sum, sum …) | max(sum, sum …) | busiest(kpi.id)

`seconds` is the length of the bucket; `busiest(x)` the highest hour of x within the day. Nothing else is understood.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn

from contracts.errors import DefinitionError

LONGEST = 500  # characters
DEEPEST = 40  # brackets, signs and calls inside each other
FUNCTIONS = ("min", "max", "busiest")
SECONDS = "seconds"
_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d{1,15}(?:\.\d{1,15})?(?:[eE][+-]?\d{1,3})?)"
    r"|(?P<name>[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z0-9_]+)*)|(?P<sign>[()+\-*/,]))"
)


@dataclass(frozen=True, slots=True)
class Number:
    value: float


@dataclass(frozen=True, slots=True)
class Input:
    """A KPI's value in the bucket; `busiest`: its highest hour in the day."""

    kpi: str
    busiest: bool = False


@dataclass(frozen=True, slots=True)
class Seconds:
    """Length of the bucket."""


@dataclass(frozen=True, slots=True)
class Operation:
    """`op`: + - * / min max."""

    op: str
    of: tuple[Node, ...]


Node = Number | Input | Seconds | Operation


@dataclass(frozen=True, slots=True)
class Formula:
    """`inputs` in the order in which they occur, each once."""

    text: str
    root: Node
    inputs: tuple[Input, ...]

    @property
    def kpis(self) -> tuple[str, ...]:
        """Ids of the KPIs that it reads."""
        return tuple(dict.fromkeys(each.kpi for each in self.inputs))

    @property
    def daily(self) -> bool:
        """Whether it has a meaning by the day only."""
        return any(each.busiest for each in self.inputs)


def parse(text: str, where: str) -> Formula:
    """Raises DefinitionError, with `where`, on what is no formula. Whether its KPIs are known is not asked here."""
    if len(text) > LONGEST:
        raise DefinitionError(f"{len(text)} characters, more than {LONGEST}", where=where)
    parser = _Parser(text, where)
    root = parser.sum(0)
    parser.expect("end", "")
    return Formula(text.strip(), root, tuple(dict.fromkeys(parser.inputs)))


class _Parser:
    """One token ahead; `depth` bounds the recursion."""

    def __init__(self, text: str, where: str) -> None:
        self.text, self.where = text, where
        self.inputs: list[Input] = []
        self.tokens = list(self._tokens())
        self.at = 0

    def _tokens(self) -> list[tuple[str, str, int]]:
        found, position = [], 0
        while self.text[position:].strip():
            match = _TOKEN.match(self.text, position)
            if match is None:
                rest = self.text[position:].lstrip()
                self.refuse(f"unexpected {rest[0]!r}", len(self.text) - len(rest))
            kind = str(match.lastgroup)
            found.append((kind, match[kind], match.start(kind)))
            position = match.end()
        return [*found, ("end", "", len(self.text))]

    def refuse(self, what: str, position: int | None = None) -> NoReturn:
        column = (self.tokens[self.at][2] if position is None else position) + 1
        raise DefinitionError(
            f"{what} at column {column} of `{self.text.strip()[:80]}`",
            where=self.where,
            remedy="a formula has numbers, KPI ids, seconds, + - * / ( ), min(…), max(…) and busiest(kpi)",
        )

    def take(self, kind: str, *words: str) -> str | None:
        found, word, _ = self.tokens[self.at]
        if found != kind or (words and word not in words):
            return None
        self.at += 1
        return word

    def expect(self, kind: str, word: str) -> None:
        found, seen, _ = self.tokens[self.at]
        if found != kind or (word and seen != word):
            self.refuse(f"{word or 'the end'} expected, {seen or 'the end'} found")
        self.at += 1

    def sum(self, depth: int) -> Node:
        return self._chain(depth, self.product, "+", "-")

    def product(self, depth: int) -> Node:
        return self._chain(depth, self.sign, "*", "/")

    def _chain(self, depth: int, part: Callable[[int], Node], *signs: str) -> Node:
        found = part(depth)
        while sign := self.take("sign", *signs):
            found = Operation(sign, (found, part(depth)))
        return found

    def sign(self, depth: int) -> Node:
        if depth > DEEPEST:
            self.refuse("too many brackets inside each other")
        if self.take("sign", "-"):
            return Operation("-", (Number(0.0), self.sign(depth + 1)))
        return self.factor(depth + 1)

    def factor(self, depth: int) -> Node:
        if self.take("sign", "("):
            found = self.sum(depth)
            self.expect("sign", ")")
            return found
        if number := self.take("number"):
            value = float(number)
            if not math.isfinite(value):
                self.refuse(f"{number} is too large")
            return Number(value)
        name = self.take("name")
        if name is None:
            self.refuse(f"a number, a KPI or a bracket expected, {self.tokens[self.at][1] or 'the end'} found")
        if name == SECONDS:
            return Seconds()
        if self.take("sign", "("):
            return self._call(name, depth)
        return self._input(name)

    def _input(self, name: str, *, busiest: bool = False) -> Input:
        found = Input(name, busiest)
        self.inputs.append(found)
        return found

    def _call(self, name: str, depth: int) -> Node:
        if name not in FUNCTIONS:
            self.refuse(f"unknown function {name[:40]!r}; there are {', '.join(FUNCTIONS)}")
        if name == "busiest":
            kpi = self.take("name")
            if kpi is None:
                self.refuse("busiest takes the id of one KPI")
            self.expect("sign", ")")
            return self._input(kpi, busiest=True)
        parts = [self.sum(depth)]
        while self.take("sign", ","):
            parts.append(self.sum(depth))
        self.expect("sign", ")")
        return Operation(name, tuple(parts))
