"""Every type of the library: the KPIs that its truth names move as it says, at the entities that it names, and nowhere else.

Each is generated twice from one seed, with and without, and the pure twin of the roll-up makes the KPIs of both.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any

import numpy as np
import orjson
import pytest

from contracts.entities import Entity
from datagen.felt import Felt
from datagen.incidents import Incident, read_scenario
from datagen.library import FILE_FAULTS, read_types
from datagen.mechanisms import RECORDS, SESSIONS, SMS, VOIP
from datagen.network import read_network
from datagen.table import MISSING, Table
from datagen.truth import truth_lines
from detectors.evaluation import labelled
from kpis.parts import Key, Parts
from tests.datagen.kpis_of_tables import BUCKET_MS, DEFINITIONS, Window, change, entity_of, generated, parts

FIRST, DAYS, RATE, SEED = date(2026, 11, 10), 2, 8000, 1  # Tuesday and Wednesday
START = datetime(2026, 11, 11, 10, tzinfo=UTC)
END = datetime(2026, 11, 12, tzinfo=UTC)
LONGEST = timedelta(hours=2)
SLOW = dict.fromkeys(
    ("gradual_degradation", "irsf", "jitter_storm", "trunk_outage"), timedelta(hours=4)
)  # for enough calls
HOUR_MS = 3_600_000
TYPES, NETWORK = read_types(), read_network()
PLACES = {
    "trunk_group": "TG2",
    "sbc": "fra-sbc",
    "trunk_group_in": "carrier-in",
    "smsc": "smsc-2",
    "apn": "internet",
    "pgw": NETWORK.epc.pgws[0],
    "feed": "sms",
}
RAISED = {"gradual_degradation": 0.6}  # of five days, the last hours: what little is lost in the first shows no KPI
CASES = [
    pytest.param(name, place, id=f"{name}-{place}")
    for name, kind in TYPES.items()
    if kind.mechanism not in FILE_FAULTS
    for place in kind.places
]
ENTITY_FIELDS = {
    "trunk_group": ("voip.trunk_group.terminating",),
    "trunk_group_in": ("voip.trunk_group.originating",),
    "sbc": ("voip.ingress.sbc", "voip.egress.sbc"),
    "smsc": ("sms.smsc",),
    "apn": ("epc.apn",),
    "pgw": ("epc.pgw.address",),
}


def scenario_row(name: str, place: str) -> dict[str, Any]:
    kind = TYPES[name]
    end = START + min(kind.duration, SLOW.get(name, LONGEST))
    row = {"type": name, "place": f"{place}:{PLACES[place]}", "start": START, "end": end}
    return row | ({"strength": RAISED[name]} if name in RAISED else {})


def placed(row: Mapping[str, Any]) -> Incident:
    return read_scenario([row], NETWORK, end=END, types=TYPES)[0]


@cache
def usual(service: str) -> Table:
    return generated(service, FIRST, DAYS, RATE, SEED, [])


@cache
def struck(name: str, place: str) -> Table:
    row = scenario_row(name, place)
    return generated(placed(row).service, FIRST, DAYS, RATE, SEED, [row])


@cache
def usual_parts(service: str) -> dict[Key, Parts]:
    begins = round(START.timestamp() * 1000)
    return parts(service, usual(service), Window(begins - HOUR_MS, begins + 6 * HOUR_MS))


def truth_of(row: Mapping[str, Any], service: str, table: Table) -> dict[str, Any]:
    felt = Felt.of([placed(row)])
    felt.add(service, table)
    line: dict[str, Any] = orjson.loads(truth_lines([(1, placed(row))], felt))
    return line


def rows_of(table: Table) -> list[tuple[int, ...]]:
    """Everything in each row but what only the generator knows, and the number in the day."""
    columns = [column.values.tolist() for name, column in table.items() if name[0] != "_" and name != "cdr.record"]
    return list(zip(*columns, strict=True))


@pytest.mark.parametrize(("name", "place"), CASES)
def test_kpis_move_as_the_truth_says_and_nowhere_else(name: str, place: str) -> None:
    row = scenario_row(name, place)
    incident = placed(row)
    service = incident.service
    with_it = struck(name, place)
    truth = truth_of(row, service, with_it)
    window = Window(incident.start, incident.end)
    around = Window(incident.start - HOUR_MS // 2, incident.end + HOUR_MS)
    now = parts(service, with_it, around)
    was = {key: one for key, one in usual_parts(service).items() if around.start <= key.bucket * BUCKET_MS < around.end}
    assert set(truth["moves"]) == set(truth["kpis"])
    for kpi, definition in DEFINITIONS.items():
        if definition.service != service:
            continue
        for entity in entity_of(definition, truth["entities"], service):
            found = change(kpi, entity, was, now, window)
            if truth["moves"].get(kpi) == "shifts":
                assert_shifts(kpi, entity, was, now)
            elif kpi in truth["moves"]:
                assert found.moves() == truth["moves"][kpi], f"{kpi} of {entity}: {found}"
            else:
                assert found.stays(), f"{kpi} of {entity} is not in the truth: {found}"
    named = {*truth["entities"], *truth["felt_by"]}
    elsewhere = {key for key in {*was, *now} if was.get(key) != now.get(key) and key.entity not in named}
    assert not elsewhere, f"KPIs of entities that the truth does not name: {sorted(elsewhere)[:5]}"
    early = {
        key for key in {*was, *now} if was.get(key) != now.get(key) and (key.bucket + 1) * BUCKET_MS <= incident.start
    }
    assert {key.kpi for key in early} <= {"epc.volume"}, "a session that is cut has carried its bytes over less time"


def assert_shifts(kpi: str, entity: str, was: Mapping[Key, Parts], now: Mapping[Key, Parts]) -> None:
    """The same records in other buckets."""
    before, after = (
        {key.bucket: one.numerator for key, one in found.items() if key[:2] == (kpi, entity)} for found in (was, now)
    )
    assert sum(before.values()) == sum(after.values())
    assert before != after


@pytest.mark.parametrize(("name", "place"), CASES)
def test_records_outside_the_incident_are_the_same_byte_for_byte(name: str, place: str) -> None:
    row = scenario_row(name, place)
    incident = placed(row)
    with_it, without = struck(name, place), usual(incident.service)
    hit = with_it["_hit"].values == 1
    assert hit.any()
    before, after = rows_of(without), rows_of(with_it)
    untouched = Counter(line for line, changed in zip(after, hit.tolist(), strict=True) if not changed)
    assert not untouched - Counter(before), "a record that is not marked has changed"
    gone = np.array([line not in untouched for line in before])
    assert at_place(without, gone, incident.place).all(), "a record of another place has changed"
    begins, ends = without["event.start"].values[gone], without["_time"].values[gone]
    within = (begins < incident.end) & (ends >= incident.start)
    assert within.all() or incident.service == "epc", "what follows on a session that was cut is missing later"
    assert (begins < incident.end + 6 * HOUR_MS).all()


def at_place(table: Table, rows: np.ndarray, place: Entity) -> np.ndarray:
    there = np.zeros(int(rows.sum()), bool)
    for name in ENTITY_FIELDS[place.type]:
        column = table[name]
        there |= column.values[rows] == column.labels.index(place.id)
    return there


@pytest.mark.parametrize("name", list(TYPES))
def test_evaluation_reads_the_truth_of_every_type(name: str) -> None:
    row = scenario_row(name, TYPES[name].places[0])
    line = truth_lines([(1, placed(row))], Felt.of([placed(row)])).decode()
    read = labelled(line, "truth.ndjson:1")
    assert (read.type, read.service, read.scored) == (name, placed(row).service, TYPES[name].scored_by == "detector")
    assert read.entities[0] == row["place"]
    assert read.start == START


@pytest.mark.parametrize("name", [name for name, kind in TYPES.items() if kind.signals])
def test_signals_of_the_truth_give_the_incident_away(name: str) -> None:
    row = scenario_row(name, TYPES[name].places[0])
    incident = placed(row)
    with_it = struck(name, TYPES[name].places[0])
    truth = truth_of(row, incident.service, with_it)
    assert set(truth["signals"]) == set(TYPES[name].signals)
    for field, signal in truth["signals"].items():
        share_with, share_without = (
            share_of(signal, field, table, incident, TYPES[name].signals[field])
            for table in (with_it, usual(incident.service))
        )
        assert share_with > share_without + 0.1, f"{field}: {signal}"


def share_of(signal: Mapping[str, Any], field: str, table: Table, incident: Incident, where: str) -> float:
    """Of the records within the incident (at its place), those whose field has one of the values, or begins as they do."""
    begins = table["event.start"].values
    rows = (begins >= incident.start) & (begins < incident.end) & (table[field].values != MISSING)
    if where == "place":
        rows[rows] = at_place(table, rows, incident.place)
    shown = table[field].take(np.flatnonzero(rows)).plain()
    if signal["values"] is not None:
        return sum(value in signal["values"] for value in shown) / len(shown)
    return sum(value.startswith(signal["prefix"]) for value in shown) / len(shown)


def test_every_type_has_a_mechanism_that_is_carried_out() -> None:
    at_work = {*VOIP, *SMS, *SESSIONS, *RECORDS, *FILE_FAULTS}
    assert {kind.mechanism for kind in TYPES.values()} == at_work


def test_every_type_says_how_it_is_told() -> None:
    for name, kind in TYPES.items():
        assert kind.about.endswith("."), name
        assert kind.kpis or kind.signals or kind.mechanism in FILE_FAULTS, f"{name} moves nothing that we see"
        assert kind.delay_limit > timedelta(0)
        low, default, high = kind.strength[1], kind.strength[0], kind.strength[2]
        assert low <= default <= high
        assert kind.description.format(place="X", strength=default)


def test_types_name_kpis_of_the_catalogue_and_fields_of_the_records() -> None:
    for name, kind in TYPES.items():
        assert set(kind.kpis) <= set(DEFINITIONS), name
        for field in kind.signals:
            assert field in usual(kind.service), name


@pytest.mark.parametrize(
    "name", [name for name, kind in TYPES.items() if kind.mechanism in ("late_files", "duplicate_files")]
)
def test_file_faults_leave_the_records_alone(name: str) -> None:
    row = scenario_row(name, "feed")
    assert rows_of(generated("sms", FIRST, DAYS, RATE, SEED, [row])) == rows_of(usual("sms"))
    truth = truth_of(row, "sms", usual("sms"))
    assert (truth["source"], truth["scored"], truth["kpis"]) == ("sms", False, [])
