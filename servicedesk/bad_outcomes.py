"""Which records a customer felt: for each service, ES|QL conditions of a bad outcome, and where an entity stands in a record."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import NamedTuple

from contracts.entities import Entity
from contracts.settings import Settings
from detectors.mix import MIXES
from kpis.catalogue import named_values, services

MOST_JITTER_MS = 30  # the shipped target
MOST_LOSS = 0.01  # the shipped target
LEAST_MOS = 3.6  # below it some users are dissatisfied (G.107 Annex B: R = 70)
# Beginnings of a KPI's name after its service. A KPI of neither sort is about calls that fail.
_QUALITY = ("jitter", "packet_loss", "mos", "r_factor")
_DELAY = ("pdd",)


class Place(NamedTuple):
    """Where the records of an entity are: their index (`source`), and the fields of which one names the entity."""

    source: str
    fields: tuple[str, ...]


KEYS = {  # fields that hold keyed hashes of customers' numbers
    "cdr-voip": ("voip.calling.number", "voip.called.number"),
    "cdr-mobile-voice": ("subscriber.msisdn",),
    "cdr-sms": ("subscriber.msisdn",),
    "cdr-epc": ("subscriber.msisdn",),
}
_services = cache(services)


def places(entity: Entity, of: Iterable[str]) -> list[Place]:
    """Where records of an entity of the services `of` are; a service (or its feed) is every record of it: no field."""
    known = _services()
    if entity.type in ("service", "feed"):
        return [Place(known[entity.id].source, ())] if entity.id in known else []
    chosen = [known[name] for name in of if name in known]
    served = [Place(one.source, one.entities[entity.type]) for one in chosen if entity.type in one.entities]
    # What records say beside their places: a release cause, a destination.
    said = [Place(known[mix.service].source, (mix.field,)) for mix in MIXES if mix.entity == entity.type]
    return served + [place for place in said if place.source in {one.source for one in chosen}]


def bad(source: str, kpis: Iterable[str], settings: Settings) -> str:
    """ES|QL condition of the records that went badly in the sense of these KPIs. A delay is felt by every record."""
    words = [kpi.partition(".")[2] for kpi in kpis]
    if source == "cdr-voip":
        if words and all(word.startswith(_DELAY) for word in words):
            return "true"
        parts = (
            [_lost_call(settings)] if not words or any(not w.startswith((*_QUALITY, *_DELAY)) for w in words) else []
        )
        parts += [_poor_quality()] if any(word.startswith(_QUALITY) for word in words) else []
        return " OR ".join(f"({part})" for part in parts)
    if source == "cdr-sms":
        late = settings.number("kpi.sms.within.sec")
        return f'event.outcome == "failure" OR sms.result == "pending" OR sms.delay.sec > {late}'
    return 'event.outcome == "failure"'


def _lost_call(settings: Settings) -> str:
    """Not answered and not the user's doing: what the network effectiveness ratio (kpis/catalogue/voip.ner.yml) leaves out."""
    sets = {
        name: ", ".join(map(str, codes)) for name, codes in named_values(settings).items() if isinstance(codes, tuple)
    }
    q850, sip = "voip.release.q850", "voip.release.sip"
    users = (
        f"{q850} IN ({sets['user_causes']}) OR ({q850} IS NULL OR {q850} IN ({sets['generic_causes']})) AND "
        f"({sip} IN ({sets['user_statuses']}) OR "
        f'({sip} IS NULL OR {sip} IN ({sets["generic_statuses"]})) AND voip.disposition == "ringing")'
    )
    return f'voip.disposition != "answered" AND NOT COALESCE({users}, false)'


def _poor_quality() -> str:
    parts = []
    for side in ("calling", "called"):
        leg = f"voip.{side}"
        parts += [
            f"{leg}.jitter.ms > {MOST_JITTER_MS}",
            f"{leg}.mos < {LEAST_MOS}",
            f"({leg}.packets.expected > 0 AND {leg}.packets.lost > {MOST_LOSS} * {leg}.packets.expected)",
        ]
    return f'voip.disposition == "answered" AND ({" OR ".join(parts)})'
