"""The text of all documents: each row's fields as the members of nested objects.

What follows from few combinations of cells is written once for each combination; the rest is joined row by row. In both, a
member that may be missing begins with its comma, so that an object is its sure members, and the others behind them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from mediation.columns.values import Coded, Mask, Space, Value, joined, joined_present, where

_REMEMBERED = 65_536
_SIMPLE = frozenset((int, float, str))
Part = Any  # text that is the same in every row, or an Arrow array of texts


class _Maybe(NamedTuple):
    """A member that is there where the mask holds; `parts` are null elsewhere."""

    mask: Mask
    parts: list[Part]


@dataclass(slots=True)
class _Members:
    """`sure`: members in every row, each as parts to join; `maybe`: the others; `coded`: members that follow from a space, with
    a comma before each, for each of its combinations."""

    sure: list[list[Part]] = field(default_factory=list)
    maybe: list[_Maybe] = field(default_factory=list)
    coded: dict[Space, list[str]] = field(default_factory=dict)

    def add(self, space: Space, entries: Sequence[str]) -> None:
        """Members for each combination of a space."""
        before = self.coded.get(space)
        both = zip(before, entries, strict=True) if before else None
        self.coded[space] = [one + other for one, other in both] if both else list(entries)

    def spread(self) -> None:
        """Puts what is coded to the rest."""
        for space, entries in self.coded.items():
            if space.size == 1:
                if entries[0]:
                    self.sure.append([entries[0][1:]])
                continue
            coded = Coded(space, [entry[1:] or None for entry in entries])
            if coded.mask is None:
                self.sure.append([coded.texts(coded.values)])
            elif coded.mask.any():
                self.maybe.append(_Maybe(coded.mask, [coded.texts(coded.values)]))
        self.coded = {}

    @property
    def listed(self) -> list[Part]:
        """Sure members with commas between them, then the others."""
        parts: list[Part] = []
        for member in self.sure:
            parts += [",", *member] if parts else member
        return [*parts, *(joined(*_merged([",", *member.parts])) for member in _grouped(self.maybe))]


def _grouped(members: Sequence[_Maybe]) -> list[_Maybe]:
    """Members that are there in the same rows as one."""
    groups: list[_Maybe] = []
    for member in members:
        group = next((group for group in groups if (group.mask == member.mask).all()), None)
        if group is None:
            groups.append(_Maybe(member.mask, list(member.parts)))
        else:
            group.parts.extend([",", *member.parts])
    return groups


def documents(fields: Mapping[str, Value], last: Sequence[Part]) -> list[Part]:
    """Parts that joined row by row are the documents. `fields`: by dotted name; `last`: a member that stands at the end."""
    tree: dict[str, Any] = {}
    for name, value in fields.items():
        *path, leaf = name.split(".")
        node = tree
        for part in path:
            node = node.setdefault(part, {})
        node[leaf] = value
    members = _members(tree)
    members.spread()
    return ["{", *members.listed, ",", *last, "}"]


def _members(tree: Mapping[str, Any]) -> _Members:
    members = _Members()
    for name, item in tree.items():
        if isinstance(item, dict):
            _object(members, name, _members(item))
        elif isinstance(item, Coded):
            members.add(item.space, _entries(name, item.values))
        else:
            _row(members, name, item)
    return members


class _Entries(dict[Any, str]):
    """Value → member, with its comma, of one name; remembered, but for 0: to a dictionary 0.0 and -0.0 are the same."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name

    def __missing__(self, value: Any) -> str:
        text = "" if value is None else f',"{self._name}":{orjson.dumps(value).decode()}'
        if value:
            if len(self) >= _REMEMBERED:
                self.clear()
            self[value] = text
        return text


# By name and type, since 1, 1.0 and true are the same to a dictionary, too.
_written: dict[tuple[str, frozenset[type]], _Entries] = {}


def _entries(name: str, values: Sequence[Any]) -> list[str]:
    """Members of one name, for each of the values; empty where there is none."""
    kinds = frozenset(map(type, values)) - {type(None)}
    if not kinds <= _SIMPLE or len(kinds) > 1:
        return ["" if value is None else f',"{name}":{orjson.dumps(value).decode()}' for value in values]
    memory = _written.setdefault((name, kinds), _Entries(name))
    return list(map(memory.__getitem__, values))


def _row(members: _Members, name: str, value: Value) -> None:
    quote = '"' if value.quoted else ""
    if value.mask is None:
        members.sure.append([f'"{name}":{quote}', value.text(), quote])
    elif value.mask.any():
        members.maybe.append(_Maybe(value.mask, [f'"{name}":{quote}', value.text(), quote]))


def _object(into: _Members, name: str, members: _Members) -> None:
    if not members.sure and not members.maybe and len(members.coded) == 1:
        ((space, entries),) = members.coded.items()
        into.add(space, [f',"{name}":{{{entry[1:]}}}' if entry else "" for entry in entries])
        return
    members.spread()
    if members.sure:
        into.sure.append([f'"{name}":{{', *members.listed, "}"])
    elif members.maybe:
        into.maybe.append(_unsure(name, members.maybe))


def _unsure(name: str, members: list[_Maybe]) -> _Maybe:
    """An object of which no member is always there. Where one is there whenever another is, the others follow it."""
    members = _grouped(members)
    lead = max(members, key=lambda member: np.count_nonzero(member.mask))
    mask = np.logical_or.reduce([member.mask for member in members])
    if (mask == lead.mask).all():
        parts = [f'"{name}":{{', *lead.parts]
        parts += [joined(*_merged([",", *member.parts])).fill_null("") for member in members if member is not lead]
        return _Maybe(mask, [*parts, "}"])
    inside = pc.utf8_slice_codeunits(joined_present(*(joined(*_merged([",", *member.parts])) for member in members)), 1)
    return _Maybe(mask, [f'"{name}":{{', where(mask, inside), "}"])


def rows(parts: Sequence[Part]) -> Any:
    """The parts joined row by row, as one Arrow array of texts; what is null is nothing."""
    return joined_present(*_merged(parts))


def _merged(parts: Sequence[Part]) -> list[Part]:
    """Neighbouring texts that are the same in every row as one."""
    merged: list[Part] = []
    for part in parts:
        if isinstance(part, str) and merged and isinstance(merged[-1], str):
            merged[-1] += part
        elif not isinstance(part, str) or part:
            merged.append(part)
    return [pa.scalar(part) if isinstance(part, str) else part for part in merged]
