"""What must be written so that the store says what the records say: plain values in, bulk operations out. Pure.

A document is written only when it differs from what is stored; every write is guarded by what was read before it was made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from contracts.clock import from_epoch_ms
from infrastructure import guarded
from infrastructure.store import Versioned
from mediation.correlate.records import CdrRecord, Document, Made, value

Kind = Literal["made", "remade", "marked", "late"]
Place = Callable[[datetime], str]  # concrete index of a document, by the time that says its partition


@dataclass(slots=True)
class Changes:
    """`texts`: operations of one bulk request, and what each of them is; `stale`: documents to delete after it."""

    texts: list[bytes] = field(default_factory=list)
    kinds: list[Kind] = field(default_factory=list)
    stale: list[Versioned] = field(default_factory=list)

    def add(self, kind: Kind, text: bytes) -> None:
        self.texts.append(text)
        self.kinds.append(kind)


@dataclass(frozen=True, slots=True)
class Change:
    """Works out the changes of one key after another. `stamp`: when; `again`: everything is stamped anew, changed or not."""

    stamp: str
    place: Place
    again: bool = False

    def add(
        self, changes: Changes, records: Sequence[CdrRecord], made: Sequence[Made], old: Sequence[Versioned]
    ) -> None:
        """What one key needs."""
        known = {document.id: document for document in old}
        wanted = {one.id for one in made}
        stale = [document for document in old if document.id not in wanted]
        moved = [stood for document in stale for stood in _stood(document.source)]
        for one in made:
            self._document(changes, one, known.get(one.id), moved)
        by_id = {record.id: record for record in records}
        for one in made:
            for key, surplus in one.surplus.items():
                self._mark(changes, by_id[key], surplus)
        changes.stale += stale

    def _document(self, changes: Changes, one: Made, old: Versioned | None, moved: list[str]) -> None:
        if old is not None and not moved and not self.again and _bare(old.source) == one.document:
            return
        source = {**one.document, "event": {**one.document["event"], "ingested": self.stamp}}
        left = [*moved, *(_left(old.source, one.document) if old is not None else ())]
        if left:
            source["cdr"] = {**source["cdr"], "moved_from": min(left)}
        if old is None:
            changes.add("made", guarded.create(self.place(from_epoch_ms(one.moment)), one.id, source))
        else:
            changes.add("remade", guarded.replace(old, source))

    def _mark(self, changes: Changes, record: CdrRecord, surplus: str) -> None:
        """Tells a record that it was taken in: KPIs then count what it was taken into, and look at its bucket again."""
        same = (record.get("cdr.surplus") or "") == surplus
        if record.get("cdr.correlated") is not None and same and not self.again:
            return
        part: dict[str, Any] = {"correlated": self.stamp}
        if not same:
            part["surplus"] = surplus or None
        changes.add("late" if surplus == "late" and not same else "marked", guarded.merge(record.stored, {"cdr": part}))


def _bare(source: Document) -> Document:
    """A stored document without what differs from run to run."""
    event = {name: content for name, content in source.get("event", {}).items() if name != "ingested"}
    cdr = {name: content for name, content in source.get("cdr", {}).items() if name != "moved_from"}
    return {**source, "event": event, "cdr": cdr}


def _left(old: Document, new: Document) -> Iterable[str]:
    """Times that KPIs must look at again because the document stands there no more."""
    before = value(old, "cdr.moved_from")
    if before is not None:
        yield before
    if old["@timestamp"] != new["@timestamp"] and value(old, "cdr.surplus") is None:
        yield old["@timestamp"]


def _stood(old: Document) -> Iterable[str]:
    yield old["@timestamp"]
    before = value(old, "cdr.moved_from")
    if before is not None:
        yield before
