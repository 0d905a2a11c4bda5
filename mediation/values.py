"""Values of columns: strict numbers, words, keyed hashes, quoting. What is refused raises `Refusal`, which holds the reject."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from contracts.ids import keyed_hash
from contracts.outcomes import Reason, Reject
from mediation.enrich.privacy import shortener
from mediation.layout import Column

# The same in Ruby between \A and \z. At most 18 digits, so that a value fits 64 bits; no exponent, no plus, no thousands.
INTEGER_PATTERN = r"-?[0-9]{1,18}(?:\.0{1,6})?"
# At most 15 digits, so that both runners print the number they read.
DECIMAL_PATTERN = r"-?[0-9]{1,15}(?:\.[0-9]{1,15})?"
WHITE_SPACE = " \t\v\f"  # what `strip` takes off; line ends never get here
_INTEGER = re.compile(INTEGER_PATTERN)
_DECIMAL = re.compile(DECIMAL_PATTERN)
_SHOWN = 80  # characters of a bad value that a detail repeats
SHORT = 19  # digits that are read without a closer look: they fit a long
REMEMBERED = 8_192  # texts per column whose value is kept, so that memory stays flat


class Refusal(Exception):
    """Carries a reject from inside a value to the line; never leaves `mediation.compile`."""

    def __init__(self, reason: Reason, column: str, detail: str) -> None:
        self.reject = Reject(reason, column, detail)


class Memo(dict[Any, Any]):
    """text (or texts) → value, converted once while it is remembered: sites, causes, dates and numbers repeat."""

    def __init__(self, convert: Callable[[Any], Any], limit: int = REMEMBERED) -> None:
        super().__init__()
        self.convert, self.limit = convert, limit

    def __missing__(self, text: Any) -> Any:
        value = self.convert(text)
        if len(self) >= self.limit:
            self.clear()
        self[text] = value
        return value


def shown(text: str) -> str:
    """A value as a detail repeats it."""
    return repr(text if len(text) <= _SHOWN else text[:_SHOWN] + "…")


def converter(column: Column, key: bytes) -> Callable[[str], Any] | None:
    """text → value of `column`; None when the text is the value."""
    if column.type == "integer":
        return _integers(column)
    if column.type == "decimal":
        return lambda text: _decimal(text, column)
    word = None if column.values is None else _words(column, column.values)
    if column.pii == "hash":
        return (lambda text: keyed_hash(key, word(text))) if word else (lambda text: keyed_hash(key, text))
    return shortener(column.keep_characters) if column.pii == "truncate" else word


def _integers(column: Column) -> Callable[[str], int]:
    low = -math.inf if column.low is None else column.low
    high = math.inf if column.high is None else column.high

    def convert(text: str) -> int:
        if len(text) < SHORT and text.isascii() and text.isdigit() and low <= (value := int(text)) <= high:
            return value
        return _integer(text, column)

    return convert


def _integer(text: str, column: Column) -> int:
    if _INTEGER.fullmatch(text) is None:
        raise Refusal(Reason.BAD_NUMBER, column.raw, f"{shown(text)} is not a whole number")
    return int(_in_range(int(text.partition(".")[0]), text, column))


def _decimal(text: str, column: Column) -> float:
    if _DECIMAL.fullmatch(text) is None:
        raise Refusal(Reason.BAD_NUMBER, column.raw, f"{shown(text)} is not a number")
    value = float(text)
    return _in_range(value / column.divide_by if column.divide_by != 1 else value, text, column)


def _in_range(value: float, text: str, column: Column) -> float:
    if column.low is not None and value < column.low:
        raise Refusal(Reason.BAD_NUMBER, column.raw, f"{shown(text)} is below {column.low:.15g}")
    if column.high is not None and value > column.high:
        raise Refusal(Reason.BAD_NUMBER, column.raw, f"{shown(text)} is above {column.high:.15g}")
    return value


def _words(column: Column, values: Mapping[str, str]) -> Callable[[str], str]:
    def word(text: str) -> str:
        known = values.get(text)
        if known is not None:
            return known
        if column.otherwise == "keep":
            return text
        if column.otherwise != "reject":
            return column.otherwise
        return _unknown_word(text, column)

    return word


def _unknown_word(text: str, column: Column) -> NoReturn:
    words = ", ".join(list(column.values or ())[:12])
    raise Refusal(Reason.BAD_VALUE, column.raw, f"{shown(text)} is not one of {words}")


def quoted_splitter(separator: str) -> Callable[[str], list[str] | None]:
    """A function line → cells by RFC 4180; None on a quote inside an unquoted cell, after a quoted one, or left open."""
    mark = re.escape(separator)
    cell = re.compile(rf'(?:"((?:[^"]|"")*)"|([^"{mark}]*))({mark}|\Z)')

    def split(line: str) -> list[str] | None:
        cells, position = [], 0
        while True:
            match = cell.match(line, position)
            if match is None:
                return None
            quoted, plain, end = match.groups()
            cells.append(plain if quoted is None else quoted.replace('""', '"'))
            if not end:
                return cells
            position = match.end()

    return split
