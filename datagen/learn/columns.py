"""What each column of a sample is: words, numbers on a lattice, identifiers, a running number, or part of a time."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import reduce
from math import gcd
from typing import Literal

import numpy as np
import numpy.typing as npt

from datagen.learn.identities import identities
from datagen.table import Flags, Ints

NEAR = 0.02  # numbers that differ by less than this share of themselves say nearly the same
GONE = -1  # code of a number that is not there
_NUMBER = re.compile(r"(-?)(0|[1-9]\d{0,11})(?:\.(\d{1,6}))?")
_NAMED = re.compile(r"[A-Za-z_]+[=:](?=-?\d)")
_WORDS_FOR_NOTHING = ("", "-", "NULL", "null", "None", "NaN", "nan", "N/A", "NA", r"\N")
_SPIKE_PART, _SPIKE_ROWS = 0.05, 3
_FEW = 20  # different whole numbers: codes such as causes, where each occurs _OFTEN times on average
_OFTEN = 5
_CODES = re.compile(r"(q850|sip|cause|qci|code|cause_for_closing|version|record|sequence)$")
_LONG = 10**10


@dataclass(frozen=True, slots=True)
class Words:
    """A category. Codes are places in `words`; an empty cell is a word too."""

    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Number:
    """Code k ≥ 0 is the value (origin + k·step)·10^-places; GONE is written `nothing`. `top`: the highest code of the sample.

    `before`: text before every number. `least`: decimals that are always written; beyond them, zeros at the end are not.
    `spikes`: codes that many rows have, zero among them if it occurs: between a spike and its neighbour there is nothing.
    """

    origin: int
    step: int
    places: int
    least: int
    top: int
    nothing: str
    spikes: tuple[int, ...]
    before: str = ""


@dataclass(frozen=True, slots=True)
class Names:
    """Identifiers: codes below `known` are made-up names of parties that occur again and again, GONE an empty cell.

    `known` itself stands for a party that is seen once. No name of the sample is kept; `masks` are their forms, DIGIT, HEX,
    LOWER and UPPER for characters that are made new, with the share of each.
    """

    known: int
    masks: tuple[str, ...]
    shares: tuple[float, ...]


Kind = Words | Number | Names


@dataclass(frozen=True, slots=True)
class Variable:
    """A column of the sample as codes, one a row."""

    name: str
    kind: Kind
    codes: Ints


def is_counter(cells: Sequence[str]) -> bool:
    """Whether the cells are whole numbers that go up by one, but for a few rows that are missing or begin again."""
    if len(cells) < 2 or not all(cell.isdecimal() and len(cell) < 16 for cell in cells):
        return False
    steps = np.diff(np.array(cells, dtype=np.int64))
    return bool(np.mean(steps == 1) >= 0.9 or (np.all(steps > 0) and np.median(steps) == 1))


Hint = Literal["", "code", "word", "measure"]


def hinted(field: str, kind: str) -> Hint:
    """What a layout's column is, by its field and type: between two codes there is nothing, between two measures there is."""
    if not field:
        return ""
    return "word" if kind == "keyword" else "code" if _CODES.search(field) else "measure"


def variable(name: str, cells: Sequence[str], *, hint: Hint = "", personal: bool = False) -> Variable:
    """`hint`: what the layout says of the column; `personal`: the layout hides its values, or they are somebody's."""
    counts = Counter(cells)
    if len(counts) == 1 and not (personal and cells[0]):
        return _words(name, cells, counts)
    if personal:
        return _names(name, cells, personal=True)
    number = _number(cells, counts, hint)
    if number is not None:
        return Variable(name, *number)
    if hint != "code" and _is_identifier(counts, len(cells)):
        return _names(name, cells, personal=False)
    return _words(name, cells, counts)


def _names(name: str, cells: Sequence[str], *, personal: bool) -> Variable:
    masks, shares, repeated = identities(cells, personal=personal)
    place = {text: code for code, text in enumerate(repeated)}
    codes = np.array([place.get(cell, len(place)) if cell else GONE for cell in cells], np.int64)
    return Variable(name, Names(len(place), masks, shares), codes)


def _words(name: str, cells: Sequence[str], counts: Counter[str]) -> Variable:
    words = tuple(sorted(counts))
    place = {word: code for code, word in enumerate(words)}
    return Variable(name, Words(words), np.array([place[cell] for cell in cells], np.int64))


def _is_identifier(counts: Counter[str], rows: int) -> bool:
    """Nearly every row has a text of its own; or long digits, which are somebody's number."""
    full = [text for text in counts if text]
    filled = rows - counts.get("", 0)
    if not full:
        return False
    distinct = len(full) / filled
    numbers = sum(bool(re.fullmatch(r"\+?\d{8,20}", text)) for text in full) >= 0.9 * len(full)
    return (
        numbers
        or (len(full) >= 10 and distinct > 0.5)
        or (len(full) > 1 and distinct == 1 and filled < 10 and _coded(full))
    )


def _coded(texts: Sequence[str]) -> bool:
    return all(len(text) >= 8 and sum(map(str.isdigit, text)) >= 4 for text in texts)


# Numbers


def _number(cells: Sequence[str], counts: Counter[str], hint: Hint) -> tuple[Number, Ints] | None:
    if hint in ("word", "code"):
        return None
    nothings = [word for word in counts if word in _WORDS_FOR_NOTHING]
    texts = [text for text in counts if text not in nothings]
    named = _NAMED.match(texts[0]) if texts else None
    if named and all(text.startswith(named[0]) for text in texts):
        return _bare(cells, named[0], hint)
    found = {text: match for text in texts if (match := _NUMBER.fullmatch(text))}
    if not texts or len(found) < len(texts) or len(nothings) > 1 or "-0" in found:
        return None
    decimals = {len(match[3] or "") for match in found.values()}
    places, least = max(decimals), min(decimals)
    if len(decimals) > 1 and not _trimmed(found, least):
        return None
    units = {text: _units(match, places) for text, match in found.items()}
    if (not hint and _is_code(units, cells, places)) or max(map(abs, units.values())) > 10**15:
        return None
    return _lattice(units, cells, counts, places, least, nothings[0] if nothings else "")


def _bare(cells: Sequence[str], before: str, hint: Hint) -> tuple[Number, Ints] | None:
    """Numbers that all have the same name before them, such as `MLQK=4.2947`."""
    bare = [cell.removeprefix(before) for cell in cells]
    found = _number(bare, Counter(bare), hint)
    return None if found is None else (replace(found[0], before=before), found[1])


def _trimmed(found: dict[str, re.Match[str]], least: int) -> bool:
    """Whether decimals are as many as are needed: none ends in 0 but those that are always written."""
    return not any(len(match[3] or "") > least and (match[3] or "").endswith("0") for match in found.values())


def _units(match: re.Match[str], places: int) -> int:
    value = int(match[2] + (match[3] or "").ljust(places, "0"))
    return -value if match[1] else value


def _is_code(units: dict[str, int], cells: Sequence[str], places: int) -> bool:
    """Whole numbers that are names: between 16 and 31 there is no cause. Few that come again and again, or long ones."""
    long = sum(abs(value) > _LONG for value in units.values())
    return places == 0 and ((len(cells) >= _OFTEN * len(units) and len(units) <= _FEW) or long > 0.5 * len(units))


def _lattice(
    units: dict[str, int], cells: Sequence[str], counts: Counter[str], places: int, least: int, nothing: str
) -> tuple[Number, Ints]:
    values = sorted(set(units.values()))
    origin = values[0]
    step = reduce(gcd, (value - origin for value in values), 0) or 1
    often = max(_SPIKE_ROWS, _SPIKE_PART * len(cells))
    spikes = {value for text, value in units.items() if counts[text] >= often or value == 0}
    code = {text: (value - origin) // step for text, value in units.items()}
    codes = np.array([code.get(cell, GONE) for cell in cells], np.int64)
    placed = tuple(sorted((value - origin) // step for value in spikes))
    return Number(origin, step, places, least, (values[-1] - origin) // step, nothing, placed), codes


def spiked(kind: Number, codes: Ints) -> Flags:
    """Which codes are spikes or missing: values that are taken as they are."""
    return np.asarray(np.isin(codes, kind.spikes) | (codes == GONE))


def coarse(kind: Number, codes: npt.NDArray[np.signedinteger]) -> Ints:
    """Numbers so rounded that those within about NEAR of each other are mostly the same; GONE stays apart."""
    values = (kind.origin + codes.astype(np.int64) * kind.step).astype(np.float64)
    steps = np.rint(np.log(np.maximum(np.abs(values), 1)) / np.log1p(NEAR)).astype(np.int64) + 1
    rounded = np.where(values == 0, 0, np.where(values < 0, -steps - 1, steps))
    return np.where(codes == GONE, -1, rounded)


def is_zero(kind: Number, codes: npt.NDArray[np.int64]) -> Flags:
    return np.asarray((codes != GONE) & (kind.origin + codes * kind.step == 0))
