"""What is learned from a sample, and drawing records from it.

A leaf is a set of records that are alike. Of every leaf and block of columns the model holds GRID atoms: points of the
block's joint distribution there, moved between neighbours, so that they are no cells of the sample. A record is a leaf,
drawn as often as it is (given the hour of the week where the sample has times), and one atom for each block, independent
of the others.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from datagen.learn.columns import GONE, Kind, Names, Number, Words, coarse
from datagen.learn.moments import Moment
from datagen.learn.rowtext import LOOKED_UP, made_up, number_text
from datagen.streams import Stream
from datagen.table import MISSING, Column, Ints, Table, label

if TYPE_CHECKING:
    from datagen.learn.writer import Writer

GRID = 64  # atoms of a leaf and block
SLOTS = 1 << 16  # chances among which a leaf is drawn
HOUR_SLOTS = 1 << 13  # the same, for one hour of the week
DRAWN = 1 << 16  # rows at once: memory is flat in the number asked for, and small enough to be used again
_AGAIN = 6  # what is nearly a copy of a sample's row is drawn again so often
_MOST_BITS = 22  # by which copies are known
_STREAM = 0x6C6561726E

Codes = npt.NDArray[Any]  # int32, or int64 where a column of the sample needs it
Hashes = npt.NDArray[np.uint64]
Marks = npt.NDArray[np.uint32]  # lower halves of hashes


@dataclass(frozen=True, slots=True)
class Written:
    """A column of the file. value: `place` is a variable; clock: a part of time `place` by `pattern`; counter: running number;

    span: time `place` less time `other`, as a number of `number`.
    """

    name: str
    role: Literal["value", "clock", "counter", "span"]
    place: int = 0
    other: int = 0
    pattern: str = ""
    number: Number | None = None


@dataclass(frozen=True, slots=True)
class Form:
    """How the files of the sample look. `service`: of its layout; `layout`: its name; both empty where it has none."""

    columns: tuple[Written, ...]
    separator: str
    preamble: tuple[str, ...]
    layout: str
    service: str


@dataclass(frozen=True)
class LearnedModel:
    """`base`: variables × (leaves·GRID), codes; `reach`: how far each may move from there, None where none may.

    `blocks`: places of variables; `slots`: leaves by chance; `hourly`: the same for each hour of the week, or no rows.
    `moments`: times of the sample, the first decides; the others are variables named after them, in steps after or before it.
    `copies`: hashes of the sample's rows that hold a free number, rounded, sorted; `rows`: records learned from.
    """

    form: Form
    names: tuple[str, ...]
    kinds: tuple[Kind, ...]
    blocks: tuple[tuple[int, ...], ...]
    base: Codes
    reach: tuple[Codes | None, ...]
    slots: npt.NDArray[np.int32]
    hourly: npt.NDArray[np.int32]
    moments: tuple[Moment, ...]
    copies: Hashes
    rows: int
    start: int  # first time of the sample, ms since 1970, or 0
    per_day: float  # records a day in the sample, 0 where it has no times
    seed: int
    fields: Mapping[str, str]  # column → the field that the layout puts it in, where it does
    week: tuple[float, ...]  # records by hour of the week, mean 1, smoothed; empty where the sample has no times

    def draw(self, rng: Stream, n: int, hour_of_week: Ints | None = None) -> Table:
        """`n` records as columns by the names of the sample's own columns; times and running numbers are not among them.

        Words and identifiers are of kind label (an empty cell is MISSING), numbers whole or decimal, numbers of a column with
        negative ones label. `hour_of_week`: one a record, 0-167, Monday 00:00 first; without it as often as in the sample.
        Takes 4 bytes a cell: for millions of rows call it again and again with the same `rng`.
        """
        codes = self.codes(rng, n, hour_of_week)
        own = {moment.field for moment in self.moments}
        return {
            name: self._column(place, codes[place], rng)
            for place, name in enumerate(self.names)
            if name not in own or any(w.role == "value" and w.place == place for w in self.form.columns)
        }

    def lines(self, rng: Stream, n: int, columns: Sequence[str] | None = None) -> bytes:
        """`n` records as the text of a CSV file in the sample's own layout, without its header, line feeds included.

        `columns`: only these, in this order. Running numbers begin at 0; times are as in the week after the sample's first.
        Made in blocks of DRAWN rows; the text itself is all in memory.
        """
        writer = self._writer(columns)
        blocks = (writer.block(rng, first, min(DRAWN, n - first)) for first in range(0, n, DRAWN))
        return b"".join(piece for block in blocks for piece in block)

    def _writer(self, columns: Sequence[str] | None) -> Writer:
        """Prepared once for each choice of columns: its tables take longer than a few thousand records."""
        from datagen.learn.writer import Writer

        key = None if columns is None else tuple(columns)
        if key not in self._writers:
            self._writers[key] = Writer(self, columns)
        return self._writers[key]

    @cached_property
    def _writers(self) -> dict[tuple[str, ...] | None, Writer]:
        return {}

    def times(self, codes: Codes, main: Ints) -> list[Ints]:
        """Every time of the records whose first one is `main`, in ms since 1970 UTC; MISSING where there is none."""
        first = main - main % self.moments[0].step
        found = [first]
        for moment in self.moments[1:]:
            place = self.names.index(moment.field)
            kind = self.kinds[place]
            assert isinstance(kind, Number)  # noqa: S101  fit makes them so
            shift = kind.origin + codes[place].astype(np.int64) * kind.step
            found.append(np.where(codes[place] == GONE, MISSING, first + shift))
        return found

    # Codes

    def codes(
        self, rng: Stream, n: int, hour_of_week: Ints | None = None, without: Collection[int] = frozenset()
    ) -> Codes:
        """Variables × n. `without`: places of identifiers that nobody reads; they are left 0, all others are as they would be."""
        if hour_of_week is not None and len(self.hourly):
            chance = rng.integers(0, HOUR_SLOTS, n, dtype=np.uint16)
            leaf = self.hourly[hour_of_week, chance]
        else:
            leaf = self.slots[rng.integers(0, SLOTS, n, dtype=np.uint16)]
        codes, marks = self._from(leaf, rng, without)
        self._anew(codes, marks, leaf, rng, without)
        return codes

    def _from(self, leaf: npt.NDArray[np.int32], rng: Stream, without: Collection[int]) -> tuple[Codes, Marks]:
        """Codes of one record a leaf, and their hashes."""
        n = leaf.size
        chance = self._octets(rng, len(self.blocks) + len(self._moving), n)
        chance[: len(self.blocks)] >>= 2
        codes = np.zeros((len(self.names), n), self.base.dtype)
        marks = np.zeros(n, np.uint32)
        first, moved = leaf.astype(np.intp) * GRID, len(self.blocks)
        for number, block in enumerate(self.blocks):
            at = first + chance[number]
            for place in block:
                if place in without:
                    continue
                base, reach = self._atoms[place]
                code = codes[place]
                code[:] = base.take(at)
                if reach is not None:
                    code += (reach.take(at) * chance[moved]) >> 8
                if self._salts[place]:
                    marks += self._mark(place, code)
            moved += number in self._moving
        return codes, marks

    def _octets(self, rng: Stream, rows: int, n: int) -> npt.NDArray[np.uint8]:
        words = -(-rows * n // 8)
        return rng.integers(0, 2**64, words, dtype=np.uint64).view(np.uint8)[: rows * n].reshape(rows, n)

    def _anew(
        self, codes: Codes, marks: Marks, leaf: npt.NDArray[np.int32], rng: Stream, without: Collection[int]
    ) -> None:
        """Draws records again, from their leaves, that nearly repeat a row of the sample which holds a number of its own."""
        again = np.flatnonzero(self._copied(marks))
        for _ in range(_AGAIN):
            if not again.size:
                return
            fresh, hashed = self._from(leaf[again], rng, without)
            for place in range(len(codes)):
                if place not in without:
                    codes[place][again] = fresh[place]
            again = again[self._copied(hashed)]

    def _copied(self, marks: Marks) -> npt.NDArray[np.bool_]:
        found, shift = self._known
        return np.asarray(found.take(marks >> shift))

    def _mark(self, place: int, codes: Codes) -> Marks:
        """What a column adds to the hashes of rows: numbers rounded."""
        if place in self._rounded:
            return np.asarray(self._rounded[place].take(codes))
        return self._salted(place, self._said(place, codes))

    def _said(self, place: int, codes: npt.NDArray[np.signedinteger]) -> npt.NDArray[np.signedinteger]:
        kind = self.kinds[place]
        return coarse(kind, codes) if isinstance(kind, Number) else codes

    def _salted(self, place: int, said: npt.NDArray[np.signedinteger]) -> Marks:
        return np.asarray((said.astype(np.uint64) * self._salts[place]).astype(np.uint32))

    @cached_property
    def _rounded(self) -> dict[int, Marks]:
        """What each code adds, GONE at the end, of the columns with few enough codes."""
        tops = {
            place: kind.top if isinstance(kind, Number) else len(kind.words) - 1
            for place, kind in enumerate(self.kinds)
            if not isinstance(kind, Names)
        }
        return {
            place: self._salted(place, self._said(place, np.append(np.arange(top + 1), GONE)))
            for place, top in tops.items()
            if top < LOOKED_UP
        }

    @cached_property
    def _salts(self) -> Hashes:
        return salts(self.kinds)

    @cached_property
    def _moving(self) -> tuple[int, ...]:
        """Blocks with a number that moves."""
        return tuple(
            number for number, block in enumerate(self.blocks) if any(self.reach[place] is not None for place in block)
        )

    @cached_property
    def _atoms(self) -> list[tuple[Codes, Codes | None]]:
        """`base` and `reach` of each variable, `base` in as few octets as hold it, so that more of it stays in the cache."""
        return [(_narrow(base), reach) for base, reach in zip(self.base, self.reach, strict=True)]

    @cached_property
    def _known(self) -> tuple[npt.NDArray[np.bool_], np.uint32]:
        """Which upper bits of marks the rows in `copies` have, and how far a mark is shifted to them.

        Of other records fewer than 1 in 256 have them too, or more where `copies` are many: they are drawn again for
        nothing, which is quicker than to look closely at each.
        """
        bits = min(_MOST_BITS, max(16, self.copies.size.bit_length() + 8))
        found, shift = np.zeros(1 << bits, bool), np.uint32(32 - bits)
        found[self.copies.astype(np.uint32) >> shift] = True
        return found, shift

    # Columns

    @cached_property
    def repeated(self) -> dict[int, tuple[str, ...]]:
        """Made-up names of the parties that occur again and again, by place of the variable."""
        names = {}
        for place, kind in enumerate(self.kinds):
            if isinstance(kind, Names):
                rng = np.random.default_rng([self.seed, place, _STREAM])
                made = made_up(kind, rng, 2 * kind.known + 16) if kind.masks else np.zeros((0, 1), np.uint8)
                texts = dict.fromkeys(row.tobytes().rstrip(b"\0").decode() for row in made)
                names[place] = tuple(texts)[: kind.known] + ("",) * max(0, kind.known - len(texts))
        return names

    def _column(self, place: int, codes: Codes, rng: Stream) -> Column:
        kind, wide = self.kinds[place], codes.astype(np.int64)
        if isinstance(kind, Words):
            empty = kind.words.index("") if "" in kind.words else len(kind.words)
            return label(np.where(wide == empty, MISSING, wide), kind.words)
        if isinstance(kind, Names):
            return self._named(place, kind, wide, rng)
        if kind.origin < 0 or kind.before:
            distinct, at = np.unique(wide, return_inverse=True)
            words = [number_text(kind, code) for code in distinct.tolist()]
            return label(np.where(wide == GONE, MISSING, at), words)
        values = np.where(wide == GONE, MISSING, kind.origin + wide * kind.step)
        return Column("decimal" if kind.places else "whole", values, places=kind.places)

    def _named(self, place: int, kind: Names, codes: Ints, rng: Stream) -> Column:
        fresh = np.flatnonzero(codes == kind.known)
        made = [row.tobytes().rstrip(b"\0").decode() for row in made_up(kind, rng, fresh.size)]
        values = codes.copy()
        values[fresh] = kind.known + np.arange(fresh.size)
        return label(values, (*self.repeated[place], *made))


def _narrow(codes: Codes) -> Codes:
    for kind in (np.int8, np.int16, np.int32):
        held = np.iinfo(kind)
        if codes.size and held.min <= codes.min() and codes.max() <= held.max:
            return codes.astype(kind)
    return codes


def salts(kinds: Sequence[Kind]) -> Hashes:
    """An odd factor for each variable; 0 for identifiers, which are new in every record anyway."""
    rng = np.random.default_rng(_STREAM)
    odd = rng.integers(0, 2**63, len(kinds), dtype=np.uint64) * np.uint64(2) + np.uint64(1)
    return np.where([isinstance(kind, Names) for kind in kinds], np.uint64(0), odd)
