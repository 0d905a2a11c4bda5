"""The expressions of a KPI: a small subset of ES|QL, parsed and checked here, compiled back to ES|QL or interpreted.

    aggregate   COUNT(*) | COUNT(value) | SUM(value)   each with an optional  WHERE condition
    condition   OR, AND, NOT, parentheses; comparison ==  !=  <  <=  >  >=; value IN (literal, …) or IN ${set};
                value IS NULL, value IS NOT NULL; a boolean field by itself
    value       field, number, "text", true, false, ${name} of a number, + - * / and parentheses

Meaning is that of ES|QL: a missing field is null, a comparison with null is null, AND / OR / NOT follow three-valued
logic, what is not true is not counted. Whole numbers divide to whole numbers. Anything else is refused when a
definition is loaded (kpis/parser.py): an unknown field comes back with the nearest right one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from contracts.fields import Field

Kind = Literal["integer", "long", "double", "text", "date", "boolean"]
Named = Mapping[str, int | float | tuple[int, ...]]  # what ${name} stands for

_KINDS: dict[str, Kind] = {
    "integer": "integer",
    "long": "long",
    "double": "double",
    "keyword": "text",
    "date": "date",
    "boolean": "boolean",
}


@dataclass(frozen=True, slots=True)
class FieldRef:
    """A stored field."""

    name: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class Constant:
    """A number, text or truth value."""

    value: int | float | str | bool
    kind: Kind


@dataclass(frozen=True, slots=True)
class Binary:
    """`op` is + - * / (numbers), == != < <= > >= (truth), AND or OR (truth)."""

    op: str
    left: Node
    right: Node
    kind: Kind


@dataclass(frozen=True, slots=True)
class Not:
    of: Node
    kind: Kind = "boolean"


@dataclass(frozen=True, slots=True)
class IsNull:
    of: Node
    negated: bool
    kind: Kind = "boolean"


@dataclass(frozen=True, slots=True)
class In:
    of: Node
    values: tuple[Constant, ...]
    kind: Kind = "boolean"


Node = FieldRef | Constant | Binary | Not | IsNull | In


@dataclass(frozen=True, slots=True)
class Aggregate:
    """`COUNT(*)` (`of` is None), `COUNT(value)` or `SUM(value)` over the records for which `where` is true."""

    function: Literal["COUNT", "SUM"]
    of: Node | None
    where: Node | None


def fields_of(fields: tuple[Field, ...]) -> dict[str, Kind]:
    """Kinds of the fields that expressions over an index may use."""
    return {field.name: _KINDS[field.type] for field in fields if field.type in _KINDS}
