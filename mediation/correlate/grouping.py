"""Which records of one id belong together, and which came too late. Pure: the same whatever order they came in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Protocol

from mediation.correlate.records import CdrRecord, Window


class Seen(Protocol):
    """What is known of one call or session while its records pass by in order of time."""

    def used_again(self, record: CdrRecord) -> bool:
        """Whether the record is of another one that has the same id."""

    def add(self, record: CdrRecord) -> None:
        """The record is of this one."""


class ByTime:
    """Nothing but time tells calls of one id apart."""

    def used_again(self, record: CdrRecord) -> bool:
        return False

    def add(self, record: CdrRecord) -> None:
        """Nothing to remember."""


def groups(records: Sequence[CdrRecord], window: Window, begin: Callable[[], Seen] = ByTime) -> list[list[CdrRecord]]:
    """Records of one id, cut where the id was used again: after a longer gap than `window.start`, or where `Seen` says so."""
    found: list[list[CdrRecord]] = []
    seen, reached = begin(), 0
    for record in sorted(records, key=order):
        if not found or record.start > reached + window.start or seen.used_again(record):
            found.append([])
            seen, reached = begin(), record.end
        found[-1].append(record)
        seen.add(record)
        reached = max(reached, record.end)
    return found


def order(record: CdrRecord) -> tuple[int, int, str]:
    """By time, then by id, so that no two records are equal."""
    return record.start, record.end, record.id


def late(group: Sequence[CdrRecord], window: Window, *, by_end: bool) -> set[str]:
    """Ids of the records that came more than `window.late` after another of the group that should not have been before them.

    `by_end`: only those that end no earlier count as such (parts of a session come one after the other, for days);
    else all (legs of a call end together). Measured between the records' own stamps, so that old files may be read at any time.
    """
    found: set[str] = set()
    earliest: int | None = None
    ordered = sorted(group, key=lambda record: -record.end) if by_end else group
    for _, equal in groupby(ordered, key=lambda record: record.end if by_end else 0):
        batch = list(equal)
        came = min(record.ingested for record in batch)
        earliest = came if earliest is None else min(earliest, came)
        found.update(record.id for record in batch if record.ingested - earliest > window.late)
    return found


def places(starts: Sequence[int], window: Window) -> list[tuple[int, int]]:
    """Start window and rank in it of each call or session of one id: what tells them apart, whichever record came first."""
    ranks: Counter[int] = Counter()
    found = []
    for start in starts:
        number = start // window.start
        found.append((number, ranks[number]))
        ranks[number] += 1
    return found
