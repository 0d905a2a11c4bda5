"""Short messages: submitted, then delivered at once, later, or never."""

from __future__ import annotations

import numpy as np

from datagen import mechanisms
from datagen.arrivals import Span, arrivals
from datagen.demand import Drawn, drawn, level
from datagen.mechanisms import strike
from datagen.model import Draft, Model
from datagen.people.base import line_number
from datagen.people.circles import peers
from datagen.people.places import cells
from datagen.streams import Stream, lognormal, mixed, pick_for
from datagen.table import MISSING, Column, Floats, Ints, Table, label, time, whole

CALL_TYPES = ("SMS-MO", "SMS-MT")
RESULTS = ("delivered", "failed", "expired")
_DELIVERED, _FAILED, _EXPIRED = range(3)


def block(model: Model, span: Span) -> Table:
    """Messages submitted in a block of six hours or a part of it, in no order. Fields as in contracts.fields.SMS."""
    sms, customers = model.network.sms, model.customers
    shares, areas = np.array(sms.shares), customers.area_shares()
    clocks = customers.clocks * shares.size
    source, start = arrivals(
        model.streams,
        "sms",
        span,
        per_day=model.per_day["sms"] * np.outer(shares / shares.sum(), areas).ravel(),
        curves=[(model.network.profiles[sms.profile], clock) for clock in clocks],
        noise=model.behaviour.noise,
        factor=level(
            model.network.growth, "sms", span.block, clocks, _plan_use(model, len(clocks)), customers.base.plans
        ),
    )
    rng = model.streams("sms", "messages", *span.name)
    draft: Draft = {"smsc": source // areas.size, "start": start, "hit": np.zeros(start.size, np.int64)}
    draft["area"] = source % areas.size
    draft["id"] = mixed(span.first_id + np.arange(start.size), model.seed + 1)
    _parties(draft, model, rng)
    draft["cell"] = cells(model, model.streams("sms", "cells", *span.name), draft, "EUTRAN")
    _fate(draft, model, rng)
    strike(model, "sms", span, draft, mechanisms.SMS)
    return _finished(draft, model)


def _parties(draft: Draft, model: Model, rng: Stream) -> None:
    customers, habits, size = model.customers, model.behaviour.sms, draft["start"].size

    def somebody(rows: Ints) -> Drawn:
        business, area = rng.random(rows.size) < habits.figures["business"], draft["area"][rows]
        ours = customers.some_business(rng, rows.size, area), customers.some_consumer(rng, rows.size, area)
        return {"customer": np.where(business, *ours)}

    draft |= drawn(model, "sms", rng, somebody, draft["start"], draft["area"], customers.clocks)
    draft["line"] = customers.some_line(rng, draft["customer"])
    draft["peer"] = peers(rng, model.outside, line_number(draft["customer"], draft["line"]), customers)
    draft["peer_type"] = pick_for(habits.peers.shares, draft["peer"], model.seed + 22)
    draft["mt"] = (rng.random(size) >= habits.figures["mobile_originated"]).astype(np.int64)


def _plan_use(model: Model, sources: int) -> Floats:
    business = model.behaviour.sms.figures["business"]
    use = business * model.customers.plan_shares("business") + (1 - business) * model.customers.plan_shares("consumer")
    return np.tile(use, (sources, 1))


def _fate(draft: Draft, model: Model, rng: Stream) -> None:
    habits, size = model.behaviour.sms, draft["start"].size
    figures = habits.figures
    quick = lognormal(rng, figures["delay.median_sec"], figures["delay.sigma"], size)
    later = lognormal(rng, figures["retried.median_sec"], figures["retried.sigma"], size)
    retried = rng.random(size) < figures["retried.share"]
    draft["delay"] = (1000 * np.where(retried, later, quick)).astype(np.int64)
    draft["failed"] = rng.random(size) < figures["failed.share"]
    codes = np.array([int(word) for word in habits.errors.words])
    draft["error"] = codes[habits.errors.draw(rng, size)]
    soon = rng.random(size) < figures["validity.short_share"]
    draft["validity"] = np.where(soon, 1000 * figures["validity.short_sec"], 1000 * figures["validity.long_sec"])
    draft["expired_error"] = np.full(size, int(figures["expired_error"]))


def _finished(draft: Draft, model: Model) -> Table:
    customers, start = model.customers, draft["start"]
    stamp = start + draft.get("skew", 0)  # what the centre's clock says; the record is delivered when it always was
    expired = draft["delay"] > draft["validity"]
    result = np.where(expired, _EXPIRED, np.where(draft["failed"], _FAILED, _DELIVERED))
    error = np.select([result == _EXPIRED, result == _FAILED], [draft["expired_error"], draft["error"]], 0)
    return {
        "_time": time(start),
        "_hit": whole(draft["hit"]),
        "_customer": whole(draft["customer"]),
        "@timestamp": time(stamp),
        "event.start": time(stamp),
        "event.end": time(np.where(result == _DELIVERED, stamp + draft["delay"], MISSING)),
        "sms.message_id": Column("hex", draft["id"]),
        "mobile.call_type": label(draft["mt"], CALL_TYPES),
        "sms.result": label(result, RESULTS),
        "sms.error_code": whole(error),
        "sms.smsc": label(draft["smsc"], model.network.sms.smscs),
        "subscriber.plan": label(customers.plan(draft["customer"]), customers.base.plans),
        "subscriber.msisdn": Column("number", customers.number(draft["customer"], draft["line"])),
        "subscriber.imsi": whole(customers.imsi(draft["customer"], draft["line"])),
        "subscriber.imei": Column("imei", customers.imei(draft["customer"], draft["line"])),
        "subscriber.cell": label(draft["cell"], customers.base.radio.cells),
        "peer.number": Column("number", draft["peer"]),
        "peer.type": label(draft["peer_type"], model.behaviour.sms.peers.words),
    }
