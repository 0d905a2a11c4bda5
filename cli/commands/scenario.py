"""`busyhour scenario`: the library of incident types, and files that place them in time."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import click

from cli.context import examples, json_option
from cli.output import emit_json, emit_pairs, emit_table
from cli.scenario_option import ScenarioType, scenario_of
from contracts.clock import from_epoch_ms, iso
from contracts.errors import DefinitionError
from datagen.definitions import nearest
from datagen.incidents import Incident, read_scenario
from datagen.library import IncidentType, read_types, words_of
from datagen.model import SERVICES
from datagen.network import NETWORK, read_network

_NETWORK = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.group(epilog=examples("busyhour scenario list", "busyhour scenario show sim_box"))
def scenario() -> None:
    """Incidents that `generate` can put into its records: the types, and files that place them."""


@scenario.command("list", epilog=examples("busyhour scenario list --json"))
@json_option
def list_(as_json: bool) -> None:
    """List the types of incidents: where each strikes, what it moves, who must find it and how soon."""
    kinds = list(read_types().values())
    if as_json:
        emit_json({"types": [_described(kind) for kind in kinds]})
        return
    emit_table(
        ("type", "service", "strikes a", "moves", "found by", "within"),
        [
            [
                kind.name,
                kind.service,
                " or ".join(kind.places),
                moves_of(kind),
                kind.scored_by,
                words_of(kind.delay_limit),
            ]
            for kind in kinds
        ],
    )


@scenario.command(epilog=examples("busyhour scenario show wangiri", "busyhour scenario show trunk_outage --json"))
@click.argument("name", metavar="TYPE")
@json_option
def show(name: str, as_json: bool) -> None:
    """Show one type: what it is, its strength, shape, usual time and parameters."""
    kinds = read_types()
    if name not in kinds:
        raise DefinitionError(
            f"there is no incident type {name!r}{nearest(name, kinds)}", remedy="`busyhour scenario list` shows them"
        )
    described = _described(kinds[name])
    if as_json:
        emit_json(described)
    else:
        emit_pairs(_shown(described))


@scenario.command(
    epilog=examples(
        "busyhour scenario check incidents.yml --days 28 --start 2026-11-02", "busyhour scenario check all --days 28"
    )
)
@click.argument("incidents", type=ScenarioType(), metavar="FILE|all")
@click.option("--days", type=int, default=7, show_default=True, help="Whole days of the run.")
@click.option("--start", type=click.DateTime(["%Y-%m-%d"]), required=True, help="First day of the run.")
@click.option("--service", "services", type=click.Choice(SERVICES), multiple=True, help="Only these; all by default.")
@click.option("--network", type=_NETWORK, help="Network (YAML) instead of datagen/network.yml.")
@json_option
def check(
    incidents: Path | str, days: int, start: datetime, services: tuple[str, ...], network: Path | None, as_json: bool
) -> None:
    """Check a scenario file against a run: what is wrong and where, or the incidents with their times."""
    placed = _placed(incidents, start.date(), days, services or SERVICES, network)
    if as_json:
        emit_json({"incidents": [_row(one) for one in placed]})
        return
    emit_table(("incident", "place", "start", "end", "what"), [[*_row(one).values()][:5] for one in placed])


def _placed(
    incidents: Path | str, first: date, days: int, services: tuple[str, ...], network: Path | None
) -> tuple[Incident, ...]:
    net = read_network(network or NETWORK)
    begin = datetime(first.year, first.month, first.day, tzinfo=UTC)
    source = scenario_of(incidents, services=services, first=first, days=days, network=net)
    end = begin + timedelta(days=max(days, 0))
    return read_scenario(source or (), net, start=begin, end=end, types=read_types())


def _row(one: Incident) -> dict[str, Any]:
    start, end = (iso(from_epoch_ms(moment)) for moment in (one.start, one.end))
    what = {"id": one.id, "place": str(one.place), "start": start, "end": end, "description": one.description}
    return what | {"type": one.type.name, "service": one.service, "strength": one.strength, "shape": one.shape}


def moves_of(kind: IncidentType) -> str:
    """KPIs and what they do, then the fields that give it away."""
    moves = [f"{kpi} {move}" for kpi, move in kind.kpis.items()]
    return ", ".join([*moves, *(f"values of {field}" for field in kind.signals)]) or "no KPI"


def _described(kind: IncidentType) -> dict[str, Any]:
    default, low, high = kind.strength
    row: dict[str, Any] = {"type": kind.name, "about": kind.about, "service": kind.service, "places": list(kind.places)}
    row |= {"callers": kind.callers} if kind.callers else {}
    row |= {"strength": {"default": default, "low": low, "high": high, "meaning": kind.meaning}, "shape": kind.shape}
    row |= {"usual_duration": words_of(kind.duration), "usual_time": kind.time, "mechanism": kind.mechanism}
    row |= {"parameters": {**kind.figures, **kind.words}}
    if kind.failures is not None:
        ways = {key: column.tolist() for key, column in asdict(kind.failures).items()}
        row["failures"] = [dict(zip(ways, values, strict=True)) for values in zip(*ways.values(), strict=True)]
    row |= {"kpis": dict(kind.kpis), "signals": dict(kind.signals)}
    return row | {"scored_by": kind.scored_by, "delay_limit_s": kind.delay_limit.total_seconds()}


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    """The same for people: a line a thing."""
    strength = row["strength"]
    failures = row.pop("failures", [])
    causes = ", ".join(f"{way['q850']} ({way['share']:.0%})" for way in failures)
    return (
        row
        | {
            "places": " or ".join(row["places"]),
            "strength": f"{strength['default']:g}, from {strength['low']:g} to {strength['high']:g}: {strength['meaning']}",
            "parameters": ", ".join(f"{key} {value}" for key, value in row["parameters"].items()) or "none",
            "kpis": ", ".join(f"{kpi} {move}" for kpi, move in row["kpis"].items()) or "none",
            "signals": ", ".join(row["signals"]) or "none",
        }
        | ({"causes (Q.850)": causes} if causes else {})
    )
