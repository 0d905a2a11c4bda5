"""What numbers do in an hour, of many generated records at once: the meaning of `kpis.numbers` (a test holds it to the twin)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from datagen.table import MISSING, Table, length
from detectors.bench.columns import evaluate, holds
from detectors.panel import Bools, Floats, Ints
from kpis.definitions import Definition, Numbers
from kpis.parts import BASE_MS

_PER_HOUR = 3_600_000 // BASE_MS


def fanned(definition: Definition, table: Table, entity: Ints, row: Ints, bucket: Ints) -> tuple[Ints, Ints, Floats]:
    """(entity, bucket, calls) of numbers that behave as `definition.numbers` say, laid on the last five minutes of their hour.

    `entity`, `row`: which record counts for which entity; `bucket`: of each record.
    """
    looked = definition.numbers
    assert looked is not None  # noqa: S101  asked only where there are some
    hour = bucket // _PER_HOUR
    kept = _of_such_numbers(looked, table, hour, _places(entity, row, length(table)))[row]
    last = hour[row][kept] * _PER_HOUR + _PER_HOUR - 1
    return entity[kept], last, np.ones(len(last))


def _places(entity: Ints, row: Ints, rows: int) -> Ints:
    """A number for each record that tells its entities, all together, from those of others."""
    words = np.random.default_rng(0).integers(2**60, size=int(entity.max(initial=0)) + 1)
    place = np.zeros(rows, dtype=np.int64)
    np.add.at(place, row, words[entity])  # sums of random words: two sets of entities share one once in 10^18
    return place


def _of_such_numbers(looked: Numbers, table: Table, hour: Ints, place: Ints) -> Bools:
    """Whether each record is a call of such a number."""
    caller, called = table[looked.caller].values, table[looked.called].values
    known = caller != MISSING
    keys, group = np.unique(np.stack([hour, caller, place]), axis=1, return_inverse=True)
    group = group.reshape(-1)
    calls = np.bincount(group)
    pairs = np.unique(np.stack([group, called]), axis=1)
    good = (calls >= looked.least) & (calls - np.bincount(pairs[0], minlength=len(calls)) <= looked.repeats * calls)
    if looked.where is not None:
        good &= _within(np.bincount(group, weights=holds(looked.where, table)), calls, looked.share)
    if looked.of is not None:
        found = evaluate(looked.of, table)
        total = np.bincount(group, weights=np.where(found.known, found.values, 0.0))
        measured = np.bincount(group, weights=found.known)
        good &= (measured > 0) & _within(total, measured, looked.mean)
    was_called = np.unique(np.stack([hour, called]), axis=1)
    good &= ~_among(keys[:2], was_called)
    return np.asarray(good[group] & known)


def _within(part: NDArray[Any], whole: NDArray[Any], bounds: tuple[float, float]) -> Bools:
    return np.asarray((part >= bounds[0] * whole) & (part <= bounds[1] * whole))


def _among(pairs: Ints, others: Ints) -> Bools:
    """Whether each column of `pairs` is one of `others`."""
    both = np.concatenate([pairs, others], axis=1)
    _, number = np.unique(both, axis=1, return_inverse=True)
    number = number.reshape(-1)
    return np.isin(number[: pairs.shape[1]], number[pairs.shape[1] :])
