"""`busyhour kpi`: the catalogue, and the values of an entity."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import click

from cli.commands.kpi_forecast import forecast
from cli.context import Context, examples, json_option, pass_context
from cli.moments import moment
from cli.output import emit_json, emit_table, shown
from contracts.clock import iso
from contracts.entities import Entity
from contracts.errors import UserError
from kpis.catalogue import find, load
from kpis.definitions import Definition

_INDEX = {"5m": "kpi-5m", "1h": "kpi-1h", "1d": "kpi-1d"}
_UNKNOWN = {"no_data": "no data", "not_measurable": "n/m"}


@click.group(epilog=examples("busyhour kpi list", "busyhour kpi show --entity trunk_group:TG2"))
def kpi() -> None:
    """Key performance indicators: definitions and values."""


kpi.add_command(forecast)


@kpi.command("list", epilog=examples("busyhour kpi list --json"))
@json_option
@pass_context
def list_(context: Context, as_json: bool) -> None:
    """List the catalogue: what each KPI is, its unit, target and source."""
    known = load(context.settings).values()
    if as_json:
        rows = [
            {
                "kpi": each.id,
                "alias": each.alias,
                "title": each.title,
                "service": each.service,
                "unit": each.unit,
                "bad": each.bad,
                "target": each.target,
                "standard": each.standard,
                "dimensions": each.dimensions,
            }
            for each in known
        ]
        emit_json({"kpis": rows})
        return
    emit_table(
        ("kpi", "alias", "unit", "target", "title", "standard"),
        [[each.id, each.alias, each.unit, _target(each), each.title, each.standard] for each in known],
    )


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
    known = load(context.settings)
    chosen = [find(known, name) for name in names]
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
    headings = ["from (UTC)", *(f"{known[name].alias} [{known[name].unit}]" if name in known else name for name in ids)]
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
    chosen: list[Definition],
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


def _target(definition: Definition) -> str:
    return "" if definition.target is None else f"{definition.target_op} {shown(definition.target)}"
