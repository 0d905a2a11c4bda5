"""Values of one field over the rows of a region, kept in the form that costs least.

`Coded` is the general one: few distinct values and, for each row, which of them. What repeats is worked out once for each
distinct value by the very functions that `mediation.compile` uses, so that both ways give the same. Numbers and times that do
not repeat have forms of their own. In all of them `mask` says where a value is present; None: everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import orjson
import pyarrow as pa
import pyarrow.compute as pc

Mask = npt.NDArray[np.bool_]
Indices = npt.NDArray[np.int64]
Arrow = Any  # pyarrow has no types: an Array of strings, null where there is no value
Odd = Callable[[Mask], None]  # tells rows that the other way must look at

NULL = pa.scalar(None, pa.string())
_COUNTED = 100_000
_FRACTIONS = pa.array([repr(milli / 1000)[1:] for milli in range(1000)])


def joined(*parts: Any) -> Arrow:
    """Texts row by row; null where one of them is null."""
    return pc.binary_join_element_wise(*parts, "")


def joined_present(*parts: Any) -> Arrow:
    """The same of those that are not null."""
    return pc.binary_join_element_wise(*parts, "", null_handling="replace", null_replacement="")


def where(mask: Mask, text: Arrow) -> Arrow:
    """The text where the mask holds, else null."""
    return pc.if_else(pa.array(mask), text, NULL)


@dataclass(frozen=True, slots=True, eq=False)
class Space:
    """Rows by the one of `size` combinations that they have."""

    indices: Indices
    size: int
    paired: dict[Space, tuple[Space, list[int], list[int]]] = field(default_factory=dict, repr=False)


class Value(Protocol):
    """One field over all rows."""

    @property
    def mask(self) -> Mask | None: ...

    @property
    def quoted(self) -> bool:
        """Whether the text goes between quotes."""
        ...

    def text(self) -> Arrow:
        """As JSON, but for its quotes; null where absent."""
        ...

    def numbers(self) -> npt.NDArray[Any]:
        """What compares: integers or floats, times as milliseconds; anything where absent."""
        ...

    def coded(self) -> Coded: ...

    def restricted(self, mask: Mask) -> Value:
        """Absent where the mask does not hold."""
        ...


def present(value: Value, rows: int) -> Mask:
    """Where the value is there."""
    return np.ones(rows, bool) if value.mask is None else value.mask


def _both(mask: Mask | None, other: Mask) -> Mask:
    return other if mask is None else mask & other


@dataclass(frozen=True, eq=False)
class Coded:
    """`values[space.indices[row]]` is a row's value; None: absent."""

    space: Space
    values: Sequence[Any]
    quoted: bool = field(default=False, init=False)  # its text has them

    @cached_property
    def mask(self) -> Mask | None:
        there = np.fromiter((value is not None for value in self.values), bool, len(self.values))
        return None if there.all() else there[self.space.indices]

    def spread(self, entries: Sequence[Any], kind: Any = None) -> npt.NDArray[Any]:
        """One thing for each distinct value, row by row."""
        return np.array(entries, kind)[self.space.indices]

    def text(self) -> Arrow:
        return self.texts([None if value is None else orjson.dumps(value).decode() for value in self.values])

    def texts(self, entries: Sequence[str | None]) -> Arrow:
        """The same of texts."""
        return pa.array(entries, pa.string()).take(pa.array(self.space.indices))

    def numbers(self) -> npt.NDArray[Any]:
        return self.spread([0 if value is None else value for value in self.values])

    def coded(self) -> Coded:
        return self

    def restricted(self, mask: Mask) -> Coded:
        if mask.all():
            return self
        space = Space(self.space.indices * 2 + mask, self.space.size * 2)
        return Coded(space, [value if kept else None for value in self.values for kept in (False, True)])


@dataclass(frozen=True, slots=True, eq=False)
class Whole:
    """Whole numbers that do not repeat."""

    integers: Indices
    mask: Mask | None
    quoted: bool = field(default=False, init=False)

    def text(self) -> Arrow:
        hidden = None if self.mask is None else ~self.mask
        return pa.array(self.integers, mask=hidden).cast(pa.string())

    def numbers(self) -> Indices:
        return self.integers

    def coded(self) -> Coded:
        return _coded(self.integers, self.mask)

    def restricted(self, mask: Mask) -> Whole:
        return Whole(self.integers, _both(self.mask, mask))


@dataclass(frozen=True, slots=True, eq=False)
class Real:
    """Floating numbers. `millis`: the same in thousandths, where they are whole."""

    floats: npt.NDArray[np.float64]
    mask: Mask | None
    millis: Indices | None = None
    quoted: bool = field(default=False, init=False)

    def text(self) -> Arrow:
        if self.millis is not None:
            seconds = pa.array(self.millis // 1000).cast(pa.string())
            text = joined(seconds, _FRACTIONS.take(pa.array(self.millis % 1000)))
            return text if self.mask is None else where(self.mask, text)
        numbers = pa.array(self.floats, mask=None if self.mask is None else ~self.mask)
        shown = numbers.cast(pa.string())  # as short as it can be, but for the point of whole numbers
        whole = self.floats == np.floor(self.floats)
        return pc.if_else(pa.array(whole), joined(shown, ".0"), shown) if whole.any() else shown

    def numbers(self) -> npt.NDArray[np.float64]:
        return self.floats

    def coded(self) -> Coded:
        return _coded(self.floats, self.mask)

    def restricted(self, mask: Mask) -> Real:
        return Real(self.floats, _both(self.mask, mask), self.millis)


@dataclass(frozen=True, eq=False)
class Text:
    """Cells as they are. `words` null where absent."""

    words: Arrow
    mask: Mask | None
    quoted: bool = field(default=True, init=False)

    def text(self) -> Arrow:
        return self.words

    def numbers(self) -> npt.NDArray[Any]:
        raise TypeError("a text is no number")

    def coded(self) -> Coded:
        space, words = dictionary(self.words)
        return Coded(space, words)

    def restricted(self, mask: Mask) -> Text:
        return Text(where(mask, self.words), _both(self.mask, mask))


@dataclass(frozen=True, eq=False)
class Moment(Text):
    """Times in their stored form, all of one length."""

    @cached_property
    def millis(self) -> Indices:
        """Since 1970, in UTC; 0 where absent."""
        words = self.words if self.mask is None else self.words.drop_null()
        digits = (np.frombuffer(packed(words), np.uint8).reshape(-1, 24) - np.uint8(ord("0"))).astype(np.int32)
        millis: Indices = day_starts(digits)
        hours, minutes, seconds = (digits[:, at] * 10 + digits[:, at + 1] for at in (11, 14, 17))
        millis = millis + ((hours * 60 + minutes) * 60 + seconds) * 1000
        millis += digits[:, 20] * 100 + digits[:, 21] * 10 + digits[:, 22]
        if self.mask is None:
            return millis
        spread = np.zeros(self.mask.size, np.int64)
        spread[self.mask] = millis
        return spread

    def numbers(self) -> Indices:
        return self.millis

    def restricted(self, mask: Mask) -> Moment:
        return Moment(where(mask, self.words), _both(self.mask, mask))


def day_starts(digits: npt.NDArray[np.int32]) -> Indices:
    """Milliseconds since 1970 of the days in the first ten places of `digits`, which are dates that there are."""
    numbers = digits[:, 0]
    for at in (1, 2, 3, 5, 6, 8, 9):
        numbers = numbers * 10 + digits[:, at]
    days, place = np.unique(numbers, return_inverse=True)
    starts = [
        np.datetime64(f"{day // 10000:04d}-{day // 100 % 100:02d}-{day % 100:02d}", "ms") for day in days.tolist()
    ]
    return np.array(starts).astype(np.int64)[place]


@dataclass(frozen=True, eq=False)
class Merged:
    """`new` where `mask_new` holds, else `old`. Both have the same kind of values."""

    mask_new: Mask
    new: Value
    old: Value

    @cached_property
    def mask(self) -> Mask | None:
        rows = self.mask_new.size
        mask = np.where(self.mask_new, present(self.new, rows), present(self.old, rows))
        return None if mask.all() else mask

    @property
    def quoted(self) -> bool:
        return False

    def text(self) -> Arrow:
        return pc.if_else(pa.array(self.mask_new), in_full(self.new), in_full(self.old))

    def numbers(self) -> npt.NDArray[Any]:
        return np.where(self.mask_new, self.new.numbers(), self.old.numbers())

    def coded(self) -> Coded:
        new, old = self.new.coded(), self.old.coded()
        space, (news, olds) = together([new, old])
        both = Space(space.indices * 2 + self.mask_new, space.size * 2)
        return Coded(both, [value for pair in zip(olds, news, strict=True) for value in pair])

    def restricted(self, mask: Mask) -> Value:
        return self.coded().restricted(mask)


def in_full(value: Value) -> Arrow:
    """The text of a value with its quotes."""
    return joined('"', value.text(), '"') if value.quoted else value.text()


def packed(words: Arrow) -> memoryview:
    """The bytes of all words, one after the other."""
    _, ends, data = words.buffers()
    if data is None or not len(words):
        return memoryview(b"")
    edges = np.frombuffer(ends, np.int32)[words.offset : words.offset + len(words) + 1]
    return memoryview(data)[edges[0] : edges[-1]]


def edges(words: Arrow) -> npt.NDArray[np.int32]:
    """Where in `packed` each word begins, and where the last one ends."""
    found: npt.NDArray[np.int32] = np.frombuffer(words.buffers()[1], np.int32)
    found = found[words.offset : words.offset + len(words) + 1]
    return found - found[:1]


def slices(words: Arrow) -> list[bytes]:
    """The bytes of each word; none is null."""
    body = bytes(packed(words))
    return [body[start:end] for start, end in pairwise(edges(words).tolist())]


def dictionary(words: Arrow) -> tuple[Space, list[Any]]:
    """Rows by their words; null is a word of its own, None."""
    found = words.dictionary_encode(null_encoding="encode")
    entries = found.dictionary.to_pylist()
    return Space(found.indices.to_numpy().astype(np.int64), len(entries)), entries


def _coded(numbers: npt.NDArray[Any], mask: Mask | None) -> Coded:
    distinct, place = np.unique(numbers, return_inverse=True)
    values = distinct.tolist()
    coded = Coded(Space(place.astype(np.int64), len(values)), values)
    return coded if mask is None else coded.restricted(mask)


def together(values: Sequence[Coded]) -> tuple[Space, list[Sequence[Any]]]:
    """One space for several values, and the values in it."""
    first, *rest = values
    space, columns = first.space, [first.values]
    for value in rest:
        if value.space is space:
            columns.append(value.values)
            continue
        space, mine, theirs = _paired(space, value.space)
        columns = [[column[at] for at in mine] for column in columns]
        columns.append([value.values[at] for at in theirs])
    return space, columns


def _paired(one: Space, other: Space) -> tuple[Space, list[int], list[int]]:
    """The combinations of two spaces that occur, and what each is made of; remembered, for several fields may need them."""
    found = one.paired.get(other)
    if found is None:
        pairs = one.indices * other.size + other.indices
        distinct, place = _distinct(pairs, one.size * other.size)
        space = Space(place, distinct.size)
        found = one.paired[other] = (space, (distinct // other.size).tolist(), (distinct % other.size).tolist())
    return found


def _distinct(codes: Indices, size: int) -> tuple[Indices, Indices]:
    """As `np.unique` with its inverse, without sorting where there are few possible codes below `size`."""
    if size > _COUNTED:
        distinct, place = np.unique(codes, return_inverse=True)
        return distinct, place.astype(np.int64)
    seen = np.zeros(size, bool)
    seen[codes] = True
    return np.flatnonzero(seen), (np.cumsum(seen) - 1)[codes]
