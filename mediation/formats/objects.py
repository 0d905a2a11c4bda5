"""JSON (RFC 8259): an object is a record, a path in it is a column. Rules here are such that both runners can keep them.

A value becomes the text that a csv would have had: a string itself, `true` and `false`, a number as Ruby and Python both write
it (`1e3` is `1000.0`, `1.10` is `1.1`), null and what is not there the empty text. What they would not write alike, or what
no line of text could hold, makes the record a reject, where a column of the layout names it; other values are not looked at.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import accumulate
from typing import Any

import orjson

from contracts.outcomes import Reason, Reject
from mediation.layout import Layout
from mediation.values import shown

_WHOLE = 10**18  # from here on a whole number has more digits than a column takes
_LEAST, _MOST = 1e-4, 1e15  # outside a decimal is written with an exponent, by each language in its own way
_NO_TEXT = frozenset("\0\r\n\ufffd")
_DEEPEST = 1000  # levels that Logstash's JSON parser reads
_STRING = re.compile(r'"(?:[^"\\]|\\.)*+"')
_NOTHING: Any = object()
_NO_OBJECT = Reject(Reason.BAD_RECORD, "", "is JSON, but no object")


def object_reader(layout: Layout, header: list[str]) -> Callable[[str], list[str] | Reject]:
    """Record → cells. Of a key that occurs twice the last one counts."""
    columns = [(column.raw, column.name.split(".")) for column in layout.columns]

    def read(text: str) -> list[str] | Reject:
        try:
            record = orjson.loads(text)
        except (orjson.JSONDecodeError, UnicodeEncodeError) as error:
            return Reject(Reason.BAD_RECORD, "", f"is no JSON: {error}")
        if not isinstance(record, dict):
            return _NO_OBJECT
        if text.count("{") + text.count("[") > _DEEPEST and _depth(text) > _DEEPEST:
            return Reject(Reason.BAD_RECORD, "", f"is more than {_DEEPEST} levels deep")
        cells = []
        for name, path in columns:
            value = value_at(record, path)
            if value.__class__ is not str or not _NO_TEXT.isdisjoint(value):
                value = _text(value, name)
                if isinstance(value, Reject):
                    return value
            cells.append(value)
        return cells

    return read


def _depth(text: str) -> int:
    """Levels of brackets in JSON."""
    brackets = (1 if mark in "{[" else -1 for mark in _STRING.sub("", text) if mark in "{[]}")
    return max(accumulate(brackets), default=0)


def value_at(record: Any, path: list[str]) -> Any:
    """What stands at a path of keys; a number is a place in a list, from 0. None where there is nothing."""
    for key in path:
        if isinstance(record, dict):
            record = record.get(key)
        elif isinstance(record, list) and key.isascii() and key.isdigit() and int(key) < len(record):
            record = record[int(key)]
        else:
            return None
    return record


def _text(value: Any, column: str) -> str | Reject:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        if -_WHOLE < value < _WHOLE:
            return str(value)
        return Reject(Reason.BAD_NUMBER, column, f"{value} has more than 18 digits")
    if isinstance(value, float):
        if value == 0 or _LEAST <= abs(value) < _MOST:
            return repr(value + 0.0)  # Logstash's JSON has no -0.0
        return Reject(Reason.BAD_NUMBER, column, f"{value!r} is too large or too small a number")
    if isinstance(value, str):
        return Reject(Reason.BAD_ENCODING, column, f"{shown(value)} holds a NUL, a line end or U+FFFD")
    return Reject(
        Reason.BAD_VALUE, column, f"is {'a list' if isinstance(value, list) else 'an object'}, no single value"
    )
