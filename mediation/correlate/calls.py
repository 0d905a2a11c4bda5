"""Legs, quality reports and SIP transactions of one call id → calls.

A back-to-back user agent writes a record for each leg (RFC 5853); a call is what its caller saw of all of them: from the first
leg's start to the last leg's release, answered when any leg was. The first leg tells the cause and the delay; the leg that
was answered last tells where the call left. Quality reports (the CMR of Cisco CUCM) name their leg and fill in how it sounded.

A proxy writes no call at all, but its transactions (cdr.kind event): where there is no leg, the INVITE and the BYE make the
call (RFC 3261). Other steps, such as channel events, are joined and add nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from contracts.clock import from_epoch_ms, iso
from mediation.correlate.grouping import groups, late, order, places
from mediation.correlate.records import CdrRecord, Document, Key, Made, Surplus, Window, first, flags, laid_over, put

_RANK = {"answered": 2, "ringing": 1}
_OWN = ("log", "event", "cdr")
_LEAVES_BY = ("voip.egress.sbc", "voip.trunk_group.terminating")
_QUALITY = ("packets", "jitter", "r_factor", "mos")


def calls(key: Key, records: Sequence[CdrRecord], window: Window) -> list[Made]:
    """The calls of one call id; none for a leg that is alone."""
    if len(records) == 1 and not _is(records[0], "INVITE"):
        return []
    found = [_Call(group, late(group, window, by_end=False)) for group in groups(records, window)]
    found = [call for call in found if call.legs]
    spots = places([call.start for call in found], window)
    return [call.made(key, place, window) for call, place in zip(found, spots, strict=True)]


def _is(record: CdrRecord, step: str) -> bool:
    return bool(record.get("cdr.kind") == "event" and record.get("cdr.event") == step)


class _Call:
    """One call's records by what they are to it. Without a leg there is no call: a report says only how one sounded."""

    def __init__(self, group: Sequence[CdrRecord], late_ids: set[str]) -> None:
        self.group, self.late = sorted(group, key=order), late_ids
        in_time = [record for record in self.group if record.id not in late_ids]
        whole = [record for record in in_time if (record.get("cdr.kind") or "cdr") == "cdr"]
        invites = [record for record in in_time if _is(record, "INVITE")]
        self.byes = [] if whole else [record for record in in_time if _is(record, "BYE")]
        self.legs, self.by_steps = whole or invites, not whole
        self.reports = [record for record in in_time if record.get("cdr.kind") == "cmr"]

    @property
    def start(self) -> int:
        return min(record.start for record in self.legs)

    def made(self, key: Key, place: tuple[int, int], window: Window) -> Made:
        """The document; `place`: start window and rank in it."""
        document = laid_over(
            {name: part for name, part in record.source.items() if name not in _OWN} for record in self.legs
        )
        said = self._by_steps() if self.by_steps else self._by_legs()
        for name, content in (self._times() | said | self._route() | self._heard() | self._counts()).items():
            put(document, name, content)
        surplus: dict[str, Surplus] = {record.id: "late" if record.id in self.late else "" for record in self.group}
        return Made.at("call", key, place, window, document, surplus)

    def _times(self) -> Document:
        end = iso(from_epoch_ms(max(record.end for record in (*self.legs, *self.byes))))
        return {
            "@timestamp": end,
            "event.kind": "event",
            "event.dataset": first(self.legs, "event.dataset"),
            "event.start": iso(from_epoch_ms(self.start)),
            "event.end": end,
            "cdr.kind": "call",
            "cdr.flags": flags(self.legs) or None,
            "voip.leg": None,
        }

    def _by_legs(self) -> Document:
        answered = [record for record in self.legs if record.get("voip.disposition") == "answered"]
        answers = [found for record in answered if (found := record.get("voip.answer")) is not None]
        durations = [found for record in answered if (found := record.get("voip.duration.sec")) is not None]
        best = max((record.get("voip.disposition") for record in self.legs), key=lambda word: _RANK.get(word, 0))
        return {
            "event.outcome": "success" if answered else "failure" if best else "unknown",
            "voip.disposition": best,
            "voip.answer": min(answers, default=None),
            "voip.duration.sec": max(durations, default=None),
            "voip.pdd.ms": _measured(self.legs, "voip.pdd.ms"),
            "voip.release": _release(self.legs),
        }

    def _by_steps(self) -> Document:
        """An INVITE with 2xx is an answer, and the call goes on until the BYE; one with another status failed."""
        answered = [record for record in self.legs if 200 <= (record.get("voip.release.sip") or 0) < 300]
        if not answered:
            return {
                "event.outcome": "failure",
                "voip.disposition": "call-attempt",
                "voip.release": _release(self.legs[::-1]),
            }
        answer, end = min(record.end for record in answered), max((record.end for record in self.byes), default=None)
        return {
            "event.outcome": "success",
            "cdr.surplus": "open" if end is None else None,
            "voip.disposition": "answered",
            "voip.answer": iso(from_epoch_ms(answer)),
            "voip.duration.sec": None if end is None else max(end - answer, 0) / 1000,
            "voip.release": _release(answered),
        }

    def _route(self) -> Document:
        """Where it left, and how it sounded there, by the leg that was answered last, or tried last."""
        answered = [record for record in self.legs if record.get("voip.disposition") == "answered"]
        outward = [*reversed(answered or self.legs), *self.legs]
        route = {name: first(outward, name) for name in _LEAVES_BY}
        heard = {f"voip.called.{name}": first(outward, f"voip.called.{name}") for name in _QUALITY}
        return {name: found for name, found in (route | heard).items() if found is not None}

    def _heard(self) -> Document:
        """What quality reports say of the leg that they name."""
        found: Document = {}
        for side in ("calling", "called"):
            ids = {record.get(f"voip.{side}.id") for record in self.legs} - {None}
            own = [record for record in self.reports if record.get("voip.leg.id") in ids]
            for name in _QUALITY:
                value = first(own, f"voip.leg.{name}")
                if value is not None and first(self.legs, f"voip.{side}.{name}") is None:
                    found[f"voip.{side}.{name}"] = value
        return found

    def _counts(self) -> Document:
        return {
            "correlation.records": len(self.group),
            "correlation.late": sum(record.id in self.late for record in self.group),
            "call.legs": len(self.legs),
            "call.reports": len(self.reports),
            "call.steps": sum(record.get("cdr.kind") == "event" for record in self.group),
        }


def _measured(records: Sequence[CdrRecord], name: str) -> Any:
    """The first leg's value; where it is 0 (not measured) or absent, that of the next one that has one."""
    found = [record.get(name) for record in records]
    return next((each for each in found if each), next((each for each in found if each is not None), None))


def _release(records: Sequence[CdrRecord]) -> Any:
    """How it ended, by the first record that gives a code; code, name and fault belong together."""
    found = [release for record in records if isinstance(release := record.get("voip.release"), dict)]
    given = [release for release in found if release.get("q850") or release.get("sip")]
    return next(iter(given or found), None)
