"""Records of a learned model as CSV lines."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

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
    look_up,
    name_lanes,
    number_piece,
    quoted,
    table,
)
from datagen.streams import Stream
from datagen.table import MISSING, Ints

_WEEK_MS = 7 * 86_400_000
Piece = Callable[[Codes], list[Lanes]]


class Writer:
    """Prepared once, used for every block of rows. `columns`: names of the columns to write; all unless given."""

    def __init__(self, model: LearnedModel, columns: Sequence[str] | None = None) -> None:
        self.model = model
        self.columns = _chosen(model, columns)
        last = len(self.columns) - 1
        self.after = ["\n" if place == last else model.form.separator for place in range(last + 1)]
        separator = model.form.separator
        self.forms = {
            place: replace(kind, masks=tuple(quoted(form, separator) for form in kind.masks))
            for place, kind in enumerate(model.kinds)
            if isinstance(kind, Names)
        }
        self.repeated = {
            place: tuple(quoted(text, separator) for text in texts) for place, texts in model.repeated.items()
        }
        self.pieces = [self._piece(column, after) for column, after in zip(self.columns, self.after, strict=True)]

    @property
    def header(self) -> bytes:
        """Lines above the records."""
        names = [column.name for column in self.columns]
        if names == [column.name for column in self.model.form.columns]:
            return "".join(f"{line}\n" for line in self.model.form.preamble).encode()
        return (self.model.form.separator.join(names) + "\n").encode()

    def block(self, rng: Stream, first: int, n: int) -> bytes:
        """`n` records numbered from `first`, at times like the sample's own."""
        model = self.model
        if not any(column.role in ("clock", "span") for column in self.columns):
            return self.text(model.codes(rng, n), None, first, rng)
        times = model.start + np.sort(rng.integers(0, _WEEK_MS, n))
        codes = model.codes(rng, n, hours_of_week(times, model.moments[0].zone) if len(model.hourly) else None)
        return self.text(codes, times, first, rng)

    def text(self, codes: Codes, times: Ints | None, first: int, rng: Stream) -> bytes:
        """`times`: when each record belongs, ms since 1970 UTC; not needed where no column is a time."""
        lanes: list[Lanes] = []
        moments = self.model.times(codes, times) if times is not None and self.model.moments else []
        for column, piece, after in zip(self.columns, self.pieces, self.after, strict=True):
            if column.role == "value":
                lanes += self._value(column, piece, codes[column.place], rng, after)
            elif column.role == "counter":
                lanes += piece(np.arange(first, first + codes.shape[1]))
            elif column.role == "clock":
                zone = self.model.moments[column.place].zone
                at = moments[column.place]
                lanes += clock_lanes(np.where(at == MISSING, MISSING, local(at, zone)), column.pattern, after)
            else:
                lanes += piece(_span(column, moments))
        rows = np.empty((codes.shape[1], len(lanes)), np.uint64)
        for place, lane in enumerate(lanes):
            rows[:, place] = lane
        return joined(rows)

    def _value(self, column: Written, piece: Piece, codes: Codes, rng: Stream, after: str) -> list[Lanes]:
        kind = self.model.kinds[column.place]
        if isinstance(kind, Names):
            return name_lanes(self.forms[column.place], codes, self.repeated[column.place], rng, after)
        return piece(codes)

    def _piece(self, column: Written, after: str) -> Piece:
        if column.role == "counter":
            return number_piece(Number(0, 1, 0, 0, 10**15, "", ()), after)
        if column.role == "span":
            assert column.number is not None  # noqa: S101  fit gives one
            return number_piece(column.number, after)
        kind = self.model.kinds[column.place] if column.role == "value" else None
        if isinstance(kind, Words):
            words = table([quoted(word, self.model.form.separator) + after for word in kind.words])
            return lambda codes: look_up(words, codes)
        if isinstance(kind, Number):
            return number_piece(kind, after)
        return lambda codes: []


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
