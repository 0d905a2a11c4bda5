"""`busyhour kpi compare|rank|trend`: beside itself, beside its peers, and over time."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import click

from cli.context import Context, examples, json_option, pass_context
from cli.kpi_options import entity_of, period_of, period_options, registry_of
from cli.output import emit_json, emit_pairs, emit_table, shown
from contracts.clock import iso
from contracts.errors import UserError
from mediation.enrich.references import Tables, fills


@click.command(
    epilog=examples(
        "busyhour kpi compare NER --entity trunk_group:TG2",
        "busyhour kpi compare voip.asr --since 2026-11-20T10:00 --until 2026-11-20T11:00 --json",
    )
)
@click.argument("kpi")
@click.option("--entity", help="TYPE:ID; the whole service or network by default.")
@period_options
@json_option
@pass_context
def compare(
    context: Context, kpi: str, entity: str | None, period: str, since: str | None, until: str | None, as_json: bool
) -> None:
    """Hold a KPI beside the period before, the same hours of earlier weeks, its target, and its peers.

    Over a single hour, "usual" is that hour of the week in the four weeks before.
    """
    from kpis import history

    registry = registry_of(context)
    one = registry.find(kpi)
    start, end = period_of(context, period, since, until)
    found = history.compare(context.store, registry, one, entity_of(entity, one), start, end)
    target, place = found.limits.target, found.place
    answer = {
        "kpi": one.id,
        "entity": found.entity,
        "from": iso(start),
        "to": iso(end),
        "unit": one.unit,
        "value": found.now.value,
        "samples": found.now.samples,
        "before": found.before.value,
        "last_week": found.last_week.value,
        "usual": found.usual,
        "usual_spread": found.spread,
        "target": None if target is None else f"{target.op} {target.value:g}",
        "breached": found.level,
        "place": None if place is None or found.peers is None else f"{place.place} of {len(found.peers.rows)}",
        "beside_peers": None if place is None else place.word,
    }
    emit_json(answer) if as_json else emit_pairs(answer)


@click.command(
    epilog=examples("busyhour kpi rank NER --by trunk_group", "busyhour kpi rank sms.delivery_ratio --by plan --json")
)
@click.argument("kpi")
@click.option("--by", "kind", required=True, help="Entity type, such as trunk_group; or region (of trunk groups).")
@period_options
@json_option
@pass_context
def rank(
    context: Context, kpi: str, kind: str, period: str, since: str | None, until: str | None, as_json: bool
) -> None:
    """Rank entities fairly: by a value that is drawn to the whole's the more, the less is known of an entity.

    "worse" and "better" lie outside the 99.8 % limits of entities of their size. Regions: table trunk_groups.
    """
    from kpis import history

    one = registry_of(context).find(kpi)
    start, end = period_of(context, period, since, until)
    groups = _regions(context) if kind == "region" else None
    found = history.rank(context.store, one, "trunk_group" if groups else kind, start, end, groups=groups)
    rows = [row._asdict() for row in found.rows]
    if as_json:
        emit_json(
            {"kpi": one.id, "by": kind, "from": iso(start), "to": iso(end), "whole": found.whole, "ranking": rows}
        )
        return
    table = [
        [row.place, row.entity, row.value, row.fair, row.samples, f"{shown(row.low)} to {shown(row.high)}", row.word]
        for row in found.rows
    ]
    title = f"{one.id} [{one.unit}] by {kind}, {start:%Y-%m-%d} to {end:%Y-%m-%d}; all together {shown(found.whole)}"
    emit_table(("place", "entity", "value", "fair value", "samples", "like the rest", "it is"), table, title=title)


def _regions(context: Context) -> dict[str, str]:
    """Trunk group → region, by the reference table."""
    folder = context.settings.text("reference.folder")
    fill = next(each for each in fills() if each.table == "trunk_groups")
    regions = Tables(Path(folder) if folder else None).columns(fill).get("region", {})
    if not regions:
        raise UserError("no trunk group has a region", where="reference.folder", remedy="see docs/enrichment.md")
    return {f"trunk_group:{name}": str(region) for name, region in regions.items()}


@click.command(
    epilog=examples("busyhour kpi trend voip.ner --entity trunk_group:TG2 --period month", "busyhour kpi trend ERL")
)
@click.argument("kpi")
@click.option("--entity", help="TYPE:ID; the whole service or network by default.")
@period_options
@json_option
@pass_context
def trend(
    context: Context, kpi: str, entity: str | None, period: str, since: str | None, until: str | None, as_json: bool
) -> None:
    """Show where a KPI is going by the day, when its level changed, and how it follows the day and the week."""
    from kpis import history

    one = registry_of(context).find(kpi)
    who = entity_of(entity, one)
    start, end = period_of(context, period, since, until)
    days = history.series(context.store, one, who, start, end, 86400)
    found = history.trend(days)
    if found is None:
        raise UserError(
            f"only {days.known} days have a value", where=f"{one.id} of {who}", remedy="8 are needed: --period month"
        )
    zone = ZoneInfo(context.settings.text("network.timezone"))
    hours = history.series(context.store, one, who, max(start, end - timedelta(days=56)), end, 3600)
    cycle = history.seasons(hours, zone)
    answer = {
        "kpi": one.id,
        "entity": who,
        "unit": one.unit,
        "days": days.known,
        "word": found.word,
        "slope_per_week": found.slope,
        "slope_from": found.low,
        "slope_to": found.high,
        "daily_season": cycle.daily if cycle else None,
        "weekly_season": cycle.weekly if cycle else None,
        "highest_hour": cycle.highest_hour if cycle else None,
        "lowest_hour": cycle.lowest_hour if cycle else None,
    }
    changes = [{"at": iso(each.at), "before": each.before, "after": each.after} for each in found.changes]
    if as_json:
        emit_json({**answer, "changes": changes})
        return
    emit_pairs({name.replace("_", " "): value for name, value in answer.items()})
    rows = [[each["at"], each["before"], each["after"]] for each in changes]
    emit_table(("from (UTC)", "mean before", "mean after"), rows, title="\nChanges of level", empty="none")
