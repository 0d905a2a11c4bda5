"""What is put together: a stored record with its times, and the call or session that records become. Pure values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from contracts.clock import epoch_ms, parse_iso
from contracts.ids import joined
from infrastructure.store import Versioned

Document = dict[str, Any]
_YEAR_1 = -62_135_596_800_000  # ms; earlier times cannot be written
Surplus = Literal["reconciling", "duplicate", "late", ""]
Key = tuple[str | int, ...]  # the values that say which call or session a record is of


@dataclass(frozen=True, slots=True)
class CdrRecord:
    """A stored CDR. `start`, `end`, `ingested`: ms since the epoch, where `start` ≤ `end` whatever the record says."""

    stored: Versioned
    start: int
    end: int
    ingested: int

    @classmethod
    def of(cls, stored: Versioned) -> CdrRecord:
        """Its times; a record without a start is at its `@timestamp`."""
        at = _moment(stored.source, "@timestamp") or 0
        start, end = _moment(stored.source, "event.start"), _moment(stored.source, "event.end")
        start = min(at if end is None else end, at) if start is None else start
        return cls(
            stored, start, max(start, at if end is None else end), _moment(stored.source, "event.ingested") or at
        )

    @property
    def id(self) -> str:
        return self.stored.id

    @property
    def source(self) -> Document:
        return self.stored.source

    def get(self, name: str) -> Any:
        """Value at a dotted name, None where it is absent."""
        return value(self.stored.source, name)


@dataclass(frozen=True, slots=True)
class Window:
    """Settings in ms. `start`: records of one key further apart than this are of two calls or sessions; `late`: see `late`."""

    start: int
    late: int


@dataclass(frozen=True, slots=True)
class Made:
    """A call or session: `id`; `moment` (ms) that says which partition it lies in; `document` without its stamps.

    `surplus`: of each record in it, by id, why it adds nothing, or "".
    """

    id: str
    moment: int
    document: Document
    surplus: Mapping[str, Surplus]

    @classmethod
    def at(
        cls,
        kind: str,
        key: Key,
        place: tuple[int, int],
        window: Window,
        document: Document,
        surplus: Mapping[str, Surplus],
    ) -> Made:
        """`place`: start window and rank in it, which with the key make the id and the partition, for ever."""
        number, rank = place
        return cls(joined((kind, *key, number, rank)), max(number * window.start, _YEAR_1), document, surplus)


def value(document: Mapping[str, Any], name: str) -> Any:
    """Value at a dotted name of a nested document; None where it is absent."""
    found: Any = document
    for part in name.split("."):
        if not isinstance(found, Mapping) or part not in found:
            return None
        found = found[part]
    return found


def put(document: Document, name: str, content: Any) -> None:
    """Sets a dotted name; None takes it away."""
    *parents, leaf = name.split(".")
    for part in parents:
        document = document.setdefault(part, {})
    if content is None:
        document.pop(leaf, None)
    else:
        document[leaf] = content


def laid_over(many: Iterable[Mapping[str, Any]]) -> Document:
    """Nested documents as one: the first that has a value gives it."""
    result: Document = {}
    for document in many:
        _fill(result, document)
    return result


def _fill(into: Document, document: Mapping[str, Any]) -> None:
    for name, content in document.items():
        if isinstance(content, Mapping):
            inner = into.setdefault(name, {})
            if isinstance(inner, dict):
                _fill(inner, content)
        elif content is not None:
            into.setdefault(name, content)


def first(records: Sequence[CdrRecord], name: str) -> Any:
    """Value of the first record that has one."""
    return next((found for record in records if (found := record.get(name)) is not None), None)


def flags(records: Iterable[CdrRecord]) -> list[str]:
    """Contradictions inside any of the records, each once."""
    found = (record.get("cdr.flags") or [] for record in records)
    return sorted({flag for each in found for flag in ([each] if isinstance(each, str) else each)})


def _moment(document: Mapping[str, Any], name: str) -> int | None:
    text = value(document, name)
    return None if text is None else epoch_ms(parse_iso(text))
