"""Two sides side by side: which columns are compared, as what, and which are left out and why."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from contracts.errors import UserError
from datagen.fidelity.reading import Side
from mediation.layout import Column

Values = npt.NDArray[Any]
Kind = Literal["number", "category"]

# Whole numbers that are words: nothing lies between two of them, so they are compared as categories.
CODES = frozenset(
    ("voip.release.q850", "voip.release.sip", "sms.error_code", "epc.qci", "calling_cause", "called_cause")
)
IDENTIFIERS = frozenset(
    (
        "voip.call_id",
        "voip.calling.id",
        "voip.called.id",
        "voip.leg.id",
        "sms.message_id",
        "epc.charging_id",
        "cdr.sequence",
    )
)
DISPOSITION, ANSWERED = "voip.disposition", "answered"
RECORD_NUMBER = "cdr.record"
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")
_WHOLE = re.compile(r"(-?[0-9]+)\.0+")
_FEW = 10  # a plain CSV: whole numbers of at most so many values, each ten times on average, are codes
_ENOUGH = 20  # rows from which on nearly unique words are told from words that are merely rare
_UNIQUE = 0.5  # different values a row from which on words are identifiers


@dataclass(frozen=True, slots=True)
class Compared:
    """A column of both sides. number: float64, NaN where missing; category: int64 codes into `words`, -1 where missing.

    `odd`: texts of the synthetic side that are no number where the real one has numbers.
    """

    name: str
    kind: Kind
    real: Values
    synthetic: Values
    words: tuple[str, ...] = ()
    odd: int = 0

    def missing(self, values: Values) -> Values:
        return np.isnan(values) if self.kind == "number" else values < 0

    def take(self, real: Values, synthetic: Values) -> Compared:
        """The rows of two masks or index arrays."""
        return Compared(self.name, self.kind, self.real[real], self.synthetic[synthetic], self.words, self.odd)


@dataclass(slots=True)
class Tables:
    """What is compared. `left_out`: column → why. `used`: which rows novelty is about, with a mask for each side."""

    columns: list[Compared] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)
    used: str = "all rows"
    real_used: Values = field(default_factory=lambda: np.ones(0, np.bool_))
    synthetic_used: Values = field(default_factory=lambda: np.ones(0, np.bool_))


def side_by_side(real: Side, synthetic: Side) -> Tables:
    """Columns of both, paired by name or else by the field that both layouts put them in. Raises UserError when none is left."""
    ours, theirs = _columns(real), _columns(synthetic)
    if not ours or not theirs:  # a plain CSV: what its columns are is what the other side's layout says of their names
        ours, theirs = ours | theirs, theirs | ours
    pairs = _pairs(real, synthetic, ours, theirs)
    tables = Tables()
    for name in real.columns:
        other = pairs.get(name)
        if other is None:
            tables.left_out[name] = _alone(ours.get(name), "REAL")
            continue
        why = _left_out(name, ours.get(name), real, other, theirs.get(other), synthetic)
        if why:
            tables.left_out[name] = why
        else:
            tables.columns.append(_compared(name, ours.get(name), real, other, theirs.get(other), synthetic))
    for name in synthetic.columns:
        if name not in pairs.values():
            tables.left_out.setdefault(name, _alone(theirs.get(name), "SYNTHETIC"))
    if not tables.columns:
        raise UserError(_nothing(real, synthetic, tables), remedy="compare records of the same or a sibling layout")
    _rows_used(tables, real, ours, synthetic, theirs)
    return tables


def _columns(side: Side) -> dict[str, Column]:
    return {column.raw: column for layout in side.layouts.values() for column in layout.columns}


def _pairs(real: Side, synthetic: Side, ours: Mapping[str, Column], theirs: Mapping[str, Column]) -> dict[str, str]:
    pairs = {name: name for name in real.columns if name in synthetic.columns}
    free = {
        column.field: name
        for name, column in theirs.items()
        if column.field and name in synthetic.columns and name not in pairs
    }
    for name in real.columns:
        if name not in pairs and name in ours and ours[name].field in free:
            pairs[name] = free[ours[name].field]
    return pairs


def _nothing(real: Side, synthetic: Side, tables: Tables) -> str:
    alone = all(why.startswith("only in") for why in tables.left_out.values())
    if not (set(real.columns) & set(synthetic.columns)) or alone:
        names = [", ".join(repr(name) for name in list(side.columns)[:6]) for side in (real, synthetic)]
        return f"REAL and SYNTHETIC have no column in common: {names[0]} … and {names[1]} …"
    return "no column is left to compare: " + "; ".join(f"{name!r} {why}" for name, why in tables.left_out.items())


# Why a column is left out


def _alone(column: Column | None, side: str) -> str:
    return f"only in {side}" + (f": {_identity(column)}" if column is not None and _identity(column) else "")


def _identity(column: Column) -> str:
    if column.pii != "keep":
        return "a party or subscriber"
    if column.field == RECORD_NUMBER:
        return "record number"
    return "identifier" if column.field in IDENTIFIERS else ""


def _times(side: Side) -> set[str]:
    return {raw for layout in side.layouts.values() for time in layout.times for raw in time.columns}


def _left_out(name: str, ours: Column | None, real: Side, other: str, theirs: Column | None, synthetic: Side) -> str:
    if name in _times(real) or other in _times(synthetic):
        return "time, judged by its own measures"
    for column in (ours, theirs):
        if column is not None and _identity(column):
            return _identity(column)
    texts, others = [text for text in real.columns[name] if text], [text for text in synthetic.columns[other] if text]
    if not texts:
        return "missing in every row of REAL"
    if not others:
        return "missing in every row of SYNTHETIC"
    numbers = _is_number(ours, texts)
    return _by_values(texts, others, numbers, described=ours is not None)


def _by_values(texts: Sequence[str], others: Sequence[str], numbers: bool, *, described: bool) -> str:
    different = len(set(texts))
    if different == 1 and set(others) == set(texts):
        return f"constant: {texts[0]!r} in both"
    if not described and different == len(texts) >= _ENOUGH and _is_time(texts):
        return "time, judged by its own measures"
    if numbers:
        return "" if described or not _runs(texts) else "record number: it counts the rows"
    if len(texts) >= _ENOUGH and different > _UNIQUE * len(texts):
        return f"identifier: {different:,} different values in {len(texts):,} rows"
    return ""


def _is_time(texts: Sequence[str]) -> bool:
    return all(re.match(r"\d{4}-\d{2}-\d{2}[T ]\d", text) for text in texts[:_ENOUGH])


def _runs(texts: Sequence[str]) -> bool:
    """Whether whole numbers grow from row to row, mostly by one: a record number, with gaps perhaps."""
    if len(texts) < _ENOUGH or not all(re.fullmatch(r"[0-9]{1,18}", text) for text in texts):
        return False
    steps = np.diff(np.array(texts, dtype=np.int64))
    return bool((steps == 1).mean() > 0.5)


# As what a column is compared


def _is_number(column: Column | None, texts: Sequence[str]) -> bool:
    if column is not None:
        return column.type != "keyword" and column.field not in CODES
    if not all(_NUMBER.fullmatch(text) for text in texts):
        return False
    whole = all(re.fullmatch(r"-?[0-9]+(?:\.0+)?", text) for text in texts)
    different = len(set(texts))
    return not (whole and different <= min(_FEW, len(texts) / _FEW))


def _compared(
    name: str, ours: Column | None, real: Side, other: str, theirs: Column | None, synthetic: Side
) -> Compared:
    texts, others = real.columns[name], synthetic.columns[other]
    if _is_number(ours, [text for text in texts if text]):
        scales = [column.divide_by if column is not None else 1 for column in (ours, theirs)]
        if scales[0] == scales[1]:
            scales = [1, 1]  # as they stand: a division can move a number over the edge of a bin
        numbers, _ = _numbers(texts, scales[0])
        synthesized, odd = _numbers(others, scales[1])
        return Compared(name, "number", numbers, synthesized, (), odd)
    words, mine = _words(texts, ours), _words(others, theirs)
    known = {word: code for code, word in enumerate(sorted({*words, *mine} - {""}))}
    known[""] = -1
    codes = [np.fromiter((known[word] for word in column), np.int64, len(column)) for column in (words, mine)]
    return Compared(name, "category", codes[0], codes[1], tuple(word for word in known if word))


def _numbers(texts: Sequence[str], scale: int) -> tuple[Values, int]:
    """Values, divided by `scale`, NaN for none, and how many texts are no number."""
    known: dict[str, float] = {"": np.nan}
    for text in set(texts):
        if _NUMBER.fullmatch(text):
            known[text] = float(text) / scale
    values = np.fromiter((known.get(text, np.nan) for text in texts), np.float64, len(texts))
    values[np.isinf(values)] = np.nan
    return values, sum(text not in known for text in texts)


def _words(texts: Sequence[str], column: Column | None) -> list[str]:
    """Words as they are stored: a layout's own for the file's, `17` for `17.0`."""
    theirs = column.values if column is not None and column.values is not None else {}
    known = {text: theirs.get(text, text) for text in set(texts)}
    if column is not None and column.type != "keyword":
        known |= {text: match[1] for text in known if (match := _WHOLE.fullmatch(text))}
    return [known[text] for text in texts]


# Which rows novelty is about


def _rows_used(
    tables: Tables, real: Side, ours: Mapping[str, Column], synthetic: Side, theirs: Mapping[str, Column]
) -> None:
    tables.real_used, tables.synthetic_used = np.ones(real.kept, np.bool_), np.ones(synthetic.kept, np.bool_)
    masks = [_answered(side, columns) for side, columns in ((real, ours), (synthetic, theirs))]
    if masks[0] is not None and masks[1] is not None and masks[0].any():
        tables.used = "answered calls"
        tables.real_used, tables.synthetic_used = masks[0], masks[1]


def _answered(side: Side, columns: Mapping[str, Column]) -> Values | None:
    for name, column in columns.items():
        if column.field == DISPOSITION and name in side.columns:
            return np.array([word == ANSWERED for word in _words(side.columns[name], column)], np.bool_)
    return None
