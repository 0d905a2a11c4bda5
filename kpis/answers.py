"""Answers of the roll-up's queries over a window of time, within the row cap."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any

from contracts.clock import from_epoch_ms
from infrastructure.store import Store, Table


def tables(
    store: Store, query: str, span: tuple[int, int], resolution_sec: int, more: Sequence[Any] = ()
) -> Iterable[Table]:
    """Answers of a query whose first two parameters are a window's ends (ms), within the row cap."""
    start, end = from_epoch_ms(span[0]), from_epoch_ms(span[1])
    return store.esql_windows(lambda a, b: (query, [a, b, *more]), start, end, step=timedelta(seconds=resolution_sec))
