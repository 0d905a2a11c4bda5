"""Calls that find every channel of their trunk group busy: a loss system, played call by call; its blocking is Erlang B's.

A call that would leave on a group takes one of its channels from its start to its end; where none is free, it is lost at once,
with Q.850 cause 34 (no circuit available) and SIP 503. Nobody waits and nobody tries again. The state at the beginning of a
block is that of the block before, played from an empty group: after six hours nothing of that beginning is left to see.
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heapify, heappop, heappush
from typing import NamedTuple

import numpy as np

from datagen.arrivals import BLOCK_MS, SLOT_MS, Span
from datagen.behaviour import DISPOSITIONS
from datagen.model import Draft, Model
from datagen.streams import mixed
from datagen.table import Flags, Ints

NO_CIRCUIT, SERVICE_UNAVAILABLE = 34, 503
_ATTEMPT = DISPOSITIONS.index("call-attempt")
Offered = Callable[[Span, bool], Draft]  # calls that begin in a span, with incidents or without


class Calls(NamedTuple):
    """Calls of a draft as far as channels are concerned; `hold` in ms."""

    trunk: Ints
    start: Ints
    hold: Ints

    @classmethod
    def of(cls, draft: Draft) -> Calls:
        return cls(draft["trunk"], draft["start"], holding(draft))

    def take(self, rows: Flags) -> Calls:
        return Calls(self.trunk[rows], self.start[rows], self.hold[rows])

    def then(self, *others: Calls) -> Calls:
        return Calls(*(np.concatenate(parts) for parts in zip(self, *others, strict=True)))


_NONE = Calls(*(np.zeros(0, np.int64) for _ in range(3)))


class Groups:
    """The trunk groups of a model, played span by span. The last state is remembered; it depends on nothing but its span."""

    def __init__(self, model: Model, offered: Offered) -> None:
        self.model, self.offered, self.channels = model, offered, model.channels
        self._states: dict[bool, tuple[Span, Calls]] = {}  # by with or without incidents

    def block_calls(self, draft: Draft, span: Span) -> None:
        """Ends the calls of the span that find no channel. Those lost, or not lost, only because of an incident are its work."""
        tight = np.flatnonzero(could_fill(draft, self.channels, span))
        if not tight.size:
            return
        full = self._lost(draft, span, tight, struck=True)
        if self._struck(span):
            anyway = self._lost(self.offered(span, False), span, tight, struck=False)
            rows = np.flatnonzero((full[: anyway.size] != anyway) & (draft["hit"][: anyway.size] == 0))
            draft["hit"][rows] = _culprit(self.model, draft["start"][rows])
        _lose(draft, np.flatnonzero(full))

    def _struck(self, span: Span) -> bool:
        """Whether an incident may have touched calls that are played for the span."""
        first = (span.block - 1) * BLOCK_MS
        return any(each.service == "voip" and each.overlaps(first, span.last_end + 1) for each in self.model.incidents)

    def _lost(self, draft: Draft, span: Span, groups: Ints, *, struck: bool) -> Flags:
        """Which calls of the draft are lost."""
        before, calls = self._before(span, struck), Calls.of(draft)
        size, ahead, later = calls.start.size, span.following, []
        # Calls that an incident adds may begin after their part: they meet those of the next ones.
        reach = int(calls.start[np.isin(calls.trunk, groups)].max(initial=0)) if span.parts > 1 else 0
        while ahead.start <= reach:
            later.append(Calls.of(self.offered(ahead, struck)))
            ahead = ahead.following
        full = _full(before.then(calls, *later), self.channels, groups)
        return full[before.start.size :][:size]

    def _before(self, span: Span, struck: bool) -> Calls:
        """Calls that hold a channel when the span begins, or will ask for one later: what is left of the block before and of
        the block's earlier parts, played from empty groups."""
        at, calls = self._states.get(struck, (None, _NONE))
        if at is None or at.block != span.block or at.parts != span.parts or at.part > span.part:
            at, calls = Span(span.block - 1, 0, span.parts), _NONE
        while at != span:
            calls = calls.then(Calls.of(self.offered(at, struck)))
            lost = _full(calls, self.channels, np.arange(self.channels.size)) & (calls.start < at.end)
            calls, at = calls.take(~lost & (calls.start + calls.hold > at.end)), at.following
        self._states[struck] = (span, calls)
        return calls


def could_fill(draft: Draft, channels: Ints, span: Span) -> Flags:
    """Trunk groups that are worth playing through: a quarter more than the traffic of their busiest five minutes, and four
    standard deviations of it, come near their channels. The others would lose less than one call in ten thousand."""
    groups = channels.size
    slots = span.slots
    slot = np.clip((draft["start"] - span.start) // SLOT_MS, 0, slots - 1)
    seconds = np.bincount(draft["trunk"] * slots + slot, weights=holding(draft) / 1000, minlength=groups * slots)
    traffic = seconds.reshape(groups, slots).max(axis=1) / (SLOT_MS / 1000)
    return np.asarray(1.25 * traffic + 4 * np.sqrt(traffic) + 2 >= channels)


def holding(draft: Draft) -> Ints:
    """How long each call takes its channel, ms: from the seizure on, whether anybody answers or not."""
    return np.asarray(np.maximum(1, draft["pdd"] + draft["wait"] + draft["talk"]))


def lost_calls(start: Ints, hold: Ints, channels: int) -> Flags:
    """Which calls find all channels busy. start, hold: ms, sorted by start."""
    lost = np.zeros(start.size, bool)
    end = start + hold
    # Calls in progress if none were lost, itself included: an upper bound, so that only what lies above it needs playing.
    busy = np.arange(1, start.size + 1) - np.searchsorted(np.sort(end), start, side="right")
    over = np.flatnonzero(busy > channels)
    if not over.size:
        return lost
    first, last = int(over[0]), int(over[-1])
    taken = end[:first][end[:first] > start[first]].tolist()
    heapify(taken)
    missed = []
    for row, (begin, finish) in enumerate(
        zip(start[first : last + 1].tolist(), end[first : last + 1].tolist(), strict=True), first
    ):
        while taken and taken[0] <= begin:
            heappop(taken)
        if len(taken) < channels:
            heappush(taken, finish)
        else:
            missed.append(row)
    lost[missed] = True
    return lost


def _full(calls: Calls, channels: Ints, groups: Ints) -> Flags:
    """Which calls are lost, of those on the groups."""
    full = np.zeros(calls.trunk.size, bool)
    for group in groups.tolist():
        rows = np.flatnonzero(calls.trunk == group)
        rows = rows[np.argsort(calls.start[rows], kind="stable")]
        full[rows] = lost_calls(calls.start[rows], calls.hold[rows], int(channels[group]))
    return full


def _culprit(model: Model, start: Ints) -> Ints:
    """Position of the incident that began last before each call, of those of this service."""
    found, since = np.zeros(start.size, np.int64), np.full(start.size, -1)
    for position, incident in enumerate(model.incidents, 1):
        if incident.service == "voip":
            later = (incident.start <= start) & (incident.start > since)
            found[later], since[later] = position, incident.start
    return found


def _lose(draft: Draft, rows: Ints) -> None:
    draft["disposition"][rows] = _ATTEMPT
    draft["q850"][rows] = NO_CIRCUIT
    draft["sip"][rows] = SERVICE_UNAVAILABLE
    draft["pdd"][rows] = 60 + mixed(draft["id"][rows], 17) % 500  # the answer comes back at once
    draft["wait"][rows] = 0
    draft["talk"][rows] = 0


def erlang_b(traffic: float, channels: int) -> float:
    """Share of calls lost when `traffic` Erlang are offered to `channels` (Erlang's first formula, ITU-T E.520)."""
    lost = 1.0
    for channel in range(1, channels + 1):
        lost = traffic * lost / (channel + traffic * lost)
    return lost
