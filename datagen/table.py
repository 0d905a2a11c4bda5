"""A day of records as columns of whole numbers: small, exact, and quick to write."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Kind = Literal["label", "whole", "decimal", "time", "hex", "number", "imei"]

MISSING = -1  # no value; nothing here is negative


@dataclass(frozen=True, slots=True)
class Column:
    """`values` are int64, MISSING where there is none. What they mean goes by kind:

    label: index into `labels`; whole: itself; decimal: in units of 10^-places; time: ms since 1970 UTC;
    hex: 64 bits shown as 16 hex digits; number: an E.164 number, written with its `+`;
    imei: fifteen digits with their leading zeros.
    """

    kind: Kind
    values: Ints
    labels: tuple[str, ...] = ()
    places: int = 0

    def take(self, rows: Any) -> Column:
        return replace(self, values=self.values[rows])

    def of(self, values: Ints) -> Column:
        """Other values that mean the same."""
        return replace(self, values=values)

    def plain(self) -> list[Any]:
        """Values as a reader of the record takes them: text, numbers, None."""
        make: dict[Kind, Callable[[int], Any]] = {
            "label": lambda value: self.labels[value],
            "decimal": lambda value: value / 10**self.places,
            "hex": lambda value: f"{value:016x}",
            "number": lambda value: f"+{value}",
            "imei": lambda value: f"{value:015d}",
        }
        one = make.get(self.kind, int)
        return [None if value == MISSING else one(value) for value in self.values.tolist()]


Table = dict[str, Column]  # by field name (contracts.fields); a name that starts with `_` is ours and is not written


def label(values: Any, labels: Sequence[str]) -> Column:
    return Column("label", np.asarray(values, np.int64), tuple(labels))


def whole(values: Any) -> Column:
    return Column("whole", np.asarray(values, np.int64))


def decimal(values: Any, places: int) -> Column:
    """From floats in the field's own unit; NaN is missing."""
    numbers = np.asarray(values, np.float64)
    scaled = np.rint(np.nan_to_num(numbers, nan=0.0) * 10**places).astype(np.int64)
    return Column("decimal", np.where(np.isnan(numbers), MISSING, scaled), places=places)


def time(values: Any) -> Column:
    return Column("time", np.asarray(values, np.int64))


def length(table: Table) -> int:
    return next(iter(table.values())).values.size


def take(table: Table, rows: Any) -> Table:
    """The rows of a mask or of an index array, in that order."""
    return {name: column.take(rows) for name, column in table.items()}


def concatenate(tables: Sequence[Table]) -> Table:
    """Tables of the same columns, one after the other. Words of a column may differ: it has those of all."""
    return {name: _one_after_the_other([table[name] for table in tables]) for name in tables[0]}


def _one_after_the_other(columns: Sequence[Column]) -> Column:
    first = columns[0]
    if any(column.labels != first.labels for column in columns):
        labels = tuple(dict.fromkeys(word for column in columns for word in column.labels))
        columns = [_relabelled(column, labels) for column in columns]
    values = np.concatenate([column.values for column in columns])
    return replace(first, values=values, labels=columns[0].labels)


def _relabelled(column: Column, labels: tuple[str, ...]) -> Column:
    places = np.array([*(labels.index(word) for word in column.labels), MISSING], np.int64)  # MISSING is -1: the last
    return replace(column, values=places[column.values], labels=labels)
