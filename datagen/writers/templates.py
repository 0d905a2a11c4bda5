"""Texts with fields in them: `PJSIP/{voip.trunk_group.originating}-{voip.call_id:first}`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from contracts.errors import DefinitionError
from datagen.table import MISSING, Column, Table, label, whole

_FIELD = re.compile(r"\{([@_A-Za-z][\w.@]*)(?::([a-z_.]+)(?::([\w.@]+))?)?\}")
_SHORT = 10**8
_CLOCKS = {"unix": "UNIX", "unix_us": "UNIX_US", "unix.us": "UNIX.US"}


@dataclass(frozen=True, slots=True)
class Part:
    """A text, or a field (two of them where it is a time since another) in a form."""

    text: str = ""
    fields: tuple[str, ...] = ()
    form: str = ""


@lru_cache(maxsize=1024)
def parsed(pattern: str) -> tuple[Part, ...]:
    """Parts in order."""
    parts, at = [], 0
    for found in _FIELD.finditer(pattern):
        if found.start() > at:
            parts.append(Part(text=pattern[at : found.start()]))
        parts.append(Part(fields=tuple(filter(None, (found[1], found[3]))), form=found[2] or ""))
        at = found.end()
    if at < len(pattern):
        parts.append(Part(text=pattern[at:]))
    return tuple(parts)


def part_column(part: Part, table: Table) -> tuple[Column, str]:
    """The column that a field in its form is written from, and the time pattern it wants. Rows have a value.

    Raises DefinitionError on a form that is none.
    """
    column = table[part.fields[0]]
    form = part.form
    if not form:
        return column, ""
    if form in _CLOCKS:
        return column, _CLOCKS[form]
    if form == "since":
        other = table[part.fields[1]]
        return whole(np.maximum(column.values // 1000 - other.values // 1000, 0)), ""
    if form in ("first", "last"):
        half = column.values >> 32 if form == "first" else column.values & 0xFFFFFFFF
        words, place = np.unique(half, return_inverse=True)
        return label(place, [f"{word:08x}" for word in words.tolist()]), ""
    if form == "short":
        return whole(column.values % _SHORT), ""
    if form in ("decimal", "digits"):
        return whole(np.where(column.values == MISSING, MISSING, column.values)), ""
    raise DefinitionError(f"unknown form {form!r} of {part.fields[0]}", where="writers/supplements.yml")
