"""Times of a layout, for all rows at once: those written as they are stored are taken as they are, the others read one by one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mediation.columns.frame import Frame
from mediation.columns.values import Arrow, Mask, Moment, dictionary, packed, where
from mediation.layout import TimeField
from mediation.times import EARLIEST, ISO8601, STORED_PATTERN
from mediation.values import Refusal

_STORED = f"^(?:{STORED_PATTERN})$"
_LOWEST, _HIGHEST = (
    np.frombuffer(bound, np.uint8) for bound in (b"1000-00-00T00:00:00.000Z", b"2999-19-39T29:59:59.999Z")
)


def moments(frame: Frame, time: TimeField, cells: Sequence[Arrow], read: Mapping[str, str]) -> Moment:
    """`read`: text of the cells, with a blank between them → stored form; it refuses what is no time."""
    empty = [pc.equal(column, "").to_numpy(zero_copy_only=False) for column in cells]
    absent, some = np.logical_and.reduce(empty), np.logical_or.reduce(empty)
    frame.mark(some if time.required or time.paced_by else some & ~absent)
    words = cells[0] if len(cells) == 1 else pc.binary_join_element_wise(*cells, " ")
    there = ~absent
    stored = _stored(words) if time.formats[:1] == (ISO8601,) else np.zeros(frame.rows, bool)
    others = np.flatnonzero(there & ~stored & ~frame.odd)
    if others.size or not (stored | absent).all():
        words = _read(frame, words, stored, others, read)
    there = there & (stored | ~frame.odd)
    filled = pc.if_else(pa.array(~there & ~absent), EARLIEST, words)  # any time: the row is not taken
    return Moment(filled, None) if not absent.any() else Moment(where(~absent, filled), ~absent)


def _stored(words: Arrow) -> Mask:
    """Rows whose time stands there as it is stored, on a day that there is."""
    fits = _fits(words)
    space, days = dictionary(pc.utf8_slice_codeunits(words, 0, 10))
    real = np.fromiter((_is_day(day) for day in days), bool, len(days))
    mask: Mask = fits & real[space.indices]
    return mask


def _fits(words: Arrow) -> Mask:
    """Rows with the characters of a stored time, whose day is not looked at."""
    lengths = pc.binary_length(words).to_numpy()
    long: Mask = lengths == len(_LOWEST)
    if not (long | (lengths == 0)).all():
        fits: Mask = pc.match_substring_regex(words, _STORED).to_numpy(zero_copy_only=False)
        return fits
    octets = np.frombuffer(packed(words), np.uint8).reshape(-1, len(_LOWEST))
    good = ((octets >= _LOWEST) & (octets <= _HIGHEST)).all(axis=1)
    last = octets[:, 0] == ord("1")  # 1970 to 1999, else 2000 to 2099
    good &= np.where(last, (octets[:, 1] == ord("9")) & (octets[:, 2] >= ord("7")), octets[:, 1] == ord("0"))
    good &= (octets[:, 11] < ord("2")) | (octets[:, 12] < ord("4"))
    long[long] = good
    return long


def _is_day(text: str) -> bool:
    try:
        np.datetime64(text, "D")
    except ValueError:
        return False
    return True


def _read(frame: Frame, words: Arrow, stored: Mask, others: Any, read: Mapping[str, str]) -> Arrow:
    """`words` with the times of the rows `others` in stored form; marks rows that have none."""
    chosen = words.take(pa.array(others))
    space, texts = dictionary(chosen)
    times = [_tried(read, text) for text in texts]
    refused = np.fromiter((time == "" for time in times), bool, len(times))[space.indices]
    frame.odd[others[refused]] = True
    result = np.full(frame.rows, EARLIEST, object)
    kept = np.flatnonzero(stored)
    result[kept] = np.array(words.take(pa.array(kept)).to_pylist(), object)
    result[others] = np.array([time or EARLIEST for time in times], object)[space.indices]
    return pa.array(result, pa.string())


def _tried(read: Mapping[str, str], text: str) -> str:
    try:
        return read[text]
    except (Refusal, ValueError):
        return ""
