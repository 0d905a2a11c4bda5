"""Creating, changing and retiring KPIs: each change is a new revision, which nobody changes again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from contracts.clock import iso
from contracts.errors import ConflictError, DefinitionError, StoreRefused, UserError
from infrastructure.store import Operation, Store
from kpis.tracking import words
from kpis.tracking.model import Tracked
from kpis.tracking.reading import read
from kpis.tracking.registry import INDEX, laid_over, load, needs, shipped

LARGEST = 100_000  # bytes of a definition
_MEANING = ("unit", "source", "merge", "schedule")  # a change of these changes what a value means


@dataclass(frozen=True, slots=True)
class Revision:
    """One state of a definition: what it was, who wrote it, and why. `kind`: definition or overlay."""

    kpi: str
    number: int
    version: int
    kind: str
    state: str
    by: str
    why: str
    at: str
    body: dict[str, Any]


def define(store: Store, content: Any, *, by: str, why: str, expect: int | None = None) -> Revision:
    """Creates a KPI, or changes one of one's own. `expect`: the revision it is based on (0: none yet); None: the newest.

    Raises DefinitionError on a bad definition, ConflictError when somebody else was faster.
    """
    name = content.get("id") if isinstance(content, dict) else None
    where = str(name)[:80] if name else "definition"
    one = read(content, where)
    base, registry = shipped(store.settings), load(store)
    if one.id in base:
        raise DefinitionError(
            "is shipped and cannot be defined anew", where=one.id, remedy="lay owner and targets over it: kpi overlay"
        )
    registry.check_formula(one, where)
    before = _newest(store, one.id)
    version = before.version if before else 1
    if before is not None and _meaning(before.body) != _meaning(content):
        version += 1
    return _write(store, one, content, before, expect, version=version, kind="definition", by=by, why=why)


def lay_over(store: Store, name: str, content: Any, *, by: str, why: str, expect: int | None = None) -> Revision:
    """Owner, target and thresholds over a shipped KPI, in place of what was laid over it before; {}: as shipped again."""
    base = shipped(store.settings)
    found = load(store).find(name)
    if found.id not in base:
        raise DefinitionError("is not shipped", where=found.id, remedy="change its definition: kpi define")
    one = laid_over(base[found.id], content, found.id)
    before = _newest(store, one.id)
    return _write(store, one, content, before, expect, version=one.version, kind="overlay", by=by, why=why)


def retire(store: Store, name: str, *, by: str, why: str) -> Revision:
    """Takes a KPI out of use; its values stay. Raises UserError where formulas need it, and on a shipped one of the roll-up."""
    registry = load(store)
    found = registry.find(name)
    using = [each for each, wanted in needs(registry.active()).items() if found.id in wanted]
    if using:
        raise UserError(f"is used by {', '.join(using)}", where=found.id, remedy="retire or change these first")
    if found.cdr is not None:
        raise UserError("is made by the roll-up and cannot be retired", where=found.id)
    before = _newest(store, found.id)
    body = before.body if before else {}
    kind = "overlay" if found.shipped else "definition"
    return _write(store, found, body, before, None, version=found.version, kind=kind, by=by, why=why, state="retired")


def revisions(store: Store, name: str) -> list[Revision]:
    """Every revision of a KPI, oldest first. A shipped one without an overlay has none."""
    store.refresh(INDEX)
    hits = store.scan(INDEX, {"term": {"kpi.id": name}})
    return sorted((_revision(hit["_source"]) for hit in hits), key=lambda each: each.number)


def _newest(store: Store, name: str) -> Revision | None:
    found = revisions(store, name)
    return found[-1] if found else None


def _revision(source: Mapping[str, Any]) -> Revision:
    found = source["definition"]
    return Revision(
        kpi=source["kpi"]["id"],
        number=found["revision"],
        version=source["kpi"]["version"],
        kind=found["kind"],
        state=found["state"],
        by=found["by"],
        why=found["why"],
        at=source["@timestamp"],
        body=orjson.loads(found["body"]),
    )


def _write(
    store: Store,
    one: Tracked,
    content: Any,
    before: Revision | None,
    expect: int | None,
    *,
    version: int,
    kind: str,
    by: str,
    why: str,
    state: str = "active",
) -> Revision:
    number = before.number if before else 0
    if expect is not None and expect != number:
        raise ConflictError(
            f"is at revision {number}, not {expect}: somebody changed it", where=one.id, remedy="read it again"
        )
    body = orjson.dumps(content)
    if len(body) > LARGEST:
        raise DefinitionError(f"{len(body):,} bytes, more than {LARGEST:,}", where=one.id)
    now = iso(store.clock())
    source = {
        "@timestamp": now,
        "event": {"ingested": now},
        "kpi": {"id": one.id, "version": version},
        "definition": {
            "revision": number + 1,
            "kind": kind,
            "state": state,
            "name": one.name,
            "group": one.group,
            "unit": one.unit,
            "source": one.source,
            "owner": content.get("owner") or one.owner,
            "by": words.who(by),
            "why": words.why(why),
            "body": body.decode(),
        },
    }
    operation = Operation("create", store.place(INDEX), f"{one.id}@{number + 1}", source)
    result = store.bulk([operation])[0]
    if result.refused:
        raise StoreRefused(f"definition refused: {result.error}", where=one.id)
    if result.exists:
        stored = store.read_back([(operation.index, operation.id)])[0]
        if stored is None or stored.source != source:  # else our own write, whose answer was lost
            raise ConflictError("somebody changed it at the same time", where=one.id, remedy="read it again")
    store.refresh(INDEX)
    return _revision(source)


def _meaning(body: Mapping[str, Any]) -> dict[str, Any]:
    return {key: body.get(key) for key in _MEANING}
