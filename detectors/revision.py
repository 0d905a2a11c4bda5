"""Writing what was found beside what is stored: new, revised, withdrawn, or left alone. Every change is guarded."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from contracts.clock import iso
from contracts.errors import ConflictError
from detectors.records import Document, read, same, withdrawn
from infrastructure.store import Operation, Store


@dataclass(frozen=True, slots=True)
class Written:
    """How many documents of one kind were new, revised, withdrawn, unchanged."""

    new: int = 0
    revised: int = 0
    withdrawn: int = 0
    unchanged: int = 0


def revise(
    store: Store,
    name: str,
    found: Mapping[str, Document],
    stored: Mapping[str, Document],
    gone: Iterable[str],
    why: str,
) -> Written:
    """Makes index `name` (anomaly or incident) say `found`; `gone` are the stored ids that are no longer found."""
    fresh = {key: document for key, document in found.items() if key not in stored}
    changed = {key: document for key, document in found.items() if key in stored and not same(document, stored[key])}
    pulled = {
        key: withdrawn(stored[key], name, why) for key in gone if read(stored[key], f"{name}.status") != "withdrawn"
    }
    stamp = iso(store.clock())
    index = store.place(name)
    created = store.write_all(
        Operation("create", index, key, stamped(document, stamp)) for key, document in fresh.items()
    )
    for key, document in {**changed, **pulled}.items():
        store.modify(name, key, _to(stored[key], stamped(document, stamp), f"{name} {key}"))
    store.refresh(name)
    return Written(created, len(changed), len(pulled), len(found) - len(fresh) - len(changed))


def _to(before: Document, after: Document, what: str) -> Callable[[dict[str, Any]], dict[str, Any] | None]:
    """A change that is only made to what was judged: another detection that was faster is not overwritten."""

    def change(current: dict[str, Any]) -> dict[str, Any] | None:
        if same(current, after):
            return None
        if not same(current, before):
            raise ConflictError(f"{what} was changed by another detection", remedy="run `busyhour detect` again")
        return after

    return change


def stamped(document: Document, stamp: str) -> Document:
    return {**document, "event": {**document.get("event", {}), "ingested": stamp}}
