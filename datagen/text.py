"""Columns to text: the cells of a CSV file, quickly and with no value that would need a quote.

Every function takes a column and the character that follows the cell, and gives one list of strings per part of the
cell; the parts of all columns, joined row by row, are the lines.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

from datagen.clocks import ISO8601, Parts, clock
from datagen.table import MISSING, Column, Ints

__all__ = ["Parts", "cells", "clock"]
_SMALL = 100_000  # values below it are looked up, not formatted


def cells(column: Column, after: str) -> Parts:
    """Text of a column as a number, word or ISO 8601 time with milliseconds and `Z`."""
    return _WRITERS[column.kind](column, after)


def _label(column: Column, after: str) -> Parts:
    words = np.array([*(word + after for word in column.labels), after], dtype=object)
    return [words[column.values].tolist()]  # MISSING is -1: the last word, empty


def _whole(column: Column, after: str) -> Parts:
    values = column.values
    if values.size and values.max() < _SMALL:
        return [_look_up(_wholes(after, (int(values.max()) // 1000).bit_length()), values)]
    return [_formatted(values, "%d" + after, after)]


def _number(column: Column, after: str) -> Parts:
    return [_formatted(column.values, "+%d" + after, after)]


def _imei(column: Column, after: str) -> Parts:
    return [_formatted(column.values, "%015d" + after, after)]


def _decimal(column: Column, after: str) -> Parts:
    if column.places == 0:
        return _whole(column, after)
    unit = 10**column.places
    whole = np.where(column.values == MISSING, MISSING, column.values // unit)
    fraction = np.where(column.values == MISSING, MISSING, column.values % unit)
    return [*_whole(Column("whole", whole), ""), _look_up(_fractions(column.places, after), fraction)]


def _time(column: Column, after: str) -> Parts:
    return clock(column, ISO8601, after)


def _hex(column: Column, after: str) -> Parts:
    text = column.values.astype(">u8").tobytes().hex()
    return [[text[i : i + 16] + after for i in range(0, len(text), 16)]]


_WRITERS: dict[str, Callable[[Column, str], Parts]] = {
    "label": _label,
    "whole": _whole,
    "decimal": _decimal,
    "time": _time,
    "hex": _hex,
    "number": _number,
    "imei": _imei,
}


def _look_up(words: Any, values: Ints) -> list[str]:
    found: list[str] = words[values].tolist()
    return found


def _formatted(values: Ints, pattern: str, after: str) -> list[str]:
    written = list(map(pattern.__mod__, values.tolist()))
    for row in np.flatnonzero(values == MISSING).tolist():
        written[row] = after
    return written


@lru_cache(maxsize=64)
def _wholes(after: str, doubled: int) -> Any:
    """Words of 0 … 1000 × 2^doubled - 1, and the empty cell at the end, where -1 finds it. Few sizes: each stays in memory."""
    return np.array([*(f"{value}{after}" for value in range(1000 << doubled)), after], dtype=object)


@lru_cache(maxsize=16)
def _fractions(places: int, after: str) -> Any:
    return np.array([*(f".{value:0{places}d}{after}" for value in range(10**places)), after], dtype=object)
