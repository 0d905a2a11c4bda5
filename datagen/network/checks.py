"""Checks that several parts of network.yml share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, TypeVar

from contracts.errors import DefinitionError
from datagen.definitions import mapping, name, number, shown

T = TypeVar("T")
Bounds = Mapping[str, tuple[float, float]]


def items(value: Any, where: str, most: int, make: Callable[[str, dict[str, Any], str], T]) -> tuple[T, ...]:
    """`make(name, row, where)` for each entry of a mapping of mappings."""
    rows = mapping(value, where)
    if not 1 <= len(rows) <= most:
        raise DefinitionError(f"has {len(rows)} entries, must have 1 to {most}", where=where)
    return tuple(make(name(key, where), mapping(row, f"{where}.{key}"), f"{where}.{key}") for key, row in rows.items())


def names(value: Any, where: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not value:
        raise DefinitionError("must be a list of different names", where=where)
    found = tuple(name(item, where) for item in value)
    if len(set(found)) < len(found):
        raise DefinitionError("must be a list of different names", where=where)
    return found


def numbers(row: Mapping[str, Any], bounds: Bounds, where: str) -> dict[str, float]:
    return {key: number(row[key], f"{where}.{key}", low, high) for key, (low, high) in bounds.items()}


def whole(value: Any, where: str, low: float, high: float) -> int:
    """A whole number within bounds, both included."""
    if number(value, where, low, high) % 1:
        raise DefinitionError(f"{shown(value)} is not a whole number", where=where)
    return int(value)


def word(row: Mapping[str, Any], key: str, where: str) -> str:
    """An optional name; empty when it is not given."""
    return name(row[key], f"{where}.{key}") if key in row else ""


def money(value: Any, where: str) -> Decimal:
    """An amount from 0 to a million, written as a number; at most four decimal places."""
    number(value, where, 0, 1e6)
    amount = Decimal(str(value))
    if amount != round(amount, 4):
        raise DefinitionError(f"{shown(value)} has more than four decimal places", where=where)
    return amount
