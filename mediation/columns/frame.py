"""The rows of a region while their fields are worked out, and which of them the other way must look at."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from mediation.columns.values import Arrow, Coded, Mask, Space, Value, dictionary, present, together
from mediation.values import Refusal

_ODD = object()


class Frame:
    """`cells`: by position in the layout. `odd`: rows that are no record, or that only the other way can tell."""

    def __init__(self, cells: Sequence[Arrow], rows: int) -> None:
        self.cells, self.rows = cells, rows
        self.odd: Mask = np.zeros(rows, bool)
        self.fields: dict[str, Value] = {}
        self.service: Coded
        self._unit = Space(np.zeros(rows, np.int64), 1)
        self._words: dict[int, Coded] = {}

    def constant(self, value: Any) -> Coded:
        """The same in every row."""
        return Coded(self._unit, [value])

    def mark(self, mask: Mask) -> None:
        self.odd |= mask

    def words(self, index: int) -> Coded:
        """The cells of a column by their distinct texts."""
        if index not in self._words:
            self._words[index] = Coded(*dictionary(self.cells[index]))
        return self._words[index]

    def applied(self, function: Callable[..., Any], sources: Sequence[Value]) -> Coded:
        """`function` of the sources' values (None where absent), worked out once for each combination of them.

        Rows for which it refuses are marked.
        """
        space, columns = together([source.coded() for source in sources])
        try:
            return Coded(space, list(map(function, *columns)))
        except (Refusal, ValueError):
            values = [_tried(function, each) for each in zip(*columns, strict=True)]
        self.mark(np.array([value is _ODD for value in values])[space.indices])
        return Coded(space, [None if value is _ODD else value for value in values])

    def present(self, value: Value) -> Mask:
        return present(value, self.rows)


def _tried(function: Callable[..., Any], values: Sequence[Any]) -> Any:
    try:
        return function(*values)
    except (Refusal, ValueError):
        return _ODD
