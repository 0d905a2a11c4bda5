"""Records of a learned model as CSV lines."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from contracts.errors import DefinitionError
from datagen.definitions import nearest
from datagen.learn.columns import GONE, Names, Number, Words
from datagen.learn.model import Codes, LearnedModel, Written
from datagen.learn.moments import hours_of_week, local
from datagen.learn.rowtext import (
    Lanes,
    clock_lanes,
    joined,
    looker,
    name_lanes,
    number_piece,
    quoted,
    table,
    tiles,
    width,
)
from datagen.streams import Stream
from datagen.table import MISSING, Ints

_WEEK_MS = 7 * 86_400_000
_MOST_TEXTS = 1 << 12  # combinations of neighbouring categories that are looked up as one


@dataclass(frozen=True, slots=True)
class _Rows:
    """Some rows: codes of the variables, moments, the first one's number, and cells of identifiers by place of the variable."""

    codes: Codes
    moments: Sequence[Ints]
    first: int
    names: Mapping[int, list[Lanes]]

    def tile(self, part: slice) -> _Rows:
        return _Rows(
            self.codes[:, part],
            [moment[part] for moment in self.moments],
            self.first + part.start,
            {place: [lane[part] for lane in lanes] for place, lanes in self.names.items()},
        )


Piece = Callable[[_Rows], list[Lanes]]


@dataclass(frozen=True, slots=True)
class _Categories:
    """Neighbouring categories: variables, their numbers of words, and all texts, the last one's word changing fastest."""

    places: tuple[int, ...]
    sizes: tuple[int, ...]
    texts: tuple[str, ...]

    def joined(self, other: _Categories) -> _Categories | None:
        """Both as one, where that takes fewer lanes and no large table."""
        if len(self.texts) * len(other.texts) > _MOST_TEXTS:
            return None
        texts = tuple(left + right for left in self.texts for right in other.texts)
        fewer = width(texts) < width(self.texts) + width(other.texts)
        return _Categories(self.places + other.places, self.sizes + other.sizes, texts) if fewer else None

    def piece(self) -> Piece:
        words = looker(table(self.texts))
        return lambda rows: words(self._codes(rows.codes))

    def _codes(self, codes: Codes) -> Codes:
        code: Codes = codes[self.places[0]]
        for place, size in zip(self.places[1:], self.sizes[1:], strict=True):
            code = code * size + codes[place]
        return code


class Writer:
    """Prepared once, used for every block of rows. `columns`: names of the columns to write; all unless given."""

    def __init__(self, model: LearnedModel, columns: Sequence[str] | None = None) -> None:
        self.model = model
        self.columns = _chosen(model, columns)
        self.pieces = self._pieces()
        read = {column.place for column in self.columns if column.role == "value"}
        self.unread = {place for place, kind in enumerate(model.kinds) if isinstance(kind, Names) and place not in read}

    @property
    def header(self) -> bytes:
        """Lines above the records."""
        names = [column.name for column in self.columns]
        if names == [column.name for column in self.model.form.columns]:
            return "".join(f"{line}\n" for line in self.model.form.preamble).encode()
        return (self.model.form.separator.join(names) + "\n").encode()

    def block(self, rng: Stream, first: int, n: int) -> Iterator[bytes]:
        """`n` records numbered from `first`, at times like the sample's own; see `text`."""
        model = self.model
        if not any(column.role in ("clock", "span") for column in self.columns):
            return self.text(model.codes(rng, n, without=self.unread), None, first, rng)
        times = model.start + np.sort(rng.integers(0, _WEEK_MS, n))
        hours = hours_of_week(times, model.moments[0].zone) if len(model.hourly) else None
        return self.text(model.codes(rng, n, hours, self.unread), times, first, rng)

    def text(self, codes: Codes, times: Ints | None, first: int, rng: Stream) -> Iterator[bytes]:
        """Lines, piece by piece: one text of them all would be fresh memory each time, which costs more than what is in it.

        Everything that chance decides is drawn from `rng` before this returns.

        `times`: when each record belongs, ms since 1970 UTC; not needed where no column is a time.
        """
        moments = self.model.times(codes, times) if times is not None and self.model.moments else []
        rows = _Rows(codes, moments, first, self._names(codes, rng))
        parts = (rows.tile(part) for part in tiles(codes.shape[1]))
        return (joined([lane for piece in self.pieces for lane in piece(part)]) for part in parts)

    def _names(self, codes: Codes, rng: Stream) -> dict[int, list[Lanes]]:
        """Cells of identifiers, without what follows them; made for all rows at once, so that TILE changes no byte."""
        model, separator = self.model, self.model.form.separator
        found = {}
        for column in self.columns:
            kind = model.kinds[column.place] if column.role == "value" else None
            if isinstance(kind, Names):
                form = replace(kind, masks=tuple(quoted(mask, separator) for mask in kind.masks))
                repeated = [quoted(text, separator) for text in model.repeated[column.place]]
                found[column.place] = name_lanes(form, codes[column.place], repeated, rng)
        return found

    def _pieces(self) -> list[Piece]:
        """What writes the columns from left to right."""
        pieces: list[Piece | _Categories] = []
        for number, column in enumerate(self.columns):
            after = "\n" if number == len(self.columns) - 1 else self.model.form.separator
            made = self._categories(column, after) or self._piece(column, after)
            last = pieces[-1] if pieces else None
            both = last.joined(made) if isinstance(last, _Categories) and isinstance(made, _Categories) else None
            pieces[len(pieces) - (both is not None) :] = [both or made]
        return [each.piece() if isinstance(each, _Categories) else each for each in pieces]

    def _categories(self, column: Written, after: str) -> _Categories | None:
        kind = self.model.kinds[column.place] if column.role == "value" else None
        if not isinstance(kind, Words):
            return None
        texts = tuple(quoted(word, self.model.form.separator) + after for word in kind.words)
        return _Categories((column.place,), (len(texts),), texts)

    def _piece(self, column: Written, after: str) -> Piece:
        place = column.place
        if column.role == "counter":
            counted = number_piece(Number(0, 1, 0, 0, 10**15, "", ()), after)
            return lambda rows: counted(np.arange(rows.first, rows.first + rows.codes.shape[1]))
        if column.role == "span":
            assert column.number is not None  # noqa: S101  fit gives one
            lasting = number_piece(column.number, after)
            return lambda rows: lasting(_span(column, rows.moments))
        if column.role == "clock":
            return lambda rows: clock_lanes(self._local(column, rows.moments[place]), column.pattern, after)
        kind = self.model.kinds[place]
        if isinstance(kind, Number):
            number = number_piece(kind, after)
            return lambda rows: number(rows.codes[place])
        end = table([after])[0, 0]
        return lambda rows: [*rows.names[place], np.full(rows.codes.shape[1], end)]

    def _local(self, column: Written, at: Ints) -> Ints:
        return np.where(at == MISSING, MISSING, local(at, self.model.moments[column.place].zone))


def _span(column: Written, moments: Sequence[Ints]) -> Ints:
    """Codes of the time between two moments; GONE where one is missing."""
    assert column.number is not None  # noqa: S101  fit gives one
    late, early = moments[column.place], moments[column.other]
    missing = (late == MISSING) | (early == MISSING)
    units = (late - early) * 10**column.number.places // 1000
    return np.where(missing, GONE, np.maximum(0, units - column.number.origin) // column.number.step)


def _chosen(model: LearnedModel, columns: Sequence[str] | None) -> tuple[Written, ...]:
    if columns is None:
        return model.form.columns
    known = {column.name: column for column in model.form.columns}
    for name in columns:
        if name not in known:
            raise DefinitionError(f"the model has no column {name!r}{nearest(name, known)}")
    return tuple(known[name] for name in columns)
