"""A bench run's traffic: the same weeks with the incidents and without them, as KPI points, and the truth of what was placed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from contracts.clock import epoch_ms, from_epoch_ms, iso
from contracts.settings import Settings
from datagen.incidents import Incident
from datagen.library import read_types
from datagen.model import SERVICES
from datagen.network import read_network
from datagen.pipeline import plan, tables
from datagen.request import Run
from datagen.table import Table
from detectors.adapter import judged_kpis
from detectors.bench.points import Points, points_of
from detectors.bench.scenario import QUIET_DAYS, placed
from detectors.bench.tables import Counts, count
from detectors.subject import Kpi
from kpis import catalogue
from kpis.definitions import Definition
from kpis.parts import BASE_MS

START = date(2026, 9, 7)  # a Monday
_DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class World:
    """`points`: with the incidents; `quiet`: of a run without any; `without`: its parts, by service. Times are epoch ms.

    Baselines are learned from [start_ms, judged_ms), what is judged lies in [judged_ms, end_ms).
    """

    seed: int
    kpis: dict[str, Kpi]
    definitions: dict[str, Definition]
    incidents: tuple[Incident, ...]
    without: dict[str, Counts]
    points: Points
    quiet: Points
    start_ms: int
    judged_ms: int
    end_ms: int


def make(settings: Settings, *, seed: int, weeks: int) -> World:
    """Eight weeks take some ten seconds of a core and about half a gigabyte."""
    start = datetime(START.year, START.month, START.day, tzinfo=UTC)
    days = weeks * 7
    rows = placed(read_network(), read_types(), start=start, days=days, seed=seed)
    definitions = catalogue.load(settings)
    kpis = {one.id: one for one in judged_kpis(definitions) if one.service in SERVICES}
    run = plan(start=START, days=days, seed=seed, incidents=rows)
    wanted = [one for one in definitions.values() if one.id in kpis]
    struck = _counts(run, wanted, days)
    without = _counts(plan(start=START, days=days, seed=seed), wanted, days)
    zone, density = ZoneInfo(settings.text("network.timezone")), int(settings.number("kpi.density"))
    points = points_of(struck, wanted, kpis, _silent(run.model.incidents), density, zone)
    begin = epoch_ms(start)
    return World(
        seed,
        kpis,
        {one.id: one for one in wanted},
        run.model.incidents,
        without,
        points,
        points_of(without, wanted, kpis, {}, density, zone),
        start_ms=begin,
        judged_ms=begin + QUIET_DAYS * _DAY_MS,
        end_ms=epoch_ms(start + timedelta(days=days)),
    )


def days_of(world: World, incident: Incident, *, alone: bool) -> Counts:
    """Counts of the days of an incident in its service: with it and no other, or without any."""
    first, last = incident.start // _DAY_MS, (incident.end - 1) // _DAY_MS
    row = {
        "id": incident.id, "type": incident.type.name, "place": str(incident.place), "strength": incident.strength,
        "start": iso(from_epoch_ms(incident.start)), "end": iso(from_epoch_ms(incident.end)),
    }  # fmt: skip
    begin, days = date(1970, 1, 1) + timedelta(days=first), last - first + 1
    run = plan(services=[incident.service], start=begin, days=days, seed=world.seed, incidents=[row] if alone else None)
    return _counts(run, list(world.definitions.values()), days)[incident.service]


def _counts(run: Run, definitions: Sequence[Definition], days: int) -> dict[str, Counts]:
    services = catalogue.services()
    found = {}
    for service in run.services:
        own = [one for one in definitions if one.service == service]
        made: Iterator[Table] = tables(run, service)
        found[service] = count(own, services[service], made, run.first * _DAY_MS, days * _DAY_MS // BASE_MS)
    return found


def _silent(incidents: Sequence[Incident]) -> dict[str, list[tuple[int, int]]]:
    spans: dict[str, list[tuple[int, int]]] = {}
    for one in incidents:
        if one.type.mechanism == "silence":
            spans.setdefault(one.service, []).append((one.start, one.end))
    return spans
