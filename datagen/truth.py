"""The truth file: what was wrong, where, since when, and who felt it. One JSON object a line, one line an incident."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import orjson

from contracts.clock import from_epoch_ms, iso
from contracts.entities import Entity
from datagen.incidents import Incident
from datagen.table import Table

# Entities of a record by service: type and the field that names it.
_ENTITIES = {
    "voip": (
        ("trunk_group", "voip.trunk_group.terminating"),
        ("trunk_group_in", "voip.trunk_group.originating"),
        ("sbc", "voip.ingress.sbc"),
        ("sbc", "voip.egress.sbc"),
    ),
    "sms": (("smsc", "sms.smsc"), ("plan", "subscriber.plan"), ("call_type", "mobile.call_type")),
    "epc": (("apn", "epc.apn"), ("plan", "subscriber.plan"), ("pgw", "epc.pgw.address"), ("rat", "epc.rat")),
}


@dataclass(slots=True)
class Felt:
    """Who felt each incident (by position, from 1): customers, entities, records changed."""

    customers: dict[int, set[int]] = field(default_factory=dict)
    entities: dict[int, set[Entity]] = field(default_factory=dict)
    records: dict[int, int] = field(default_factory=dict)

    def add(self, service: str, table: Table) -> None:
        """Counts the changed rows of a day's table."""
        hits = table["_hit"].values
        for position in np.unique(hits[hits > 0]).tolist():
            rows = hits == position
            self.customers.setdefault(position, set()).update(np.unique(table["_customer"].values[rows]).tolist())
            self.records[position] = self.records.get(position, 0) + int(rows.sum())
            felt = self.entities.setdefault(position, {Entity("service", service)})
            for kind, name in _ENTITIES[service]:
                column = table[name]
                felt.update(Entity(kind, column.labels[i]) for i in np.unique(column.values[rows]).tolist() if i >= 0)


def truth_lines(incidents: Sequence[tuple[int, Incident]], felt: Felt) -> bytes:
    """`incidents` with their positions. `entities` is the place of the cause; `felt_by` what else moves because of it."""
    return b"".join(orjson.dumps(_line(position, incident, felt)) + b"\n" for position, incident in incidents)


def _line(position: int, incident: Incident, felt: Felt) -> dict[str, object]:
    places = [incident.place]
    if incident.place.type == "feed":
        places.append(Entity("service", incident.place.id))
    others = sorted(str(entity) for entity in felt.entities.get(position, set()) if entity not in places)
    return {
        "id": incident.id,
        "type": incident.type.name,
        "service": incident.service,
        "entities": [str(place) for place in places],
        "start": iso(from_epoch_ms(incident.start)),
        "end": iso(from_epoch_ms(incident.end)),
        "kpis": list(incident.type.kpis),
        "strength": incident.strength,
        "shape": incident.shape,
        "description": incident.description,
        "customers_affected": len(felt.customers.get(position, ())),
        "records_affected": felt.records.get(position, 0),
        "felt_by": others,
    }
