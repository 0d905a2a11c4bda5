"""Packet data sessions, cut into the records that a P-GW writes (3GPP TS 32.251: one at a time limit, one at the end)."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np

from datagen import mechanisms
from datagen.arrivals import Span, arrivals
from datagen.demand import Drawn, drawn, level
from datagen.mechanisms import strike
from datagen.model import Draft, Model
from datagen.people.devices import technologies
from datagen.people.places import cells
from datagen.streams import Stream, lognormal, mixed
from datagen.table import Column, Floats, Ints, Table, label, time, whole

CAUSES = ("normal_release", "abnormal_release", "time_limit")
_NORMAL, _ABNORMAL, _TIME_LIMIT = range(3)
_CHARGING_IDS = 2**32
_SCATTER = 1_640_531_527  # odd: scatters charging ids one to one; below 2^31: no overflow


def block(model: Model, span: Span) -> Table:
    """Records of the sessions that begin in a block of six hours or a part of it, in no order. Fields as in
    contracts.fields.EPC."""
    apns, customers = model.network.epc.apns, model.customers
    shares, areas = _levels(model, "share"), customers.area_shares()
    clocks = customers.clocks * shares.size
    sessions = model.per_day["epc"] * shares / shares.sum() / records_a_session(model)
    source, start = arrivals(
        model.streams,
        "epc",
        span,
        per_day=np.outer(sessions, areas).ravel(),
        curves=[(model.network.profiles[apn.profile], clock) for apn in apns for clock in customers.clocks],
        noise=model.behaviour.noise,
        factor=level(model.network.growth, "epc", span.block, clocks, _plan_use(model), customers.base.plans),
    )
    rng = model.streams("epc", "sessions", *span.name)
    draft: Draft = {"apn": source // areas.size, "start": start, "hit": np.zeros(start.size, np.int64)}
    draft["area"] = source % areas.size
    draft["made"] = np.zeros(start.size, np.int64)  # position of the incident that a whole session is the work of
    _subscriber(draft, model, rng)
    _session(draft, model, rng)
    draft["cell"] = cells(model, model.streams("epc", "cells", *span.name), draft, _rats(model))
    strike(model, "epc", span, draft, mechanisms.SESSIONS)
    _charging_ids(draft, model, span)
    records = _cut(draft, int(1000 * model.behaviour.epc.figures["partial_sec"]))
    strike(model, "epc", span, records, mechanisms.RECORDS)
    return _finished(records, model)


def records_a_session(model: Model) -> Floats:
    """Expected records a session on each APN: one, and one more for every time limit that it outlives."""
    figures = model.behaviour.epc.figures
    limits = np.arange(figures["partial_sec"], figures["longest_sec"], figures["partial_sec"])
    sigma = max(figures["session_sigma"], 1e-9)
    normal = NormalDist()
    return np.array(
        [
            1 + sum(1 - normal.cdf(np.log(limit / median) / sigma) for limit in limits)
            for median in _levels(model, "median_sec")
        ]
    )


def _levels(model: Model, key: str) -> Floats:
    return np.array([apn.numbers[key] for apn in model.network.epc.apns])


def _subscriber(draft: Draft, model: Model, rng: Stream) -> None:
    customers = model.customers
    for_business, thing = (
        np.array([getattr(apn, key) == word for apn in model.network.epc.apns])[draft["apn"]]
        for key, word in (("users", "business"), ("rat", "thing"))
    )

    def somebody(rows: Ints) -> Drawn:
        business = for_business[rows] | (rng.random(rows.size) < model.behaviour.epc.figures["business"])
        area = draft["area"][rows]
        ours = customers.some_business(rng, rows.size, area), customers.some_consumer(rng, rows.size, area)
        return {"customer": np.where(business, *ours)}

    draft |= drawn(model, "epc", rng, somebody, draft["start"], draft["area"], customers.clocks)
    ours = draft["customer"]
    draft["line"] = np.where(thing, customers.some_thing(rng, ours), customers.some_line(rng, ours))
    draft["pgw"] = mixed(draft["customer"], model.seed + 4) % len(model.network.epc.pgws)


def _plan_use(model: Model) -> Floats:
    """Share of each plan in the traffic of each source."""
    customers, share = model.customers, model.behaviour.epc.figures["business"]
    business = np.array([1.0 if apn.users == "business" else share for apn in model.network.epc.apns])[:, None]
    use = business * customers.plan_shares("business") + (1 - business) * customers.plan_shares("consumer")
    return np.repeat(use, len(customers.clocks), axis=0)


def _session(draft: Draft, model: Model, rng: Stream) -> None:
    apn, figures = draft["apn"], model.behaviour.epc.figures
    size = apn.size
    draft["rat"] = np.zeros(size, np.int64)
    device, chance = model.customers.device(draft["customer"], draft["line"]), rng.random(size)
    for index, entry in enumerate(model.network.epc.apns):
        mix, rows = model.behaviour.epc.rats[entry.rat], apn == index
        names = np.array([_rats(model).index(word) for word in mix.words])
        able = technologies(model.customers.devices, device[rows], entry.rat, mix.words, mix.shares, chance[rows])
        draft["rat"][rows] = names[able]
    seconds = lognormal(rng, _levels(model, "median_sec")[apn], figures["session_sigma"], size)
    draft["duration"] = (1000 * np.clip(seconds, 1, figures["longest_sec"])).astype(np.int64)
    # Long sessions carry more, but not in proportion.
    down = lognormal(rng, _levels(model, "down_bytes")[apn], _levels(model, "spread")[apn], size)
    down *= (draft["duration"] / 1000 / _levels(model, "median_sec")[apn]) ** 0.5
    draft["down"] = (
        down / draft["duration"]
    )  # bytes a millisecond, so that a cut session's earlier records stay as they were
    draft["up"] = draft["down"] * lognormal(rng, _levels(model, "uplink")[apn], figures["uplink_sigma"], size)
    draft["abnormal"] = rng.random(size) < _levels(model, "abnormal")[apn]


def _charging_ids(draft: Draft, model: Model, span: Span) -> None:
    room = 2**20 if span.parts == 1 else 2**18  # unique for 1,024 days; in parts for 4,096 days over their number
    turn = (span.block * span.parts + span.part) % (_CHARGING_IDS // room)
    counter = turn * room + np.arange(draft["start"].size) % room
    draft["charging_id"] = (counter * _SCATTER + model.seed) % _CHARGING_IDS


def _rats(model: Model) -> tuple[str, ...]:
    return tuple(dict.fromkeys(word for words in model.behaviour.epc.rats.values() for word in words.words))


def _cut(session: Draft, limit: int) -> Draft:
    """One row a record: full intervals of `limit` ms, then the rest."""
    parts = np.maximum(1, -(-session["duration"] // limit))
    owner = np.repeat(np.arange(parts.size), parts)
    sequence = np.arange(owner.size) - np.repeat(np.cumsum(parts) - parts, parts)
    last = sequence == parts[owner] - 1
    whole_session = session["duration"][owner]
    record = {key: column[owner] for key, column in session.items()}
    record["sequence"] = sequence + 1
    record["start"] = session["start"][owner] + sequence * limit
    record["duration"] = np.where(last, whole_session - sequence * limit, limit)
    ending = np.where(record["abnormal"], _ABNORMAL, _NORMAL)
    record["cause"] = np.where(last, ending, _TIME_LIMIT)
    # A session that was cut is an incident's work in its last record only; the ones before it were written as usual.
    record["hit"] = np.where(record["made"] > 0, record["made"], np.where(last, record["hit"], 0))
    return record


def _finished(draft: Draft, model: Model) -> Table:
    customers, end = model.customers, draft["start"] + draft["duration"]
    skew = draft.get("skew", 0)  # of the P-GW's clock; the record is delivered when it always was
    up = (draft["up"] * draft["duration"]).astype(np.int64)
    down = (draft["down"] * draft["duration"]).astype(np.int64)
    names = model.network.names
    return {
        "_time": time(end),
        "_hit": whole(draft["hit"]),
        "_customer": whole(draft["customer"]),
        "@timestamp": time(end + skew),
        "event.start": time(draft["start"] + skew),
        "event.end": time(end + skew),
        "epc.duration.sec": Column("decimal", draft["duration"], places=3),
        "subscriber.msisdn": Column("number", customers.number(draft["customer"], draft["line"])),
        "subscriber.imsi": whole(customers.imsi(draft["customer"], draft["line"])),
        "subscriber.imei": Column("imei", customers.imei(draft["customer"], draft["line"])),
        "subscriber.plan": label(customers.plan(draft["customer"]), customers.base.plans),
        "subscriber.cell": label(draft["cell"], customers.base.radio.cells),
        "epc.apn": label(draft["apn"], names("apn")),
        "epc.rat": label(draft["rat"], _rats(model)),
        "epc.qci": whole(_levels(model, "qci")[draft["apn"]]),
        "epc.uplink.bytes": whole(up),
        "epc.downlink.bytes": whole(down),
        "epc.total.bytes": whole(up + down),
        "epc.cause_for_closing": label(draft["cause"], CAUSES),
        "epc.final": label((draft["cause"] != _TIME_LIMIT).astype(np.int64), ("false", "true")),
        "epc.pgw.address": label(draft["pgw"], names("pgw")),
        "epc.charging_id": whole(draft["charging_id"]),
        "epc.record_sequence": whole(draft["sequence"]),
    }
