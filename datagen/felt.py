"""Who felt an incident: counted from the records that it changed, in parts that merge in any order.

A worker counts the days that it makes (`Felt.of(incidents)`, then `add` of each table and `file` of each file that a
file fault touched) and sends its Felt back; `merge` of all of them, however dealt out, gives the same truth file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from contracts.entities import Entity
from datagen.distinct import Distinct, Sighting
from datagen.incidents import Incident
from datagen.people.seen import Seen
from datagen.table import Column, Flags, Table

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
class Signal:
    """What stood in one field of the records that an incident made or changed. `column` says how values are shown."""

    seen: Sighting
    column: Column | None = None

    def shown(self) -> dict[str, object]:
        """`values` (none where there are too many) and, of numbers, the digits that all of them begin with."""
        if self.column is None:
            return {"values": []}
        values = None if self.seen.values is None else sorted(self.seen.values)
        texts = None if values is None else replace(self.column, values=np.array(values, np.int64)).plain()
        shown: dict[str, object] = {"values": texts}
        if self.column.kind == "number":
            shown["prefix"] = f"+{self.seen.prefix()}"
        return shown


@dataclass(slots=True)
class Felt:
    """By incident (its position in the scenario, from 1): customers, entities, records changed, signals, files."""

    customers: dict[int, Distinct] = field(default_factory=dict)
    entities: dict[int, set[Entity]] = field(default_factory=dict)
    records: dict[int, int] = field(default_factory=dict)
    signals: dict[tuple[int, str], Signal] = field(default_factory=dict)
    files: dict[int, set[str]] = field(default_factory=dict)
    places: dict[int, Entity] = field(default_factory=dict)  # of incidents that are given away by fields at their place
    fields: dict[int, dict[str, str]] = field(default_factory=dict)  # which those are
    seen: Seen = field(default_factory=Seen)  # customers with records, whether an incident touched them or not

    @classmethod
    def of(cls, incidents: Sequence[Incident]) -> Felt:
        """Nothing felt yet, of the incidents of a scenario."""
        felt = cls()
        for position, incident in enumerate(incidents, 1):
            if incident.type.signals:
                felt.places[position] = incident.place
                felt.fields[position] = dict(incident.type.signals)
        return felt

    def add(self, service: str, table: Table) -> None:
        """Counts the changed rows of a table. Every row must be counted once, by whichever Felt."""
        self.seen.add(table["_customer"].values)
        hits = table["_hit"].values
        for position in np.unique(hits[hits > 0]).tolist():
            rows = hits == position
            self.customers.setdefault(position, Distinct()).add(table["_customer"].values[rows])
            self.records[position] = self.records.get(position, 0) + int(rows.sum())
            felt = self.entities.setdefault(position, {Entity("service", service)})
            for kind, name in _ENTITIES[service]:
                column = table[name]
                felt.update(Entity(kind, column.labels[i]) for i in np.unique(column.values[rows]).tolist() if i >= 0)
            self._watch(position, service, table, rows)

    def _watch(self, position: int, service: str, table: Table, rows: Flags) -> None:
        for name, where in self.fields.get(position, {}).items():
            there = rows & _at(self.places[position], service, table) if where == "place" else rows
            column = table[name]
            signal = self.signals.setdefault((position, name), Signal(Sighting()))
            signal.column = replace(column, values=column.values[:0])
            signal.seen.add(value for value in np.unique(column.values[there]).tolist() if value >= 0)

    def file(self, position: int, name: str) -> None:
        """A file that a file fault held back, delivered late or delivered twice."""
        self.files.setdefault(position, set()).add(name)

    def merge(self, other: Felt) -> None:
        """Adds what another has counted, of other rows of the same scenario."""
        self.seen.merge(other.seen)
        for position, customers in other.customers.items():
            self.customers.setdefault(position, Distinct()).merge(customers)
        for position, entities in other.entities.items():
            self.entities.setdefault(position, set()).update(entities)
        for position, records in other.records.items():
            self.records[position] = self.records.get(position, 0) + records
        for key, signal in other.signals.items():
            mine = self.signals.setdefault(key, Signal(Sighting()))
            mine.column = mine.column or signal.column
            mine.seen.merge(signal.seen)
        for position, names in other.files.items():
            self.files.setdefault(position, set()).update(names)


def _at(place: Entity, service: str, table: Table) -> Flags:
    """Rows that name the place."""
    there = np.zeros(table["_hit"].values.size, bool)
    for kind, name in _ENTITIES[service]:
        column = table[name]
        if kind == place.type and place.id in column.labels:
            there |= column.values == column.labels.index(place.id)
    return there
