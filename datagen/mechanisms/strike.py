"""One incident at work on one block (or part of one), and how a mechanism adds records of its own."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from datagen.arrivals import Span
from datagen.incidents import Incident
from datagen.model import Draft, Model
from datagen.streams import Stream, mixed
from datagen.table import Flags, Floats, Ints

_SLOT_MS = 60_000
_SALT = 16  # above what the blocks salt the ids of their own records with


class Strike(NamedTuple):
    """An incident (`position` in the scenario, from 1) at a block of a service; `rng` is a stream of its own."""

    position: int
    incident: Incident
    rng: Stream
    model: Model
    span: Span

    @property
    def last_end(self) -> int:
        """The latest moment (ms) at which a record of this block may end."""
        return self.span.last_end

    def figure(self, name: str) -> float:
        return self.incident.type.figures[name]

    def fixed(self, *name: str | int) -> Stream:
        """A stream that is the same in every block: for who does it, as opposed to when."""
        return self.model.streams(self.incident.service, "incident", self.incident.id, "fixed", *name)


Mechanism = Callable[[Draft, Strike], None]


def strike(model: Model, service: str, span: Span, draft: Draft, mechanisms: Mapping[str, Mechanism]) -> None:
    """Every incident of the service whose mechanism is among `mechanisms`, in the order of the scenario."""
    for position, incident in enumerate(model.incidents, 1):
        mechanism = mechanisms.get(incident.type.mechanism)
        near = incident.overlaps(span.start, span.last_end + 1)  # no record of the block is alive outside
        if mechanism is not None and incident.service == service and near and draft["start"].size:
            rng = model.streams(service, "incident", incident.id, incident.type.mechanism, *span.name)
            mechanism(draft, Strike(position, incident, rng, model, span))


def copies(draft: Draft, rows: Ints) -> Draft:
    """Rows of the draft as the beginnings of new ones: whatever a mechanism does not set is that of a usual record."""
    return {key: column[rows].copy() for key, column in draft.items()}


def append(draft: Draft, more: Draft, at: Strike, kept: Flags | None = None) -> None:
    """Puts new records (those of `kept`) behind the draft's own, with ids that no other record has, marked as hit."""
    size = more["start"].size
    more["hit"] = np.full(size, at.position)
    if "id" in more:
        salt = at.model.seed + _SALT + (zlib.crc32(at.incident.id.encode()) << 8)
        born = int(np.sum(draft["hit"] == at.position))  # so that a second handful does not take the ids of the first
        more["id"] = mixed(at.span.first_id + born + np.arange(size), salt)
    for key in draft:
        added = more[key] if kept is None else more[key][kept]
        draft[key] = np.concatenate([draft[key], added])


def moments(at: Strike, per_day: float) -> Ints:
    """Times (ms) within the block and the incident of a Poisson process of `per_day` × strength × level."""
    start = max(at.incident.start, at.span.start)
    end = min(at.incident.end, at.span.end)
    if end <= start:
        return np.zeros(0, np.int64)
    slots = np.arange(start, end, _SLOT_MS)
    length = np.minimum(_SLOT_MS, end - slots)
    mean = per_day / 86_400_000 * at.incident.strength * at.incident.level(slots + length // 2) * length
    counts = at.rng.poisson(mean)
    owner = np.repeat(np.arange(slots.size), counts)
    return slots[owner] + (length[owner] * at.rng.random(owner.size)).astype(np.int64)


def mean_per_day(model: Model, kind: str, index: int) -> float:
    """Usual records a day of a place: a trunk group, or the group that calls come in on."""
    voip = model.network.voip
    shares: Floats = np.array(
        [group.numbers["share"] for group in voip.trunks]
        if kind == "trunk_group"
        else [group.share for group in voip.access]
    )
    return float(model.per_day["voip"] * shares[index] / shares.sum())
