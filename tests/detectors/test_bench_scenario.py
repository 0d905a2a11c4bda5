"""The bench places the whole library, each seed elsewhere, and its oracle sees what can be seen."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from contracts.clock import epoch_ms, parse_iso
from contracts.settings import read
from datagen.incidents import read_scenario
from datagen.library import read_types
from datagen.network import read_network
from datagen.pipeline import plan, tables
from detectors.adapter import judged_kpis
from detectors.bench.oracle import SURE, look
from detectors.bench.points import Points
from detectors.bench.scenario import QUIET_DAYS, STRENGTHS, placed, services_of, strength_of
from detectors.bench.tables import count
from detectors.bench.truth import label
from detectors.bench.world import START, World
from kpis import catalogue

BEGIN = datetime(START.year, START.month, START.day, tzinfo=UTC)
TYPES, NETWORK = read_types(), read_network()
DAYS = 3


@pytest.mark.parametrize("seed", [1, 2])
def test_every_type_is_placed_at_every_strength_apart_from_the_others(seed: int) -> None:
    rows = placed(NETWORK, TYPES, start=BEGIN, days=56, seed=seed)
    assert {row["type"] for row in rows} == set(TYPES)
    assert len([row for row in rows if row["type"] == "trunk_outage"]) == len(STRENGTHS)
    assert rows == placed(NETWORK, TYPES, start=BEGIN, days=56, seed=seed)
    assert min(parse_iso(row["start"]) for row in rows) >= BEGIN + timedelta(days=QUIET_DAYS)
    assert max(parse_iso(row["end"]) for row in rows) <= BEGIN + timedelta(days=56)
    spans: dict[str, list[tuple[datetime, datetime]]] = {}
    for row, service in zip(rows, services_of(rows, TYPES), strict=True):
        begin, end = parse_iso(row["start"]), parse_iso(row["end"])
        if end - begin < timedelta(days=1):
            spans.setdefault(service, []).append((begin, end))
    for own in spans.values():
        own.sort()
        assert all(one[1] + timedelta(hours=2) <= two[0] for one, two in pairwise(own))
    read_scenario(rows, NETWORK, end=BEGIN + timedelta(days=56), types=TYPES, start=BEGIN)  # raises what is wrong


def test_seeds_place_them_elsewhere() -> None:
    one, other = (placed(NETWORK, TYPES, start=BEGIN, days=56, seed=seed) for seed in (1, 2))
    assert [row["start"] for row in one] != [row["start"] for row in other]


def test_a_strength_is_a_share_of_the_usual_one_and_of_a_factor_what_lies_above_1() -> None:
    assert strength_of(TYPES["trunk_outage"], 0.5) == pytest.approx(0.425)
    assert strength_of(TYPES["flash_crowd"], 0.5) == pytest.approx(3.5)
    assert strength_of(TYPES["trunk_outage"], 1e-9) == TYPES["trunk_outage"].strength[1]


def _world() -> World:
    definitions = [one for one in catalogue.load(read({})).values() if one.service == "voip"]
    kpis = {one.id: one for one in judged_kpis(definitions)}
    run = plan(services=["voip"], start=START, days=DAYS, seed=7)
    counts = count(definitions, catalogue.services()["voip"], tables(run, "voip"), epoch_ms(BEGIN), DAYS * 288)
    wanted = {one.id: one for one in definitions if one.id in kpis}
    start = epoch_ms(BEGIN)
    points = Points({}, ZoneInfo("UTC"))
    return World(7, kpis, wanted, (), {"voip": counts}, points, points, start, start, start + DAYS * 86_400_000)


def test_the_oracle_sees_an_outage_at_once_and_nothing_where_nothing_is() -> None:
    world = _world()
    row = {"type": "trunk_outage", "place": "TG2", "start": "2026-09-08T10:00:00Z"}
    (outage,) = read_scenario([row], NETWORK, end=BEGIN + timedelta(days=DAYS), types=TYPES)
    seen = look(world, outage)
    assert seen.visible
    assert seen.after_s is not None
    assert seen.after_s <= 900
    assert seen.surprise > SURE
    assert "trunk_group:TG2" in seen.where
    assert label(outage, seen).scored
    row = {"type": "late_files", "place": "feed:voip", "start": "2026-09-08T10:00:00Z"}
    (late,) = read_scenario([row], NETWORK, end=BEGIN + timedelta(days=DAYS), types=TYPES)
    nothing = look(world, late)
    assert nothing.surprise == 0
    assert not nothing.visible
    assert not label(late, nothing).scored
