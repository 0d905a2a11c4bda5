"""How an incident changes records: each mechanism works on the cause, and the figures follow from it.

A mechanism changes only records that the incident touches, draws from a stream of its own (so that every other record
stays the same byte for byte), and marks what it changed in `hit` with the incident's position, counted from 1.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from datagen.incidents import Incident
from datagen.model import Draft, Model
from datagen.streams import Stream, lognormal
from datagen.table import Flags, Ints


class Strike(NamedTuple):
    """One incident at work on one block."""

    position: int
    incident: Incident
    rng: Stream


Mechanism = Callable[[Draft, Strike], None]


def strike(model: Model, service: str, block: int, draft: Draft, mechanisms: Mapping[str, Mechanism]) -> None:
    """Every incident of the service whose mechanism is among `mechanisms`, in the order of the scenario."""
    for position, incident in enumerate(model.incidents, 1):
        mechanism = mechanisms.get(incident.type.mechanism)
        if mechanism is not None and incident.service == service:
            rng = model.streams(service, "incident", incident.id, incident.type.mechanism, block)
            mechanism(draft, Strike(position, incident, rng))


def fail_calls(draft: Draft, at: Strike) -> None:
    """New calls that would leave on the trunk group end at once, unanswered, with the causes of the type."""
    incident, failures = at.incident, at.incident.type.failures
    assert failures is not None, "checked when the library was read"  # noqa: S101
    chance = np.where(draft["trunk"] == incident.index, incident.strength * incident.level(draft["start"]), 0.0)
    rows = np.flatnonzero(at.rng.random(chance.size) < chance)
    way = failures.draw(at.rng, rows.size)
    draft["disposition"][rows] = failures.disposition[way]
    draft["q850"][rows] = failures.q850[way]
    draft["sip"][rows] = failures.sip[way]
    wait = 1000 * lognormal(at.rng, failures.median_sec[way], failures.sigma[way], rows.size)
    draft["pdd"][rows] = np.maximum(1, wait).astype(np.int64)  # the dialler hears of it when the failure comes back
    draft["wait"][rows] = 0
    draft["talk"][rows] = 0
    draft["hit"][rows] = at.position


def disturb_media(draft: Draft, at: Strike) -> None:
    """Legs at the SBC get more jitter and loss; their calls are shorter."""
    incident, figures = at.incident, at.incident.type.figures
    level = np.where(draft["talk"] > 0, incident.level(draft["start"]), 0.0)
    touched = np.zeros(level.size, bool)
    for side, sbc in (("calling", "ingress"), ("called", "egress")):
        here = (draft[sbc] == incident.index) & (level > 0)
        draft[f"{side}_jitter"] = np.where(
            here, draft[f"{side}_jitter"] * (1 + (incident.strength - 1) * level), draft[f"{side}_jitter"]
        )
        extra = figures["loss"] * level * at.rng.gamma(4, 0.25, level.size)
        draft[f"{side}_loss"] = np.where(here, np.minimum(1, draft[f"{side}_loss"] + extra), draft[f"{side}_loss"])
        touched |= here
    shorter = np.maximum(500, draft["talk"] * (1 - figures["shorter"] * level)).astype(np.int64)
    draft["talk"] = np.where(touched, np.minimum(draft["talk"], shorter), draft["talk"])
    draft["hit"][touched] = at.position


def delay_messages(draft: Draft, at: Strike) -> None:
    """Messages of the SMS centre wait in its queue, but those that go first; which expire there follows from their validity."""
    incident, figures = at.incident, at.incident.type.figures
    queued = (draft["smsc"] == incident.index) & (at.rng.random(draft["smsc"].size) >= figures["priority"])
    level = np.where(queued, incident.level(draft["start"]), 0.0)
    wait = 1000 * incident.strength * level * lognormal(at.rng, 1.0, figures["sigma"], level.size)
    late = wait >= 1
    draft["delay"] = np.where(late, draft["delay"] + wait.astype(np.int64), draft["delay"])
    in_queue = late & (wait >= draft["validity"])
    draft["expired_error"] = np.where(in_queue, int(figures["expired_error"]), draft["expired_error"])
    draft["hit"][late] = at.position


def cut_sessions(draft: Draft, at: Strike) -> None:
    """Sessions under way on the APN during the incident are released abnormally, each at a moment within it."""
    incident = at.incident
    first = np.maximum(draft["start"], incident.start)
    last = np.minimum(draft["start"] + draft["duration"], incident.end)
    under_way = (draft["apn"] == incident.index) & (first < last)
    moment = first + ((last - first) * at.rng.random(first.size)).astype(np.int64)
    chance = np.where(under_way, incident.strength * incident.level(moment), 0.0)
    cut = at.rng.random(first.size) < chance
    kept = np.where(cut, np.maximum(1000, moment - draft["start"]), draft["duration"])
    draft["duration"] = kept
    draft["abnormal"] |= cut
    draft["hit"][cut] = at.position


def slow_records(draft: Draft, at: Strike) -> None:
    """Records on the APN carry less for the time that they share with the incident."""
    incident = at.incident
    end = draft["start"] + draft["duration"]
    shared = np.minimum(end, incident.end) - np.maximum(draft["start"], incident.start)
    touched: Flags = (draft["apn"] == incident.index) & (shared > 0)
    middle: Ints = np.maximum(draft["start"], incident.start) + shared // 2
    lost = (1 - incident.type.figures["throughput"]) * incident.level(middle)
    factor = np.where(touched, 1 - lost * shared / draft["duration"], 1.0)
    draft["up"] = draft["up"] * factor
    draft["down"] = draft["down"] * factor
    draft["hit"][touched] = at.position
