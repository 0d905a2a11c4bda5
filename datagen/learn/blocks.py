"""Which columns belong together so closely that a row takes all of them from one place, and which values exclude each other."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from scipy.stats import rankdata

from datagen.learn.columns import GONE, Names, Number, Variable, Words, is_zero, spiked
from datagen.table import Flags, Floats, Ints

_CLOSE = 0.85  # rank correlation, or share of one category's entropy that another one explains, that makes one block
_EXPECTED = 3.0  # as often two states should have met by chance before it counts that they never did
_VIOLATIONS = (
    5.0  # as often an order of two numbers should have been broken by chance before it counts that it never was
)
_MOST_STATES = 400  # words of one category that are told apart
MISSING_STATE, ZERO_STATE, VALUE_STATE = 0, 1, 2  # of a number


def blocks(variables: Sequence[Variable]) -> tuple[tuple[int, ...], ...]:
    """Places of variables in groups, each in one; groups in the order of their first members."""
    parent = list(range(len(variables)))

    def root(place: int) -> int:
        while parent[place] != place:
            place = parent[place]
        return place

    for one, other in combinations(range(len(variables)), 2):
        if root(one) != root(other) and _together(variables[one], variables[other]):
            parent[max(root(one), root(other))] = min(root(one), root(other))
    members: dict[int, list[int]] = {}
    for place in range(len(variables)):
        members.setdefault(root(place), []).append(place)
    return tuple(map(tuple, members.values()))


def _together(one: Variable, other: Variable) -> bool:
    if isinstance(one.kind, Number) and isinstance(other.kind, Number):
        return _correlated(one, other) or _ordered(one, other) or _ordered(other, one)
    if isinstance(one.kind, Number) or isinstance(other.kind, Number):
        return False
    return max(_explained(one.codes, other.codes), _explained(other.codes, one.codes)) >= _CLOSE


def _values(variable: Variable) -> Floats:
    assert isinstance(variable.kind, Number)  # noqa: S101  callers looked
    kind = variable.kind
    values: Floats = (kind.origin + variable.codes * kind.step) / 10**kind.places
    values[variable.codes == GONE] = np.nan
    return values


def _correlated(one: Variable, other: Variable) -> bool:
    """Strong correlation, of ranks or of values, where both are there and neither is zero."""
    a, b = _values(one), _values(other)
    both = np.isfinite(a) & np.isfinite(b) & (a != 0) & (b != 0)
    if both.sum() < 10 or np.ptp(a[both]) == 0 or np.ptp(b[both]) == 0:
        return False
    ranks = np.corrcoef(rankdata(a[both]), rankdata(b[both]))[0, 1]
    return bool(max(abs(ranks), abs(np.corrcoef(a[both], b[both])[0, 1])) >= _CLOSE)


def _ordered(low: Variable, high: Variable) -> bool:
    """Whether `low` never exceeds `high` though it would by chance, were the two not of one thing."""
    a, b = _values(low), _values(high)
    both = np.isfinite(a) & np.isfinite(b)
    a, b = a[both], b[both]
    if not both.any() or np.any(a > b) or not np.any(a != b):
        return False
    broken = np.searchsorted(np.sort(b[b != 0]), a[a != 0]).sum() / max(1, a.size**2)
    return bool(broken * a.size >= _VIOLATIONS)


def _explained(of: Ints, by: Ints) -> float:
    """Theil's uncertainty coefficient U(of | by), 0–1; 0 where `of` is constant."""
    total = _entropy(of)
    pairs = (by - by.min()) * (of.max() - of.min() + 1) + of - of.min()
    return 0.0 if total == 0 else (total - (_entropy(pairs) - _entropy(by))) / total


def _entropy(codes: Ints) -> float:
    shares = np.unique(codes, return_counts=True)[1] / codes.size
    return float(-(shares * np.log(shares)).sum())


# States: what of a value decides whether it can stand beside another one


def states(variable: Variable) -> Ints:
    """A number is missing, zero or there; a category is its word; an identifier is there or not."""
    kind, codes = variable.kind, variable.codes
    if isinstance(kind, Number):
        return np.where(codes == GONE, MISSING_STATE, np.where(is_zero(kind, codes), ZERO_STATE, VALUE_STATE))
    if isinstance(kind, Words):
        return np.minimum(codes, _MOST_STATES)
    return np.where(codes == GONE, MISSING_STATE, VALUE_STATE)


class Exclusions:
    """Pairs of states of different blocks that never meet. `presence`: rows × all states of all variables, flags."""

    def __init__(self, variables: Sequence[Variable], grouped: Sequence[Sequence[int]]) -> None:
        block = {place: number for number, group in enumerate(grouped) for place in group}
        columns: list[Flags] = []
        self.owner: list[int] = []
        weak: list[bool] = []
        for place, each in enumerate(variables):
            found = states(each)
            for state in np.unique(found).tolist():
                columns.append(found == state)
                self.owner.append(place)
                empty = isinstance(each.kind, Words) and not each.kind.words[min(state, len(each.kind.words) - 1)]
                weak.append(not empty and (isinstance(each.kind, Words) or state != MISSING_STATE))
        self.presence = np.stack(columns, axis=1)
        self.never = self._never(variables, block, np.array(weak))

    def _never(self, variables: Sequence[Variable], block: dict[int, int], weak: Flags) -> Flags:
        """Never seen together, and either it should have been or one of the two is missing, or both are numbers."""
        seen = self.presence.astype(np.float32)
        together = np.asarray(seen.T @ seen)
        count = np.diag(together)
        expected = np.outer(count, count) / len(self.presence)
        owner = np.array(self.owner)
        blocks_of = np.array([block[place] for place in self.owner])
        number = np.array([isinstance(variables[place].kind, Number) for place in self.owner])
        invented = (weak[:, None] & weak[None, :]) & ~(number[:, None] & number[None, :])
        apart = blocks_of[:, None] != blocks_of[None, :]
        named = np.array([isinstance(variables[place].kind, Names) for place in owner])
        invented |= named[:, None] | named[None, :]
        never: Flags = apart & (together == 0) & ~(invented & (expected < _EXPECTED))
        return never

    def worst(self, rows: Ints) -> Flags | None:
        """A split of rows that cannot be mixed: flags of one side; None when every mixture of them is possible."""
        there = self.presence[rows]
        some: Flags = np.logical_or.reduce(there, axis=0)
        clashes = self.never & some[:, None] & some[None, :]
        if not clashes.any():
            return None
        side: Flags = there[:, int(np.argmax(clashes.sum(axis=1)))]
        return side


def smooth(variable: Variable) -> Flags:
    """Rows whose value may move to another one near it."""
    if not isinstance(variable.kind, Number):
        return np.zeros(variable.codes.size, bool)
    return ~spiked(variable.kind, variable.codes)
