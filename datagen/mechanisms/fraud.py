"""Calls that somebody makes for the money that they bring: rung once, pumped, or led past the carrier."""

from __future__ import annotations

import numpy as np

from datagen.behaviour import DISPOSITIONS
from datagen.mechanisms.calls import access_of, some_of
from datagen.mechanisms.strike import Strike, append, copies, mean_per_day, moments
from datagen.model import Draft
from datagen.streams import lognormal
from datagen.table import Ints

_ANSWERED, _RINGING = DISPOSITIONS.index("answered"), DISPOSITIONS.index("ringing")
_RANGE_DIGITS = 7  # after the range's prefix
_LONGEST_TALK_SEC = 10_800
_CALL_BACK_SEC = (600, 0.8, 3600)  # median, sigma and longest time until a victim calls back
_RARE_PART = 0.05  # cards of a SIM box are bought for it: of the customers who hardly use theirs


def ring_once(draft: Draft, at: Strike) -> None:
    """Wangiri: few numbers of a foreign range ring many subscribers once and hang up; some call back, and pay."""
    start = moments(at, mean_per_day(at.model, "trunk_group_in", at.incident.index))
    size, customers = start.size, at.model.customers
    more = copies(draft, at.rng.integers(0, draft["start"].size, size))
    more["start"] = start
    more["access"] = np.full(size, at.incident.index)
    victim = customers.some_consumer(at.rng, size)
    more["customer"] = victim
    more["calling_number"] = some_of(at, _in_range(at), size)
    more["called_number"] = customers.number(victim, customers.some_line(at.rng, victim))
    more["disposition"] = np.full(size, _RINGING)
    more["q850"] = np.full(size, 16)
    more["sip"] = np.full(size, 487)
    more["wait"] = (1000 * lognormal(at.rng, at.figure("ring_sec"), 0.3, size)).astype(np.int64)
    more["talk"] = np.zeros(size, np.int64)
    append(draft, more, at)
    _call_back(draft, more, at)


def _call_back(draft: Draft, rung: Draft, at: Strike) -> None:
    rows = np.flatnonzero(at.rng.random(rung["start"].size) < at.figure("call_back"))
    median, sigma, longest = _CALL_BACK_SEC
    back = copies(rung, rows)
    later = np.minimum(longest, lognormal(at.rng, median, sigma, rows.size))
    back["start"] = rung["start"][rows] + (1000 * later).astype(np.int64)
    back["access"] = some_of(at, access_of(at, "consumer"), rows.size)
    back["calling_number"], back["called_number"] = rung["called_number"][rows], rung["calling_number"][rows]
    _answer(back, 90, 0.7, at)
    append(draft, back, at)


def pump_calls(draft: Draft, at: Strike) -> None:
    """Revenue share (IRSF): a hacked PBX on the trunk group makes long calls to numbers of a high-cost range."""
    start = moments(at, mean_per_day(at.model, "trunk_group", at.incident.index))
    size = start.size
    more = copies(draft, at.rng.integers(0, draft["start"].size, size))
    home = at.model.network.voip.sbcs.index(at.model.network.voip.trunks[at.incident.index].sbc)
    more["start"] = start
    more["trunk"] = np.full(size, at.incident.index)
    more["egress"] = more["ingress"] = np.full(size, home)
    more["access"] = some_of(at, access_of(at, "business"), size)
    customer, numbers = _hacked(at)
    more["customer"] = np.full(size, customer)
    more["calling_number"] = some_of(at, numbers, size)
    more["called_number"] = int(at.figure("range")) * 10**_RANGE_DIGITS + at.rng.integers(0, 10**_RANGE_DIGITS, size)
    _answer(more, at.figure("talk_sec"), 0.5, at)
    busy = at.rng.random(size) >= at.figure("answered")
    for key, value in (("disposition", _RINGING), ("q850", 17), ("sip", 486), ("wait", 400), ("talk", 0)):
        more[key] = np.where(busy, value, more[key])
    append(draft, more, at)


def bypass_carrier(draft: Draft, at: Strike) -> None:
    """SIM box: calls from abroad leave the carrier's trunk group and come in as local ones, from a handful of our own
    numbers that are never called; the detour over the radio costs delay."""
    incident = at.incident
    chance = np.where(draft["access"] == incident.index, incident.strength * incident.level(draft["start"]), 0.0)
    rows = np.flatnonzero(at.rng.random(chance.size) < chance)
    draft["access"][rows] = some_of(at, access_of(at, "consumer"), rows.size)
    draft["calling_number"][rows] = some_of(at, _cards(at), rows.size)
    draft["delay"][rows] += at.figure("delay_ms")
    draft["hit"][rows] = at.position


def _answer(more: Draft, talk_sec: float, sigma: float, at: Strike) -> None:
    size = more["start"].size
    more["disposition"] = np.full(size, _ANSWERED)
    more["q850"] = np.full(size, 16)
    more["sip"] = np.full(size, 200)
    more["wait"] = (1000 * at.rng.uniform(0.5, 3, size)).astype(np.int64)
    more["talk"] = (1000 * np.clip(lognormal(at.rng, talk_sec, sigma, size), 1, _LONGEST_TALK_SEC)).astype(np.int64)


def _in_range(at: Strike) -> Ints:
    """The fraudster's own numbers."""
    low = int(at.figure("range")) * 10**_RANGE_DIGITS
    return np.asarray(low + at.fixed("numbers").integers(0, 10**_RANGE_DIGITS, int(at.figure("numbers"))))


def _hacked(at: Strike) -> tuple[int, Ints]:
    """The customer whose PBX it is, one of those whom the trunk group serves, and the numbers it shows."""
    who, customers = at.fixed("hacked"), at.model.customers
    n = customers.some_business_on(who, np.array([at.incident.index]))
    lines = np.arange(min(int(at.figure("numbers")), int(customers.lines(n)[0])))
    return int(n[0]), customers.number(np.repeat(n, lines.size), lines)


def _cards(at: Strike) -> Ints:
    customers, sims = at.model.customers, int(at.figure("sims"))
    consumers = customers.consumers
    rare = max(min(sims, consumers), int(consumers * _RARE_PART))
    n = customers.consumer_at(customers.consumers - 1 - at.fixed("cards").integers(0, rare, sims))
    return customers.number(n, np.zeros(sims, np.int64))
