"""Derived fields, for all rows at once. Kinds that work on what does not repeat have a way of their own here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import reduce
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mediation.columns.conditions import holds
from mediation.columns.frame import Frame
from mediation.columns.values import Mask, Merged, Moment, Real, Value, Whole
from mediation.enrich import expressions
from mediation.layout import Derived
from mediation.times import EARLIEST, LATEST

_MOST_SUMMED = 9  # numbers of 18 digits whose sum surely fits a long
_FAR_MS = 2**53  # a span beyond it is outside the times that are stored
_BOUNDS = [np.datetime64(bound[:-1], "ms").astype(np.int64) for bound in (EARLIEST, LATEST)]


def derive(frame: Frame, derived: Derived, functions: Mapping[str, Any]) -> None:
    """Sets `derived.field` where nothing else has filled it and its conditions hold; marks rows that must not be."""
    sources = [frame.fields[name] for name in derived.sources]
    existing = frame.fields.get(derived.field)
    wanted = _wanted(frame, derived, sources)
    if existing is not None:
        wanted = ~frame.present(existing) & (True if wanted is None else wanted)
        if not wanted.any():
            return
    value = _value(frame, derived, sources, wanted, functions)
    if value.mask is None and wanted is None:
        frame.fields[derived.field] = value
    elif existing is None:
        frame.fields[derived.field] = value if wanted is None else value.restricted(wanted)
    else:
        frame.fields[derived.field] = Merged(_and(wanted, value.mask), value, existing)


def _and(mask: Mask | None, other: Mask | None) -> Any:
    return mask if other is None else other if mask is None else mask & other


def _wanted(frame: Frame, derived: Derived, sources: list[Value]) -> Mask | None:
    """Rows in which the field is derived, as far as more than its sources decides it; None: all."""
    wanted = None
    if derived.only:
        wanted = frame.service.spread([name in derived.only for name in frame.service.values], bool)
    if derived.when:
        wanted = _and(wanted, holds(frame, derived.when))
    return wanted


def _value(
    frame: Frame, derived: Derived, sources: list[Value], wanted: Mask | None, functions: Mapping[str, Any]
) -> Value:
    kind = derived.kind
    if kind == "copy":
        return sources[0]
    if kind == "value":
        return frame.constant(derived.otherwise)
    if kind == "seconds_between":
        return _seconds(frame, *sources)
    if kind in ("time_plus", "time_minus"):
        return _shifted(frame, *sources, wanted=wanted, sign=-1 if kind == "time_minus" else 1)
    if kind in _WHOLE and len(sources) <= _MOST_SUMMED and all(isinstance(source, Whole) for source in sources):
        both = _where_all(frame, sources)
        return _WHOLE[kind]([source.numbers() for source in sources], both)
    return frame.applied(_function(derived, functions), sources)


def _where_all(frame: Frame, sources: list[Value]) -> Mask | None:
    return reduce(_and, (source.mask for source in sources))


def _seconds(frame: Frame, start: Value, end: Value) -> Real:
    millis = end.numbers() - start.numbers()
    mask = _and(_where_all(frame, [start, end]), millis >= 0)
    millis = np.where(mask, millis, 0)
    return Real(millis / 1000, mask if not mask.all() else None, millis)


def _shifted(frame: Frame, start: Value, seconds: Value, *, wanted: Mask | None, sign: int) -> Moment:
    """To the nearest millisecond, halves up: the same steps as `mediation.times.plus_seconds`."""
    mask = _where_all(frame, [start, seconds])
    span = np.floor(sign * seconds.numbers() * 1000 + 0.5)
    far = np.abs(span) > _FAR_MS
    moments = start.numbers() + np.where(far, 0, span).astype(np.int64)
    outside = far | (moments < _BOUNDS[0]) | (moments > _BOUNDS[1])
    frame.mark(outside & _and(np.ones(frame.rows, bool), _and(mask, wanted)))
    moments = np.where(outside, 0, moments)
    texts = np.datetime_as_string(moments.astype("datetime64[ms]"), unit="ms")
    words = pc.binary_join_element_wise(pa.array(texts), "Z", "")
    return Moment(words, None).restricted(mask) if mask is not None else Moment(words, None)


def _difference(numbers: list[Any], mask: Mask | None) -> Whole:
    return Whole(np.maximum(numbers[0] - numbers[1], 0), mask)


def _sum(numbers: list[Any], mask: Mask | None) -> Whole:
    return Whole(reduce(np.add, numbers), mask)


def _ratio(numbers: list[Any], mask: Mask | None) -> Real:
    """As `mediation.enrich.quality.share`."""
    part, whole = numbers
    valid = _and((part >= 0) & (whole > 0) & (part <= whole), mask)
    return Real(np.where(valid, part, 0) / np.where(valid, whole, 1), None if valid.all() else valid)


_WHOLE: Mapping[str, Callable[[list[Any], Mask | None], Value]] = {
    "difference": _difference,
    "sum": _sum,
    "ratio": _ratio,
}


def _function(derived: Derived, functions: Mapping[str, Any]) -> Callable[..., Any]:
    """The kind as a function of its sources' values, of which any may be None."""
    kind = derived.kind
    if kind in expressions.RELEASE:
        return _release(derived, functions[kind])
    plain: Callable[..., Any] = {
        "map": lambda word: dict(derived.values or {}).get(word, derived.otherwise),
        "join": lambda *words: "-".join(words),
        "difference": lambda a, b: a - b if a > b else 0,
        "sum": lambda *numbers: reduce(lambda a, b: a + b, numbers),
        "ratio": functions["ratio"],
        "mos_of_r_factor": functions["mos_of_r_factor"],
    }[kind]
    return lambda *values: None if None in values else plain(*values)


def _release(derived: Derived, names: Any) -> Callable[..., Any]:
    """Either code may be absent, not both."""
    roles = derived.values or {}
    places = [derived.sources.index(str(roles[role])) if role in roles else -1 for role in ("q850", "sip")]

    def found(*codes: Any) -> Any:
        q850, sip = (None if place < 0 else codes[place] for place in places)
        return None if q850 is None and sip is None else names[q850, sip]

    return found
