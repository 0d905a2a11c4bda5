"""VoIP calls: who calls whom, what becomes of it, and how it sounds."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from datagen import capacity, mechanisms, quality
from datagen.arrivals import Span, arrivals
from datagen.behaviour import DISPOSITIONS
from datagen.demand import Drawn, drawn, level
from datagen.mechanisms import strike
from datagen.model import Draft, Model
from datagen.people.base import line_number
from datagen.people.circles import peers
from datagen.streams import Stream, lognormal, mixed, pick
from datagen.table import MISSING, Column, Floats, Ints, Table, decimal, label, time, whole

ANSWERED = DISPOSITIONS.index("answered")
LONGEST_WAIT_MS = 600_000
LONGEST_PDD_MS = 60_000
_SIDES = ("calling", "called")


def blocks(model: Model) -> Callable[[Span], Table]:
    """A function that makes the calls that begin in a block of six hours or a part of it, in no order. Fields as in
    contracts.fields.VOIP. What one says does not depend on what was asked before; in order of time it is quicker."""
    groups = capacity.Groups(model, lambda span, struck: _offered(model, span, struck))

    def block(span: Span) -> Table:
        draft = _offered(model, span)
        groups.block_calls(draft, span)
        return _finished(draft, model)

    return block


def _offered(model: Model, span: Span, struck: bool = True) -> Draft:
    """Calls as they would be if trunk groups had channels without end; with incidents, or without."""
    voip = model.network.voip
    clocks = [group.clock for group in voip.trunks]
    curves = [(model.network.profiles[group.profile], group.clock) for group in voip.trunks]
    trunk, start = arrivals(
        model.streams,
        "voip",
        span,
        per_day=model.per_day["voip"] * _levels(model, "share") / _levels(model, "share").sum(),
        curves=curves,
        noise=model.behaviour.noise,
        factor=level(model.network.growth, "voip", span.block, clocks, _plan_use(model), model.customers.base.plans),
    )
    rng = model.streams("voip", "calls", *span.name)
    draft: Draft = {"trunk": trunk, "start": start, "hit": np.zeros(start.size, np.int64)}
    draft["id"] = mixed(span.first_id + np.arange(start.size), model.seed)
    _route(draft, model, rng)
    _parties(draft, model, rng)
    _outcome(draft, model, rng)
    _media(draft, model, rng)
    if struck:
        strike(model, "voip", span, draft, mechanisms.VOIP)
    return draft


def _plan_use(model: Model) -> Floats:
    """Share of each plan in the calls of each trunk group: the same for all."""
    groups = model.network.voip.access
    shares = np.array([group.share for group in groups])
    consumers = float(shares @ [group.callers == "consumer" for group in groups] / shares.sum())
    use = consumers * model.customers.plan_shares("consumer") + (1 - consumers) * model.customers.plan_shares(
        "business"
    )
    return np.tile(use, (len(model.network.voip.trunks), 1))


def _levels(model: Model, key: str) -> Floats:
    return np.array([group.numbers[key] for group in model.network.voip.trunks])


def _route(draft: Draft, model: Model, rng: Stream) -> None:
    voip, size = model.network.voip, draft["trunk"].size
    home = np.array([voip.sbcs.index(group.sbc) for group in voip.trunks])
    draft["egress"] = home[draft["trunk"]]
    elsewhere = rng.random(size) >= model.behaviour.voip.figures["same_sbc"]
    other = (draft["egress"] + 1 + (rng.random(size) * (len(voip.sbcs) - 1)).astype(np.int64)) % len(voip.sbcs)
    draft["ingress"] = np.where(elsewhere, other, draft["egress"])


def _parties(draft: Draft, model: Model, rng: Stream) -> None:
    """Ours call people elsewhere; calls from another carrier go to the businesses that the trunk group serves."""
    customers, trunk, groups = model.customers, draft["trunk"], model.network.voip.access
    callers, shares = np.array([group.callers for group in groups]), np.array([group.share for group in groups])
    clocks = [group.clock for group in model.network.voip.trunks]

    def somebody(rows: Ints) -> Drawn:
        access = pick(rng, shares, rows.size)
        business, consumer = customers.some_business_on(rng, trunk[rows]), customers.some_consumer(rng, rows.size)
        return {"access": access, "customer": np.where(callers[access] == "consumer", consumer, business)}

    draft |= drawn(model, "voip", rng, somebody, draft["start"], trunk, clocks)
    ours = draft["customer"]
    line = customers.some_line(rng, ours)
    mine, theirs = customers.number(ours, line), peers(rng, model.outside, line_number(ours, line), customers)
    incoming = callers[draft["access"]] == "foreign"
    draft["calling_number"] = np.where(incoming, theirs, mine)
    draft["called_number"] = np.where(incoming, mine, theirs)


def _outcome(draft: Draft, model: Model, rng: Stream) -> None:
    habits, trunk = model.behaviour.voip, draft["trunk"]
    figures, size = habits.figures, trunk.size
    chance = rng.random(size)
    answered = chance < _levels(model, "answered")[trunk]
    failed = chance >= 1 - _levels(model, "failed")[trunk]
    waits = lognormal(rng, figures["ring.median_sec"], figures["ring.sigma"], size)
    draft["disposition"] = np.full(size, ANSWERED)
    draft["q850"] = np.full(size, int(figures["answered.q850"]))
    draft["sip"] = np.full(size, int(figures["answered.sip"]))
    for ways, rows in ((habits.unanswered, ~answered & ~failed), (habits.failed, failed)):
        way = ways.draw(rng, size)
        draft["disposition"] = np.where(rows, ways.disposition[way], draft["disposition"])
        draft["q850"] = np.where(rows, ways.q850[way], draft["q850"])
        draft["sip"] = np.where(rows, ways.sip[way], draft["sip"])
        waits = np.where(rows, lognormal(rng, ways.median_sec[way], ways.sigma[way], size), waits)
    draft["wait"] = np.minimum(LONGEST_WAIT_MS, 1000 * waits).astype(np.int64)
    pdd = lognormal(rng, _levels(model, "pdd_ms")[trunk], figures["pdd_sigma"], size)
    draft["pdd"] = np.clip(pdd, 1, LONGEST_PDD_MS).astype(np.int64)
    talk = lognormal(rng, figures["talk.median_sec"], figures["talk.sigma"], size)
    talk_ms = (1000 * np.clip(talk, 0.5, figures["talk.longest_sec"])).astype(np.int64)
    draft["talk"] = np.where(answered, talk_ms, 0)


def _media(draft: Draft, model: Model, rng: Stream) -> None:
    """Jitter and loss of both legs rise and fall together: one hidden quality a call and one a leg."""
    habits, trunk = model.behaviour.voip, draft["trunk"]
    size = trunk.size
    draft["codec"] = habits.codecs.draw(rng, size)
    draft["delay"] = lognormal(rng, _levels(model, "delay_ms")[trunk], 0.12, size)
    call = rng.standard_normal(size)
    for side in _SIDES:
        leg = 0.5 * call + 0.75**0.5 * rng.standard_normal(size)
        jitter = _levels(model, "jitter_ms")[trunk] * np.exp(habits.figures["jitter_sigma"] * leg)
        lossy = 0.6 * leg + 0.8 * rng.standard_normal(size)
        draft[f"{side}_jitter"] = jitter
        draft[f"{side}_loss"] = np.minimum(
            1, _levels(model, "loss")[trunk] * np.exp(habits.figures["loss_sigma"] * lossy)
        )
        draft[f"{side}_chance"] = rng.random(size)


def _finished(draft: Draft, model: Model) -> Table:
    network = model.network
    answered = draft["disposition"] == ANSWERED
    rung = draft["start"] + draft["pdd"] + draft["wait"]
    end = rung + draft["talk"]
    skew = draft.get("skew", 0)  # of the clock that the times are read from; the record is delivered when it always was
    trunks = network.names("trunk_group")
    table: Table = {
        "_time": time(end),
        "_hit": whole(draft["hit"]),
        "_customer": whole(draft["customer"]),
        "@timestamp": time(end + skew),
        "event.start": time(draft["start"] + skew),
        "event.end": time(end + skew),
        "voip.call_id": Column("hex", draft["id"]),
        "voip.answer": time(np.where(answered, rung + skew, MISSING)),
        "voip.duration.sec": Column("decimal", np.where(answered, draft["talk"], MISSING), places=3),
        "voip.calling.number": Column("number", draft["calling_number"]),
        "voip.called.number": Column("number", draft["called_number"]),
        "voip.disposition": label(draft["disposition"], DISPOSITIONS),
        "voip.release.q850": whole(draft["q850"]),
        "voip.release.sip": whole(draft["sip"]),
        "voip.pdd.ms": whole(draft["pdd"]),
        "voip.codec": label(np.where(answered, draft["codec"], MISSING), model.behaviour.voip.codecs.words),
        "voip.ingress.sbc": label(draft["ingress"], network.voip.sbcs),
        "voip.egress.sbc": label(draft["egress"], network.voip.sbcs),
        "voip.trunk_group.originating": label(draft["access"], network.names("trunk_group_in")),
        "voip.trunk_group.terminating": label(draft["trunk"], trunks),
    }
    for side in _SIDES:
        table |= _leg(side, draft, model, answered)
    return table


def _leg(side: str, draft: Draft, model: Model, answered: Ints) -> Table:
    """What one side received: figures on answered calls only, made from delay, jitter and loss."""
    habits = model.behaviour.voip
    jitter, loss, codec = draft[f"{side}_jitter"], draft[f"{side}_loss"], draft["codec"]
    sent = draft["talk"] // int(habits.figures["packet_ms"])
    lost = np.minimum(sent, (sent * loss + draft[f"{side}_chance"]).astype(np.int64))
    heard_loss = np.minimum(1, lost / np.maximum(sent, 1) + quality.late_share(jitter, habits.figures["buffer_ms"]))
    delay = draft["delay"] + habits.figures["buffer_ms"]
    r = quality.r_factor(delay, heard_loss, habits.impairment[codec], habits.robustness[codec])
    name = f"voip.{side}"
    return {
        f"{name}.packets.expected": whole(np.where(answered, sent, MISSING)),
        f"{name}.packets.lost": whole(np.where(answered, lost, MISSING)),
        f"{side}_received": whole(np.where(answered, sent - lost, MISSING)),
        f"{name}.jitter.ms": decimal(np.where(answered, jitter, np.nan), 2),
        f"{name}.r_factor": decimal(np.where(answered, r, np.nan), 2),
        f"{name}.mos": decimal(np.where(answered, quality.mos(r), np.nan), 2),
    }
