"""Taking suspended lines up again: retry after a layout fix, and giving them up.

The record is written first, the reject's state second: a run that dies in between left a record whose place in its file is
the reject's, and the next run finds it there. Records are `create`d and states are changed under guard, so two at once double
nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from contracts.clock import iso
from contracts.errors import UserError
from contracts.indices import CDR_INDEX
from contracts.outcomes import Reason, Reject
from infrastructure.store import Operation, Store, Versioned
from mediation.compile import Record
from mediation.enrich.configured import layouts_in_use
from mediation.layout import Layout
from mediation.pace import user_pace
from mediation.suspense.again import Again, Unfit
from mediation.suspense.ledger import balance
from mediation.suspense.moving import Change, move, note, recorded, recycled
from mediation.suspense.states import DISCARDED, RECYCLED, SUSPENDED, Selection, batches, place_of, state_of


@dataclass(slots=True)
class SuspenseReport:
    """What a run did with `selected` rejects. Law: selected = recycled + discarded + suspended.

    `indexed` and `duplicate`: what the recycled ones became. `reasons`: of those still suspended; `unfit`: of them, those that
    cannot be mediated again from what was kept, by why. `files`: rows of the ledger that changed.
    """

    selected: int = 0
    recycled: int = 0
    indexed: int = 0
    duplicate: int = 0
    discarded: int = 0
    suspended: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    unfit: Counter[str] = field(default_factory=Counter)
    files: int = 0

    def as_dict(self) -> dict[str, Any]:
        """For machines."""
        plain = ("selected", "recycled", "indexed", "duplicate", "discarded", "suspended", "files")
        counters = {"reasons": dict(sorted(self.reasons.items())), "unfit": dict(sorted(self.unfit.items()))}
        return {**{name: getattr(self, name) for name in plain}, **counters}


def retry(
    store: Store,
    selection: Selection,
    *,
    by: str,
    start: str | None = None,
    rate: str | None = None,
    layouts: Mapping[str, Layout] | None = None,
) -> SuspenseReport:
    """Mediates the selected lines again, as the layouts are now. What becomes a record is recycled; the rest stays suspended.

    `by`: who asks. `start`, `rate`: as for `ingest`, for layouts without a time. Raises UserError on a bad argument,
    StoreUnavailable and StoreRefused as the store does. May be run again at any time, also while another one runs.
    """
    again = Again(store, layouts_in_use(store.settings, layouts), user_pace(start, rate))
    report = SuspenseReport()
    store.refresh(*CDR_INDEX.values())
    for batch in batches(store, selection):
        _retry(store, again, batch, by, report)
    report.files = balance(store)
    return report


def discard(store: Store, selection: Selection, *, by: str, why: str) -> SuspenseReport:
    """Gives the selected lines up. `why` is kept with each of them. A line that is a record already is recycled instead."""
    if not why.strip():
        raise UserError("a reason is needed", where="--why", remedy='say why, such as --why "test calls of the vendor"')
    report = SuspenseReport()
    note(store, by, "rejects discard", selection.words(), why)
    store.refresh(*CDR_INDEX.values())
    for batch in batches(store, selection):
        stamp = iso(store.clock())
        there = recorded(store, batch)
        changes = [
            (row, recycled("indexed", by, stamp) if row.id in there else _given_up(by, why, stamp)) for row in batch
        ]
        move(store, changes)
        report.selected += len(batch)
        report.recycled += len(there)
        report.indexed += len(there)
        report.discarded += len(batch) - len(there)
    report.files = balance(store)
    return report


def sweep(store: Store, selection: Selection, *, by: str = "ingest") -> int:
    """Recycles the selected lines that are records already, because their files were read again; returns how many."""
    moved = 0
    for batch in batches(store, selection):
        there = recorded(store, batch)
        change = recycled("indexed", by, iso(store.clock()))
        moved += move(store, [(row, change) for row in batch if row.id in there])
    return moved


def _retry(store: Store, again: Again, batch: Sequence[Versioned], by: str, report: SuspenseReport) -> None:
    stamp = iso(store.clock())
    there = recorded(store, batch)
    waiting = [row for row in batch if row.id not in there]
    became: dict[str, str | Reject | Unfit] = dict.fromkeys(there, "indexed")
    became |= _written(store, waiting, again.batch(waiting), stamp)
    told = store.settings["pii.reject.raw"] == "keep"  # a detail may repeat a value of the line
    move(store, [(row, _change(became[row.id], by, stamp, told=told)) for row in batch])
    report.selected += len(batch)
    for end in became.values():
        _count(report, end)


def _count(report: SuspenseReport, end: str | Reject | Unfit) -> None:
    if isinstance(end, str):
        report.recycled += 1
        report.indexed += end == "indexed"
        report.duplicate += end == "duplicate"
        return
    report.suspended += 1
    if isinstance(end, Unfit):
        report.unfit[end.why] += 1
    else:
        report.reasons[end.reason.value] += 1


def _written(
    store: Store, rejects: Sequence[Versioned], outcomes: Sequence[Record | Reject | Unfit], stamp: str
) -> dict[str, str | Reject | Unfit]:
    """Writes the records; by reject: indexed or duplicate, or why it is no record."""
    ends: dict[str, str | Reject | Unfit] = {}
    operations: list[tuple[Versioned, Operation]] = []
    latest = iso(store.clock() + timedelta(hours=store.settings.number("ingest.ahead.hours")))
    for reject, outcome in zip(rejects, outcomes, strict=True):
        if not isinstance(outcome, Record):
            ends[reject.id] = outcome
        elif outcome.timestamp > latest:
            ends[reject.id] = Reject(
                Reason.FUTURE_TIME, "", f"{outcome.timestamp} is too far ahead (ingest.ahead.hours)"
            )
        else:
            operations.append((reject, _operation(store, reject, outcome, stamp)))
    results = store.bulk([operation for _, operation in operations]) if operations else []
    existing = [pair for pair, result in zip(operations, results, strict=True) if result.exists]
    found = store.read_back([(operation.index, operation.id) for _, operation in existing], ["log"]) if existing else []
    places = {
        reject.id: place_of(row.source) if row else None for (reject, _), row in zip(existing, found, strict=True)
    }
    for (reject, _), result in zip(operations, results, strict=True):
        if result.refused:
            ends[reject.id] = Reject(Reason.STORE_REFUSED, "", result.error)
        else:
            ours = result.created or places[reject.id] == place_of(reject.source)
            ends[reject.id] = "indexed" if ours else "duplicate"
    return ends


def _operation(store: Store, reject: Versioned, record: Record, stamp: str) -> Operation:
    """The record as if its file had given it: it names the place where the line was first seen."""
    log = reject.source["log"]
    document = {**record.document, "log": {"file": log["file"], "offset": log["offset"]}}
    document["event"] = {**document["event"], "ingested": stamp}
    moment = datetime.fromisoformat(record.timestamp[:10]).replace(tzinfo=UTC)
    return Operation("create", store.place(CDR_INDEX[record.service], moment), record.id, document)


def _change(end: str | Reject | Unfit, by: str, stamp: str, *, told: bool) -> Change:
    if isinstance(end, str):
        return recycled(end, by, stamp)
    if isinstance(end, Unfit):
        return lambda source: None
    return _refused(end, told=told)


def _refused(reject: Reject, *, told: bool) -> Change:
    """Still no record: with the reason that holds now."""

    def change(source: dict[str, Any]) -> dict[str, Any] | None:
        old = source["reject"]
        kept = {name: value for name, value in old.items() if name not in ("column", "detail", "why", "by", "moved")}
        new = {**kept, "reason": reject.reason.value, "state": SUSPENDED}
        if told:
            new["detail"] = reject.detail
        if reject.column:
            new["column"] = reject.column
        return None if new == old or state_of(source) == RECYCLED else {**source, "reject": new}

    return change


def _given_up(by: str, why: str, stamp: str) -> Change:
    def change(source: dict[str, Any]) -> dict[str, Any] | None:
        if state_of(source) != SUSPENDED:
            return None
        return {**source, "reject": {**source["reject"], "state": DISCARDED, "by": by, "why": why, "moved": stamp}}

    return change
