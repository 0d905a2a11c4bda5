"""Panels answered: rights first, then the shared cache, then the store as the person who asks."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass

import orjson

from console.charts import picture
from console.panels.cache import SharedAnswers
from console.panels.request import Asked
from contracts.errors import BusyhourError, StoreRefused, StoreUnavailable
from dashboards.model import Panel
from infrastructure.esql import Table
from infrastructure.store import Store

OK, EMPTY, DENIED, LATE, AWAY, WRONG = "ok", "empty", "denied", "late", "away", "wrong"
_TOO_LATE = "no answer in time"


@dataclass(frozen=True, slots=True)
class Answer:
    """`body`: JSON of state, picture, rows, detail; without names of people, since people share it. `table`: for CSV."""

    body: bytes
    table: Table
    tag: str


class Panels:
    """`workers`: queries under way at once, of all viewers; `keep_sec`: how long an answer serves the next viewer."""

    def __init__(self, workers: int, most_bytes: int, keep_sec: float = 30.0) -> None:
        self._shared: SharedAnswers[Answer] = SharedAnswers(workers, most_bytes, _size)
        self._keep_sec = keep_sec

    def answer(
        self, store: Store, panel: Panel, asked: Asked, may_read: Callable[[str], bool], person: str = ""
    ) -> Future[Answer]:
        """The answer to come, and never an error. `store`: acting as the person; `may_read`: checked for this request.

        The key has the query, what it is asked with and the indices that the person may read of those it reads: rights are
        per index, so all who may read these see the same.
        """
        denied = [source for source in asked.sources if not may_read(source)]
        if denied:
            return _done(said(panel, DENIED, detail=", ".join(denied)))
        key = (panel.where, panel.name, asked.query, asked.values, asked.where, frozenset(asked.sources))
        return self._shared.get(key, lambda: _ask(store, panel, asked), self._keep_sec, person)

    def close(self) -> None:
        self._shared.close()


def said(panel: Panel, state: str, *, detail: str = "") -> Answer:
    """An answer without data."""
    return _answer({"panel": panel.name, "state": state, "rows": 0, "detail": detail}, Table([], []))


def state_of(error: BusyhourError) -> str:
    """What an error of the store means to a viewer."""
    if isinstance(error, StoreUnavailable):
        return AWAY
    return LATE if isinstance(error, StoreRefused) and error.what.startswith(_TOO_LATE) else WRONG


def failed(panel: Panel, error: BaseException) -> Answer:
    """An answer that says what went wrong; for WRONG the words of Elasticsearch, without the query."""
    if not isinstance(error, BusyhourError):
        return said(panel, WRONG, detail=type(error).__name__)
    state = state_of(error)
    return said(panel, state, detail=error.what[:300] if state == WRONG else "")


def _ask(store: Store, panel: Panel, asked: Asked) -> Answer:
    table = store.esql(asked.query, asked.parameters, asked.filter)
    if not _says_something(panel, table):
        return _answer({"panel": panel.name, "state": EMPTY, "rows": 0, "detail": ""}, table)
    return _answer(
        {"panel": panel.name, "state": OK, "rows": len(table.rows), "detail": "", "picture": picture(panel, table)},
        table,
    )


def _says_something(panel: Panel, table: Table) -> bool:
    """A query that sums without groups answers one row of nothing where there is nothing: no data, not a value."""
    return any(value is not None for name in panel.values if table.columns for value in table.column(name))


def _answer(content: dict[str, object], table: Table) -> Answer:
    body = orjson.dumps(content, default=str)
    return Answer(body, table, hashlib.sha256(body).hexdigest()[:16])


def _size(answer: Answer) -> int:
    # A cell of a table takes some 60 bytes as a Python object.
    return len(answer.body) + 60 * len(answer.table.rows) * max(1, len(answer.table.columns))


def _done(answer: Answer) -> Future[Answer]:
    future: Future[Answer] = Future()
    future.set_result(answer)
    return future
