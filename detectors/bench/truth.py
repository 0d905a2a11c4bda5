"""What a bench run placed and what we found, as evaluation needs them."""

from __future__ import annotations

from contracts.clock import from_epoch_ms
from datagen.incidents import Incident
from detectors.bench.oracle import Seen
from detectors.evaluation import Found, Labelled
from detectors.findings import Incident as Ours


def label(one: Incident, seen: Seen) -> Labelled:
    """A placed incident as a line of a truth file has it; scored when a detector must find it and an oracle sees it."""
    places = [str(one.place), *([f"service:{one.service}"] if one.place.type == "feed" else [])]
    start, end = from_epoch_ms(one.start), from_epoch_ms(one.end)
    scored = one.type.scored_by == "detector" and seen.visible
    limit = one.type.delay_limit.total_seconds()
    return Labelled(
        one.id, one.type.name, one.service, tuple(places), start, end, one.strength, one.description, scored, limit
    )


def ours(one: Ours) -> Found:
    """An incident of ours as evaluation needs it."""
    start, end, detected = (from_epoch_ms(moment) for moment in (one.start, one.end, one.detected))
    return Found(one.id, one.services, tuple(map(str, one.entities)), start, end, detected, one.title)
