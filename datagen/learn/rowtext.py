"""Rows as bytes without a Python object per cell: a cell is a fixed width of bytes, padded with NULs that are taken out last.

A piece is a table `k × lanes` of 64-bit words, eight bytes each; looking codes up in it fills the lanes of all rows at once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Literal

import numpy as np
import numpy.typing as npt

from datagen.learn.columns import GONE, Names, Number
from datagen.learn.identities import DIGIT, HEX, LOWER, UPPER
from datagen.table import MISSING, Ints

Lanes = npt.NDArray[np.uint64]
Octets = npt.NDArray[np.uint8]
Codes = npt.NDArray[np.signedinteger]
LOOKED_UP = 1 << 17  # values of a column that are formatted once and looked up
TILE = 1 << 12  # rows at once within a block: what they need stays in the processor's cache
_DAY_MS = 86_400_000


def tiles(rows: int) -> Iterator[slice]:
    return (slice(first, min(first + TILE, rows)) for first in range(0, rows, TILE))


def table(texts: Sequence[str]) -> Lanes:
    """Texts as lanes, `len(texts) × lanes`."""
    encoded = [text.encode() for text in texts]
    return np.array(encoded, dtype=f"S{8 * width(texts)}").view(np.uint64).reshape(len(encoded), -1)


def width(texts: Sequence[str]) -> int:
    """Lanes that the longest of the texts takes."""
    return max(1, -(-max((len(text.encode()) for text in texts), default=0) // 8))


def joined(lanes: Sequence[Lanes]) -> bytes:
    """All rows one after the other, without the padding. `lanes`: from left to right."""
    rows = np.empty((lanes[0].size, len(lanes)), np.uint64)
    for place, lane in enumerate(lanes):
        rows[:, place] = lane
    return rows.tobytes().translate(None, b"\0")


def quoted(text: str, separator: str) -> str:
    """A cell as CSV needs it (RFC 4180)."""
    if any(mark in text for mark in (separator, '"', "\n", "\r")):
        return '"' + text.replace('"', '""') + '"'
    return text


# Numbers


def number_text(kind: Number, code: int) -> str:
    if code == GONE:
        return kind.nothing
    value = kind.origin + code * kind.step
    whole, part = divmod(abs(value), 10**kind.places)
    decimals = f"{part:0{kind.places}d}" if kind.places else ""
    while len(decimals) > kind.least and decimals.endswith("0"):
        decimals = decimals[:-1]
    return f"{kind.before}{'-' if value < 0 else ''}{whole}{'.' if decimals else ''}{decimals}"


def number_piece(kind: Number, after: str) -> Callable[[Codes], list[Lanes]]:
    """A function codes → lanes, each an array with a value a row."""
    if kind.top < LOOKED_UP:
        return looker(table([*(number_text(kind, code) + after for code in range(kind.top + 1)), kind.nothing + after]))
    if kind.origin < 0 or kind.before:
        return lambda codes: _columns(table([number_text(kind, code) + after for code in codes.tolist()]))
    return lambda codes: _long(kind, codes, after)


def look_up(words: Lanes, codes: Codes) -> list[Lanes]:
    """Rows of `words`; -1 is the last one."""
    return looker(words)(codes)


def looker(words: Lanes) -> Callable[[Codes], list[Lanes]]:
    """A function codes → lanes, as `look_up`, for many calls."""
    columns = _columns(words)

    def lanes(codes: Codes) -> list[Lanes]:
        places = codes.astype(np.intp)
        return [column.take(places) for column in columns]

    return lanes


def _columns(words: Lanes) -> list[Lanes]:
    return [np.ascontiguousarray(words[:, lane]) for lane in range(words.shape[1])]


def _long(kind: Number, codes: Codes, after: str) -> list[Lanes]:
    gone = codes == GONE
    values = np.where(gone, 0, kind.origin + codes.astype(np.int64) * kind.step)
    whole, part = np.divmod(values, 10**kind.places)
    lanes: list[Lanes] = []
    above = np.zeros(values.size, bool)
    groups = (len(f"{(kind.origin + kind.top * kind.step) // 10**kind.places}") + 3) // 4
    for group in reversed(range(groups)):
        four = whole // 10 ** (4 * group) % 10_000
        lanes.append(np.where(above, _four("full")[four], _four("last" if group == 0 else "lead")[four]))
        above |= four > 0
    lanes += [_decimals(kind.places, kind.least, after)[part]]
    if gone.any():
        for lane in lanes:
            lane[gone] = 0
        lanes[-1][gone] = table([kind.nothing + after])[0, 0] if len(kind.nothing + after) <= 8 else 0
    return lanes


@lru_cache(maxsize=3)
def _four(place: Literal["full", "lead", "last"]) -> Lanes:
    """Four digits of a number; without leading zeros where nothing stands above; the last four of 0 are one 0."""
    texts = [f"{value:04d}" if place == "full" else str(value) for value in range(10_000)]
    return table(["" if place == "lead" else texts[0], *texts[1:]])[:, 0]


@lru_cache(maxsize=8)
def _decimals(places: int, least: int, after: str) -> Lanes:
    texts = []
    for value in range(10**places):
        digits = f"{value:0{places}d}" if places else ""
        digits = digits[:least] + digits[least:].rstrip("0")
        texts.append(("." + digits if digits else "") + after)
    return table(texts)[:, 0]


# Identifiers

_ALPHABETS = {
    DIGIT: np.frombuffer(b"0123456789", np.uint8),
    HEX: np.frombuffer(b"0123456789abcdef", np.uint8),
    LOWER: np.frombuffer(b"abcdefghijklmnopqrstuvwxyz", np.uint8),
    UPPER: np.frombuffer(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ", np.uint8),
}


def made_up(kind: Names, rng: np.random.Generator, size: int) -> Octets:
    """`size` new identifiers, `size × width` octets padded with NULs."""
    widths = [len(form.encode()) for form in kind.masks]
    out = np.zeros((size, max(widths, default=1)), np.uint8)
    form_of = np.searchsorted(np.cumsum(kind.shares)[:-1], rng.random(size), side="right")
    for place, form in enumerate(kind.masks):
        rows = np.flatnonzero(form_of == place)
        at = 0
        for character in form:
            letters = _ALPHABETS.get(character)
            if letters is None:
                literal = np.frombuffer(character.encode(), np.uint8)
                out[rows, at : at + literal.size] = literal
                at += literal.size
            else:
                out[rows, at] = letters[rng.integers(0, letters.size, rows.size)]
                at += 1
    return out


def name_lanes(kind: Names, codes: Codes, repeated: Sequence[str], rng: np.random.Generator) -> list[Lanes]:
    """Identifiers, each a text without what follows it: `repeated` are those of codes below `known`; others are made now."""
    fresh = np.flatnonzero(codes == kind.known)
    new = made_up(kind, rng, fresh.size)
    old = table([*repeated, "", ""])  # the place of `known` itself, and GONE
    octets = -(-max(new.shape[1], old.shape[1] * 8) // 8) * 8
    words = np.zeros((codes.size, octets), np.uint8)
    words[:, : old.shape[1] * 8] = old[codes].view(np.uint8)
    words[fresh, : new.shape[1]] = new
    lanes = words.view(np.uint64)
    return _columns(lanes)


# Times

_TOKEN = re.compile(r"'([^']*)'|([A-Za-z])\2*|[^A-Za-z']+")
_LETTERS = {
    "yyyy": "%Y",
    "MM": "%m",
    "dd": "%d",
    "HH": "%H",
    "mm": "%M",
    "ss": "%S",
    "M": "%-m",
    "d": "%-d",
    "H": "%-H",
}
_OF_DAY = {"yyyy", "MM", "dd", "M", "d"}


def clock_lanes(times: Ints, pattern: str, after: str) -> list[Lanes]:
    """Wall clock times (ms, as if UTC; MISSING: an empty cell) by a pattern of Logstash's date filter."""
    if pattern in ("UNIX", "UNIX_MS", "UNIX_US"):
        return _epoch(times, pattern, after)
    day, second, milli = times // _DAY_MS, times % _DAY_MS // 1000, times % 1000
    lanes: list[Lanes] = []
    for kind, form in _runs(pattern):
        if kind == "day":
            distinct, place = np.unique(day, return_inverse=True)
            words = [datetime.fromtimestamp(max(each, 0) * 86_400, UTC).strftime(form) for each in distinct.tolist()]
            lanes += look_up(table(words), place)
        elif kind == "second":
            lanes += look_up(_seconds(form), second)
        else:
            lanes += look_up(_millis(), milli)
    missing = times == MISSING
    if missing.any():
        for lane in lanes:
            lane[missing] = 0
    return [*lanes, np.full(times.size, table([after])[0, 0])]


def _epoch(times: Ints, pattern: str, after: str) -> list[Lanes]:
    units = {"UNIX": times // 1000, "UNIX_MS": times, "UNIX_US": times * 1000}[pattern]
    kind = Number(0, 1, 0, 0, 10**16, "", ())
    return _long(kind, np.where(times == MISSING, GONE, units), after)


def _runs(pattern: str) -> list[tuple[str, str]]:
    """Parts of a pattern that hang on the day, the second of the day, or the millisecond; words go with what is before."""
    runs: list[tuple[str, str]] = []
    for token in _TOKEN.finditer(pattern):
        text = token[0]
        if text == "SSS":
            runs.append(("milli", ""))
            continue
        kind = "day" if text in _OF_DAY else "second" if text in _LETTERS else runs[-1][0] if runs else "day"
        form = _LETTERS.get(text, (token[1] if token[1] is not None else text).replace("%", "%%"))
        kind = "second" if kind == "milli" else kind  # a milli second's own run is its digits alone
        if runs and runs[-1][0] == kind:
            runs[-1] = (kind, runs[-1][1] + form)
        else:
            runs.append((kind, form))
    return runs


@lru_cache(maxsize=8)
def _seconds(form: str) -> Lanes:
    return table([datetime.fromtimestamp(second, UTC).strftime(form) for second in range(86_400)])


@lru_cache(maxsize=1)
def _millis() -> Lanes:
    return table([f"{milli:03d}" for milli in range(1000)])
