"""Calls that find every channel of their trunk group busy: a loss system, played call by call; its blocking is Erlang B's.

A call that would leave on a group takes one of its channels from its start to its end; where none is free, it is lost at once,
with Q.850 cause 34 (no circuit available) and SIP 503. Nobody waits and nobody tries again. The state at the beginning of a
block is that of the block before, played from an empty group: after six hours nothing of that beginning is left to see.
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heapify, heappop, heappush

import numpy as np

from datagen.arrivals import BLOCK_MS, SLOT_MS, SLOTS
from datagen.behaviour import DISPOSITIONS
from datagen.model import Draft, Model
from datagen.streams import mixed
from datagen.table import Flags, Ints

NO_CIRCUIT, SERVICE_UNAVAILABLE = 34, 503
_ATTEMPT = DISPOSITIONS.index("call-attempt")
Offered = Callable[[int, bool], Draft]  # calls that begin in a block, with incidents or without


def block_calls(draft: Draft, offered: Offered, model: Model, number: int) -> None:
    """Ends the calls of the block that find no channel. Those lost, or not lost, only because of an incident are its work."""
    channels = model.channels
    tight = np.flatnonzero(could_fill(draft, channels, number))
    if not tight.size:
        return
    before = offered(number - 1, True)
    full = _lost(before, draft, channels, tight)
    struck = bool(draft["hit"].any() or before["hit"].any())
    if struck:
        usual = offered(number, False)
        anyway = _lost(offered(number - 1, False), usual, channels, tight)
        rows = np.flatnonzero((full[: anyway.size] != anyway) & (draft["hit"][: anyway.size] == 0))
        draft["hit"][rows] = _culprit(model, draft["start"][rows])
    _lose(draft, np.flatnonzero(full))


def could_fill(draft: Draft, channels: Ints, number: int) -> Flags:
    """Trunk groups that are worth playing through: a quarter more than the traffic of their busiest five minutes, and four
    standard deviations of it, come near their channels. The others would lose less than one call in ten thousand."""
    groups = channels.size
    slot = np.clip((draft["start"] - number * BLOCK_MS) // SLOT_MS, 0, SLOTS - 1)
    seconds = np.bincount(draft["trunk"] * SLOTS + slot, weights=holding(draft) / 1000, minlength=groups * SLOTS)
    traffic = seconds.reshape(groups, SLOTS).max(axis=1) / (SLOT_MS / 1000)
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


def _lost(before: Draft, draft: Draft, channels: Ints, groups: Ints) -> Flags:
    """Which calls of `draft` are lost, with those of the block before it played first."""
    earlier = before["start"].size
    trunk, start, hold = (
        np.concatenate([before[key], draft[key]]) if key else np.concatenate([holding(before), holding(draft)])
        for key in ("trunk", "start", "")
    )
    full = np.zeros(trunk.size, bool)
    for group in groups.tolist():
        rows = np.flatnonzero(trunk == group)
        rows = rows[np.argsort(start[rows], kind="stable")]
        full[rows] = lost_calls(start[rows], hold[rows], int(channels[group]))
    return full[earlier:]


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
