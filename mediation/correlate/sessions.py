"""Partial records of one P-GW address and charging id → data sessions (3GPP TS 32.251, 5.2.1; TS 32.298, 5.1.2.2).

A session is what the P-GW counted: volumes of its partial records, each record sequence number once. Records of the S-GW
reconcile it, and stand in for it where the P-GW wrote none (visitors whose P-GW is at home). Only a final cause for closing
ends it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from contracts.clock import from_epoch_ms, iso
from mediation.correlate.grouping import groups, late, order, places
from mediation.correlate.records import CdrRecord, Document, Key, Made, Surplus, Window, flags, laid_over, put

PGW, SGW = "pgw-cdr", "sgw-cdr"
MOST_MISSING = 100  # numbers listed; a broken record may name the four-billionth
_LARGEST = 2**63 - 1  # a stored whole number
_OUTCOME = {"normal_release": "success", "abnormal_release": "failure"}
_VOLUMES = ("uplink", "downlink", "total")
_OWN = ("log", "event", "cdr")  # of the single record; what of it a session has is set by name


def sessions(key: Key, records: Sequence[CdrRecord], window: Window) -> list[Made]:
    """The sessions of one P-GW address and charging id; none for a single record that is a whole session by itself."""
    if len(records) == 1 and not _is_partial(records[0]):
        return []
    found = [_Session(group, late(group, window, by_end=True)) for group in groups(records, window, _Seen)]
    spots = places([session.start for session in found], window)
    return [session.made(key, place, window) for session, place in zip(found, spots, strict=True)]


def record_type(record: CdrRecord) -> str:
    return SGW if record.get("epc.record_type") == SGW else PGW


def _is_partial(record: CdrRecord) -> bool:
    return not record.get("epc.final") or (record.get("epc.record_sequence") or 0) > 1


class _Seen:
    """When a charging id was used again: the session was closed before, or an earlier interval had the same number."""

    def __init__(self) -> None:
        self._closed: dict[str, int] = {}  # earliest end of a final record, by record type
        self._types: set[str] = set()
        self._ends: dict[tuple[Any, ...], int] = {}
        self._intervals: set[tuple[Any, ...]] = set()

    def used_again(self, record: CdrRecord) -> bool:
        number, kind = _number(record), record_type(record)
        if (record.start, number) in self._intervals:
            return False  # one interval, delivered twice
        closed = self._closed.get(PGW if PGW in self._types else SGW)
        if closed is not None and closed <= record.start:
            return True
        if kind == SGW:  # after a handover another S-GW numbers from 1 again
            return False
        return number in self._ends and self._ends[number] <= record.start

    def add(self, record: CdrRecord) -> None:
        number, kind = _number(record), record_type(record)
        self._types.add(kind)
        self._intervals.add((record.start, number))
        self._ends.setdefault(number, record.end)
        if record.get("epc.final"):
            self._closed[kind] = min(record.end, self._closed.get(kind, record.end))


def _number(record: CdrRecord) -> tuple[Any, ...]:
    """What is counted once: the sequence number (of its S-GW); without a number, the interval."""
    number = record.get("epc.record_sequence")
    if record_type(record) == SGW:
        return SGW, record.get("epc.sgw.address"), number, record.start if number is None else 0
    return PGW, number, record.start if number is None else 0


class _Session:
    """One session's records by what they are to it."""

    def __init__(self, group: Sequence[CdrRecord], late_ids: set[str]) -> None:
        self.group, self.late = sorted(group, key=order), late_ids
        self.once: dict[tuple[Any, ...], CdrRecord] = {}
        self.surplus: dict[str, Surplus] = {}
        for record in sorted(group, key=lambda record: (-record.end, record.start, record.id)):  # of two the longer
            number = _number(record)
            if record.id in late_ids:
                self.surplus[record.id] = "late"
            elif number in self.once:
                self.surplus[record.id] = "duplicate"
            else:
                self.once[number] = record
                self.surplus[record.id] = ""
        counted = sorted(self.once.values(), key=order)
        self.by_pgw = [record for record in counted if record_type(record) == PGW]
        self.by_sgw = [record for record in counted if record_type(record) == SGW]
        self.counted = self.by_pgw or self.by_sgw
        if self.by_pgw:
            self.surplus |= {record.id: "reconciling" for record in self.by_sgw}

    @property
    def start(self) -> int:
        return min(record.start for record in self.once.values())

    def made(self, key: Key, place: tuple[int, int], window: Window) -> Made:
        """The document; `place`: start window and rank in it."""
        document = laid_over(
            {name: part for name, part in record.source.items() if name not in _OWN}
            for record in reversed(self.counted)
        )
        for name, content in (self._times() | self._figures() | self._reconciled() | self._counts()).items():
            put(document, name, content)
        return Made.at("session", key, place, window, document, self.surplus)

    def _times(self) -> Document:
        """The final record ends the session; as long as there is none, it stands where its last record does."""
        final = [record for record in self.counted if record.get("epc.final")]
        last = max(final or self.counted, key=lambda record: (record.end, order(record)))
        start, end = min(record.start for record in self.counted), max(record.end for record in self.counted)
        cause = last.get("epc.cause_for_closing")
        return {
            "@timestamp": iso(from_epoch_ms(end)),
            "event.kind": "event",
            "event.dataset": last.get("event.dataset"),
            "event.start": iso(from_epoch_ms(start)),
            "event.end": iso(from_epoch_ms(end)),
            "event.outcome": _OUTCOME.get(cause, "unknown") if final else "unknown",
            "cdr.kind": "session",
            "cdr.flags": flags(self.counted) or None,
            "cdr.surplus": None if final else "open",
            "epc.duration.sec": (end - start) / 1000,
            "epc.cause_for_closing": cause,
            "epc.final": bool(final),
            "session.state": "ended" if final else "open",
        }

    def _figures(self) -> Document:
        return {f"epc.{name}.bytes": volume for name, volume in _volumes(self.counted).items()}

    def _reconciled(self) -> Document:
        if not (self.by_pgw and self.by_sgw):
            return {}
        by_sgw, total = _volumes(self.by_sgw), _volumes(self.by_pgw)["total"]
        figures = {f"session.sgw.{name}.bytes": volume for name, volume in by_sgw.items()}
        return {
            "session.sgw.records": len(self.by_sgw),
            **figures,
            "session.sgw.difference.bytes": total - by_sgw["total"],
        }

    def _counts(self) -> Document:
        missing, count = _missing(self.by_pgw)
        too_late = [record for record in self.group if record.id in self.late]
        return {
            "epc.record_sequence": None,
            "epc.record_type": PGW if self.by_pgw else SGW,
            "correlation.records": len(self.group),
            "correlation.late": len(too_late),
            "session.partials": len(self.counted),
            "session.duplicates": sum(why == "duplicate" for why in self.surplus.values()),
            "session.missing": missing or None,
            "session.missing_count": count,
            "session.late.bytes": _volumes(too_late)["total"],
        }


def _volumes(records: Sequence[CdrRecord]) -> Mapping[str, int]:
    """Bytes up, down and both."""
    up, down = (sum(record.get(f"epc.{name}.bytes") or 0 for record in records) for name in _VOLUMES[:2])
    return {name: min(total, _LARGEST) for name, total in zip(_VOLUMES, (up, down, up + down), strict=True)}


def _missing(records: Sequence[CdrRecord]) -> tuple[list[int], int]:
    """Record sequence numbers of the P-GW that no record has (TS 32.298: they start at 1), the first of them, and how many."""
    numbers = sorted({number for record in records if (number := record.get("epc.record_sequence")) is not None})
    missing: list[int] = []
    count, wanted = 0, min(1, numbers[0]) if numbers else 1
    for number in numbers:
        count += number - wanted
        missing += range(wanted, min(number, wanted + MOST_MISSING - len(missing)))
        wanted = number + 1
    return missing, count
