"""Columns that a layout only makes fields from (`derive`): what must stand in them so that the fields come out as they are."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from datagen.table import MISSING, Column, Ints, Table, label, whole
from mediation.layout import Column as LayoutColumn
from mediation.layout import Derived, Layout

_RIGHT, _WRONG = 1, -1  # a word that claims nothing counts 0


def from_derived(layout: Layout, column: LayoutColumn, table: Table) -> Column | None:
    """Values of `column` for the rows of the table; None where nothing is derived from it that the table has."""
    uses = [derived for derived in layout.derived if column.field and column.field in derived.sources]
    known = [derived for derived in uses if derived.field in table]
    given = {other.field for other in layout.columns if other.field}
    maps = [derived for derived in known if derived.kind == "map"]
    if maps:
        return _words(column, maps, table)
    for derived in known:
        if derived.kind == "copy" and derived.field not in given:
            return table[derived.field]
        if derived.kind in ("sum", "difference") and derived.field not in given:
            found = _term(column.field, derived, table)
            if found is not None:
                return found
    return None


def _term(field: str, derived: Derived, table: Table) -> Column | None:
    """The one term of a sum or difference that the table lacks."""
    others = [name for name in derived.sources if name != field]
    if len(others) != len(derived.sources) - 1 or any(name not in table for name in others):
        return None
    total = table[derived.field].values
    terms = [table[name].values for name in others]
    missing = total == MISSING
    for term in terms:
        missing = missing | (term == MISSING)
    if derived.kind == "sum":
        value = total - np.sum(terms, axis=0)
    else:
        value = terms[0] - total if derived.sources[1] == field else terms[0] + total
    return whole(np.where(missing, MISSING, np.maximum(value, 0)))


def _words(column: LayoutColumn, maps: Sequence[Derived], table: Table) -> Column:
    """The word whose derived fields are nearest to the row's: an earlier step weighs more than all later ones."""
    words = list(dict.fromkeys(word for derived in maps for word in derived.values or {}))
    words += [word for word in column.values or {} if word not in words]
    seen = np.stack([table[derived.field].values for derived in maps])
    combinations, where = np.unique(seen, axis=1, return_inverse=True)
    best = [_best(words, maps, combination, table) for combination in combinations.T.tolist()]
    chosen: Ints = np.array(best, np.int64)[where.reshape(-1)]
    return label(chosen, words)


def _best(words: Sequence[str], maps: Sequence[Derived], row: Sequence[int], table: Table) -> int:
    def score(place: int) -> int:
        total = 0
        for derived, value in zip(maps, row, strict=True):
            claimed = (derived.values or {}).get(words[place], derived.otherwise)
            column = table[derived.field]
            actual = None if value == MISSING else column.labels[value] if column.kind == "label" else value
            total = 3 * total + (0 if claimed is None else _RIGHT if claimed == actual else _WRONG)
        return total

    return max(range(len(words)), key=score)
