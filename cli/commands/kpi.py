"""`busyhour kpi`: the catalogue, and the values of an entity."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import click

from cli.commands.kpi_collect import collect, gaps, metrics, push, retain
from cli.commands.kpi_compare import compare, rank, trend
from cli.commands.kpi_definitions import alias_of, define, described, explain, limits_in_words, overlay, retire
from cli.commands.kpi_forecast import forecast
from cli.commands.kpi_report import report, watches
from cli.commands.kpi_values import entries, export, import_, set_
from cli.context import Context, examples, json_option, pass_context
from cli.kpi_options import registry_of, registry_or_shipped
from cli.moments import moment
from cli.output import emit_json, emit_table, shown
from contracts.clock import iso
from contracts.entities import Entity
from contracts.errors import UserError
from kpis.tracking import Tracked

_INDEX = {"5m": "kpi-5m", "1h": "kpi-1h", "1d": "kpi-1d"}
_UNKNOWN = {"no_data": "no data", "not_measurable": "n/m"}


@click.group(epilog=examples("busyhour kpi list", "busyhour kpi show --entity trunk_group:TG2"))
def kpi() -> None:
    """Key performance indicators: definitions and values."""


for _command in (
    collect, compare, define, entries, explain, export, forecast, gaps, import_, metrics, overlay, push, rank, report,
    retain, retire, set_, trend, watches,
):  # fmt: skip
    kpi.add_command(_command)


@kpi.command("list", epilog=examples("busyhour kpi list", "busyhour kpi list --group congestion --json"))
@click.option("--group", help="Only this group, such as congestion or books.")
@click.option("--retired", is_flag=True, help="Retired ones, too.")
@json_option
@pass_context
def list_(context: Context, group: str | None, retired: bool, as_json: bool) -> None:
    """List every KPI: what it is, its unit, target and source, those that people define included."""
    known = registry_or_shipped(context).known
    rows = [
        known[name] for name in sorted(known) if (retired or known[name].active) and group in (None, known[name].group)
    ]
    if as_json:
        emit_json({"kpis": [_row(each) for each in rows]})
        return
    emit_table(
        ("kpi", "alias", "group", "unit", "target", "title", "source"),
        [
            [each.id, alias_of(each), each.group, each.unit, limits_in_words(each.limits), each.name, each.source]
            for each in rows
        ],
    )


def _row(each: Tracked) -> dict[str, Any]:
    target = each.limits.target
    return described(each) | {"target": target.value if target else None, "dimensions": each.dimensions}


@kpi.command(
    epilog=examples(
        "busyhour kpi show --entity trunk_group:TG2",
        "busyhour kpi show --entity service:sms --kpi sms.delivery_ratio --resolution 5m --since 2026-11-18T14:00",
    )
)
@click.option("--entity", required=True, help="TYPE:ID, such as service:voip or trunk_group:TG2.")
@click.option("--kpi", "names", multiple=True, help="Only this KPI (id or alias); may be repeated.")
@click.option(
    "--resolution", type=click.Choice(tuple(_INDEX)), help="Length of a bucket; by default an hour, a day where thin."
)
@click.option("--since", help="From this time (UTC).")
@click.option("--until", help="Up to this time (UTC); the newest point by default.")
@click.option("--last", type=click.IntRange(1, 2000), default=24, show_default=True, help="So many buckets at most.")
@json_option
@pass_context
def show(
    context: Context,
    entity: str,
    names: tuple[str, ...],
    resolution: str | None,
    since: str | None,
    until: str | None,
    last: int,
    as_json: bool,
) -> None:
    """Show the values of an entity, bucket by bucket. "n/m": not measurable; "no data": no proof that the feed was alive."""
    registry = registry_of(context)
    known = registry.known
    chosen = [registry.find(name) for name in names]
    for length in (resolution,) if resolution else ("1h", "1d"):  # a thin series is kept by the day only
        points = _points(context, _entity(entity), chosen, _INDEX[length], since, until, last)
        if points:
            break
    if as_json:
        emit_json({"entity": entity, "resolution": length, "points": points})
        return
    ids = sorted({point["kpi"]["id"] for point in points})
    cells = {(point["@timestamp"], point["kpi"]["id"]): _cell(point["kpi"]) for point in points}
    times = sorted({time for time, _ in cells})
    rows = [[time[:16], *(cells.get((time, name), "") for name in ids)] for time in times]
    headings = ["from (UTC)", *(_heading(known[name]) if name in known else name for name in ids)]
    emit_table(
        headings, rows, title=entity, empty="no points: no such entity, or nothing rolled up (`busyhour rollup`)"
    )


def _entity(text: str) -> Entity:
    try:
        return Entity.parse(text)
    except ValueError as error:
        raise UserError(str(error), where="--entity", remedy="write it as trunk_group:TG2") from None


def _points(
    context: Context,
    entity: Entity,
    chosen: list[Tracked],
    index: str,
    since: str | None,
    until: str | None,
    last: int,
) -> list[dict[str, Any]]:
    """The newest `last` buckets of an entity, oldest first."""
    filters: list[dict[str, Any]] = [{"term": {"entity.type": entity.type}}, {"term": {"entity.id": entity.id}}]
    if chosen:
        filters.append({"terms": {"kpi.id": [each.id for each in chosen]}})
    bounds = {"gte": since, "lt": until}
    span = {name: iso(moment(text, datetime.min)) for name, text in bounds.items() if text}
    if span:
        filters.append({"range": {"@timestamp": span}})
    found = context.store.search(
        index,
        query={"bool": {"filter": filters}},
        size=0,
        aggs={"times": {"terms": {"field": "@timestamp", "size": last, "order": {"_key": "desc"}}}},
    )
    times = [bucket["key_as_string"] for bucket in found.get("aggregations", {}).get("times", {}).get("buckets", [])]
    if not times:
        return []
    filters.append({"range": {"@timestamp": {"gte": times[-1]}}})
    hits = context.store.search(index, query={"bool": {"filter": filters}}, size=10_000, sort=[{"@timestamp": "asc"}])
    return [hit["_source"] for hit in hits["hits"]["hits"]]


def _cell(point: dict[str, Any]) -> str:
    if point["state"] in _UNKNOWN:
        return _UNKNOWN[point["state"]]
    value = point.get("value")
    few = "?" if point["state"] == "insufficient_data" else ""  # too few records to say
    return shown(value) + few if value is not None else "–"


def _heading(each: Tracked) -> str:
    return f"{alias_of(each) or each.id} [{each.unit}]"
