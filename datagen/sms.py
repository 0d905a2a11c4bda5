"""Short messages: submitted, then delivered at once, later, or never."""

from __future__ import annotations

import numpy as np

from datagen import mechanisms
from datagen.arrivals import arrivals
from datagen.mechanisms import strike
from datagen.model import Draft, Model, foreign_number
from datagen.streams import Stream, lognormal, mixed
from datagen.table import MISSING, Column, Table, label, time, whole

CALL_TYPES = ("SMS-MO", "SMS-MT")
RESULTS = ("delivered", "failed", "expired")
_DELIVERED, _FAILED, _EXPIRED = range(3)


def block(model: Model, number: int) -> Table:
    """Messages submitted in a block of six hours, in no order. Fields as in contracts.fields.SMS."""
    sms = model.network.sms
    shares = np.array(sms.shares)
    smsc, start = arrivals(
        model.streams,
        "sms",
        number,
        per_day=model.per_day["sms"] * shares / shares.sum(),
        curves=[model.network.profiles[sms.profile]] * shares.size,
        zone=model.network.zone,
        hourly=model.behaviour.hourly,
        daily=model.behaviour.daily,
    )
    rng = model.streams("sms", "messages", number)
    draft: Draft = {"smsc": smsc, "start": start, "hit": np.zeros(start.size, np.int64)}
    draft["id"] = mixed(number * 2**32 + np.arange(start.size), model.seed + 1)
    _parties(draft, model, rng)
    _fate(draft, model, rng)
    strike(model, "sms", number, draft, {"delay_messages": mechanisms.delay_messages})
    return _finished(draft, model)


def _parties(draft: Draft, model: Model, rng: Stream) -> None:
    customers, habits, size = model.customers, model.behaviour.sms, draft["start"].size
    business = rng.random(size) < habits.figures["business"]
    draft["customer"] = np.where(business, customers.some_business(rng, size), customers.some_consumer(rng, size))
    draft["line"] = customers.some_line(rng, draft["customer"])
    draft["peer"] = foreign_number(model, rng, size)
    draft["peer_type"] = habits.peers.draw(rng, size)
    draft["mt"] = (rng.random(size) >= habits.figures["mobile_originated"]).astype(np.int64)


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
    expired = draft["delay"] > draft["validity"]
    result = np.where(expired, _EXPIRED, np.where(draft["failed"], _FAILED, _DELIVERED))
    error = np.select([result == _EXPIRED, result == _FAILED], [draft["expired_error"], draft["error"]], 0)
    return {
        "_time": time(start),
        "_hit": whole(draft["hit"]),
        "_customer": whole(draft["customer"]),
        "@timestamp": time(start),
        "event.start": time(start),
        "event.end": time(np.where(result == _DELIVERED, start + draft["delay"], MISSING)),
        "sms.message_id": Column("hex", draft["id"]),
        "mobile.call_type": label(draft["mt"], CALL_TYPES),
        "sms.result": label(result, RESULTS),
        "sms.error_code": whole(error),
        "sms.smsc": label(draft["smsc"], model.network.sms.smscs),
        "subscriber.plan": label(customers.plan(draft["customer"]), customers.base.plans),
        "subscriber.msisdn": Column("number", customers.number(draft["customer"], draft["line"])),
        "subscriber.imsi": whole(customers.imsi(draft["customer"], draft["line"])),
        "subscriber.imei": Column("imei", customers.imei(draft["customer"], draft["line"])),
        "peer.number": Column("number", draft["peer"]),
        "peer.type": label(draft["peer_type"], model.behaviour.sms.peers.words),
    }
