"""The truth file: what was wrong, where, since when, and who felt it. One JSON object a line, one line an incident."""

from __future__ import annotations

from collections.abc import Sequence

import orjson

from contracts.clock import from_epoch_ms, iso
from contracts.entities import Entity
from datagen.felt import Felt
from datagen.incidents import Incident
from datagen.library import FILE_FAULTS

__all__ = ["Felt", "truth_lines"]


def truth_lines(incidents: Sequence[tuple[int, Incident]], felt: Felt) -> bytes:
    """`incidents` with their positions. `entities` is the place of the cause; `felt_by` what else moves because of it.

    `kpis` move at the place as `moves` says (at its service where they have no such dimension); `signals` are values of
    fields that give it away. `scored`: whether the detectors must find it, within `delay_limit_s` of its start, or the
    books of files. `customers_affected` is exact unless `customers_estimated`.
    """
    return b"".join(orjson.dumps(_line(position, incident, felt)) + b"\n" for position, incident in incidents)


def _line(position: int, incident: Incident, felt: Felt) -> dict[str, object]:
    kind, customers = incident.type, felt.customers.get(position)
    places = [incident.place]
    if incident.place.type == "feed":
        places.append(Entity("service", incident.place.id))
    others = sorted(str(entity) for entity in felt.entities.get(position, set()) if entity not in places)
    moves = kind.kpis_of(incident.service)
    if kind.mechanism == "skew_clock":
        customers = None  # their service is as good as ever
    return {
        "id": incident.id,
        "type": kind.name,
        "service": incident.service,
        "entities": [str(place) for place in places],
        "start": iso(from_epoch_ms(incident.start)),
        "end": iso(from_epoch_ms(incident.end)),
        "kpis": list(moves),
        "moves": moves,
        "signals": {name: signal.shown() for (at, name), signal in sorted(felt.signals.items()) if at == position},
        "strength": incident.strength,
        "shape": incident.shape,
        "description": incident.description,
        "scored_by": kind.scored_by,
        "scored": kind.scored_by == "detector",
        "delay_limit_s": kind.delay_limit.total_seconds(),
        "customers_affected": customers.count if customers else 0,
        "customers_estimated": customers.more if customers else False,
        "records_affected": felt.records.get(position, 0),
        "felt_by": others,
    } | (_delivery(position, incident, felt) if kind.mechanism in FILE_FAULTS else {})


def _delivery(position: int, incident: Incident, felt: Felt) -> dict[str, object]:
    """Of a file fault: the source, and the files that it held back, delivered late or delivered twice."""
    return {"source": incident.place.id, "files": sorted(felt.files.get(position, set()))}
