"""`busyhour anomaly`, `incident`, `state`: what is wrong, since when, how badly."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import click

from alerting.durations import duration
from cli.context import Context, examples, json_option, pass_context
from cli.output import emit_json, emit_pairs, emit_table
from contracts.clock import from_epoch_ms, iso
from contracts.errors import UserError

_PLURAL = {"anomaly": "anomalies", "incident": "incidents"}


@click.group(epilog=examples("busyhour anomaly list --open", "busyhour anomaly show 3f2a"))
def anomaly() -> None:
    """Deviations of one KPI of one entity, each with its reason."""


@click.group(epilog=examples("busyhour incident list", "busyhour incident show 91c0"))
def incident() -> None:
    """Anomalies of one cause: what alerts and tickets are about."""


@anomaly.command(
    "list", epilog=examples("busyhour anomaly list --open", "busyhour anomaly list --entity trunk_group:TG2 --json")
)
@click.option("--open", "only_open", is_flag=True, help="Only those that still last.")
@click.option("--entity", help="TYPE:ID, such as trunk_group:TG2.")
@click.option("--limit", type=click.IntRange(1, 10000), default=50, show_default=True, help="At most so many.")
@json_option
@pass_context
def list_anomalies(context: Context, only_open: bool, entity: str | None, limit: int, as_json: bool) -> None:
    """List anomalies, latest first."""
    filters: list[dict[str, Any]] = []
    if entity:
        kind, _, name = entity.partition(":")
        filters = [{"term": {"entity.type": kind}}, {"term": {"entity.id": name}}]
    _list(context, "anomaly", "reason", filters, only_open, limit, as_json)


@anomaly.command("show", epilog=examples("busyhour anomaly show 3f2a91c0"))
@click.argument("anomaly_id", metavar="ID")
@json_option
@pass_context
def show_anomaly(context: Context, anomaly_id: str, as_json: bool) -> None:
    """Show one anomaly and what explains it; the first characters of its id are enough.

    Parts of the service by their share of the loss and by surprise, values in the records beside those of a week before,
    anomalies like it, and the customers who feel it.
    """
    from detectors import drill_down

    source = _one(context, "anomaly", anomaly_id)
    found = drill_down(context.store, source)
    customers = _impact(context, source)
    if as_json:
        parts, values = ([row._asdict() for row in rows] for rows in (found.parts, found.values))
        emit_json({**source, "parts": parts, "values": values, "similar": found.similar, "customers": customers})
        return
    emit_pairs(dict(_flat(source)))
    emit_table(
        ("part", "share of the loss", "lost there", "surprise"),
        [[part.entity, _percent(part.share), _percent(part.effect), round(part.surprise, 1)] for part in found.parts],
        title="parts that explain it",
        empty="no part of the service is judged by this KPI",
    )
    emit_table(
        ("field", "value", "records", "a week before", "surprise"),
        [[one.field, one.value, one.now, one.before, round(one.surprise, 3)] for one in found.values],
        title="what the records say",
        empty="no records of this entity in this time",
    )
    emit_table(
        ("id", "start", "score", "reason"),
        [[str(row["id"])[:8], str(row["start"])[:16], round(row["score"]), row["reason"]] for row in found.similar],
        title="like it before",
        empty="none",
    )
    click.echo(f"customers who feel it: {customers['count']:,} ({customers['how']})")


_MARKING = (
    click.argument("verdict", type=click.Choice(("true", "false", "expected"))),
    click.option("--by", required=True, help="Who says so."),
    click.option("--why", required=True, help="Why: what the next shift reads."),
    click.option(
        "--scope",
        type=click.Choice(("series", "kpi", "entity")),
        default="series",
        show_default=True,
        help="What a false one keeps quiet: this KPI at this entity, this KPI anywhere in the service, or all of the entity.",
    ),
    click.option("--for", "lasting", default="28d", show_default=True, help="How long, from its start."),
)


def _marking(command: Any) -> Any:
    for option in reversed(_MARKING):
        command = option(command)
    return command


@anomaly.command(
    "mark",
    epilog=examples(
        'busyhour anomaly mark 3f2a91c0 false --by anna --why "test calls of the lab every Tuesday" --for 90d',
        'busyhour anomaly mark 3f2a91c0 expected --by anna --why "football final"',
    ),
)
@click.argument("anomaly_id", metavar="ID")
@_marking
@json_option
@pass_context
def mark_anomaly(context: Context, /, anomaly_id: str, as_json: bool, **said: str) -> None:
    """Say what an anomaly was. A false one keeps others like it quiet: same direction, at most a quarter larger, for a while."""
    _mark(context, [_one(context, "anomaly", anomaly_id)], as_json, **said)


@incident.command(
    "mark", epilog=examples('busyhour incident mark 91c0 false --by anna --why "moved traffic, CHG-1182"')
)
@click.argument("incident_id", metavar="ID")
@_marking
@json_option
@pass_context
def mark_incident(context: Context, /, incident_id: str, as_json: bool, **said: str) -> None:
    """Say what an incident was: the verdict is kept of each of its anomalies."""
    found = _one(context, "incident", incident_id)
    query = {"term": {"incident.id": found["incident"]["id"]}}
    _mark(context, [hit["_source"] for hit in context.store.scan("anomaly", query)], as_json, **said)


@anomaly.command("marks", epilog=examples("busyhour anomaly marks", "busyhour anomaly marks --json"))
@json_option
@pass_context
def list_marks(context: Context, as_json: bool) -> None:
    """List what was said of anomalies, newest first, and how long others like them are quiet."""
    from detectors import marks

    _show_marks(marks(context.store), as_json)


def _mark(
    context: Context,
    found: list[dict[str, Any]],
    as_json: bool,
    *,
    verdict: Any,
    by: str,
    why: str,
    scope: Any,
    lasting: str,
) -> None:
    from detectors import mark

    try:
        span = duration(lasting)
    except ValueError as error:
        raise UserError(str(error), where="--for", remedy="write it as 12h or 28d") from None
    said = [mark(context.store, one, verdict, by=by, why=why, scope=scope, lasting=span) for one in found]
    _show_marks(said, as_json)
    if not as_json and verdict != "true":
        click.echo("`busyhour detect` heeds it from its next run on")


def _show_marks(found: list[Any], as_json: bool) -> None:
    if as_json:
        emit_json({"marks": [_mark_row(one) for one in found]})
        return
    rows = [
        [one.anomaly[:8], one.verdict, one.kpi, one.entity, one.direction, one.scope, _until(one), one.by, one.why]
        for one in found
    ]
    headings = ("anomaly", "verdict", "kpi", "entity", "direction", "quiet", "until (UTC)", "by", "why")
    emit_table(headings, rows, empty="nothing was said of any anomaly")


def _until(one: Any) -> str:
    return iso(from_epoch_ms(one.end))[:16] if one.end else ""


def _mark_row(one: Any) -> dict[str, Any]:
    return {**asdict(one), "start": iso(from_epoch_ms(one.start)) if one.end else None, "end": _until(one) or None}


@incident.command("list", epilog=examples("busyhour incident list --open", "busyhour incident list --json"))
@click.option("--open", "only_open", is_flag=True, help="Only those that still last.")
@click.option("--limit", type=click.IntRange(1, 10000), default=50, show_default=True, help="At most so many.")
@json_option
@pass_context
def list_incidents(context: Context, only_open: bool, limit: int, as_json: bool) -> None:
    """List incidents, latest first."""
    _list(context, "incident", "title", [], only_open, limit, as_json)


@incident.command("show", epilog=examples("busyhour incident show 91c0"))
@click.argument("incident_id", metavar="ID")
@json_option
@pass_context
def show_incident(context: Context, incident_id: str, as_json: bool) -> None:
    """Show one incident; the first characters of its id are enough."""
    _show_one(context, "incident", incident_id, as_json)


@click.command(epilog=examples("busyhour state", "busyhour state --json"))
@json_option
@pass_context
def state(context: Context, as_json: bool) -> None:
    """Show the cumulative state of every service now: 100 is nothing deviates."""
    from detectors import service_states

    states = service_states(context.store)
    if as_json:
        emit_json({"states": states})
        return
    rows = [[each["service"], each["value"], each["word"], _worst(each), str(each["at"])[:16]] for each in states]
    emit_table(("service", "state", "word", "what weighs most", "at"), rows, empty="no service has been judged yet")


def _worst(state: dict[str, Any]) -> str:
    parts = sorted(state["contributions"].items(), key=lambda part: -float(part[1]))
    return ", ".join(f"{kpi} −{float(points):.0f}" for kpi, points in parts[:3] if float(points) >= 0.5)


def _list(
    context: Context,
    name: str,
    words: str,
    filters: list[dict[str, Any]],
    only_open: bool,
    limit: int,
    as_json: bool,
) -> None:
    """Documents of index `name`, latest first; `words`: the field that says what it is."""
    filters = [*filters, *([{"term": {f"{name}.status": "open"}}] if only_open else [])]
    found = context.store.search(name, query={"bool": {"filter": filters}}, size=limit, sort=[{"@timestamp": "desc"}])
    hits = [hit["_source"] for hit in found["hits"]["hits"]]
    if as_json:
        emit_json({_PLURAL[name]: hits})
        return
    rows = [[*_head(hit, hit[name]), hit[name][words]] for hit in hits]
    emit_table(("id", "start", "end", "score", "status", words), rows, empty=f"no {_PLURAL[name]}")


def _head(hit: dict[str, Any], one: dict[str, Any]) -> list[Any]:
    event = hit["event"]
    return [one["id"][:8], event["start"][:16], event.get("end", "")[:16], round(one["score"]), one["status"]]


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{share:.0%}"


def _impact(context: Context, anomaly: dict[str, Any]) -> dict[str, Any]:
    """Customers who feel what the anomaly shows, by its own place and time."""
    from servicedesk.impact import impacted

    entity, event = anomaly["entity"], anomaly["event"]
    alone = {
        "event": event,
        "incident": {
            "id": "",
            "services": [anomaly["service"]["name"]],
            "entities": [f"{entity['type']}:{entity['id']}"],
            "kpis": [anomaly["kpi"]["id"]],
        },
    }
    found = impacted(context.store, alone)
    return {"count": found.count, "ids": list(found.customer_ids), "how": found.how}


def _show_one(context: Context, name: str, start_of_id: str, as_json: bool) -> None:
    source = _one(context, name, start_of_id)
    if as_json:
        emit_json(source)
    else:
        emit_pairs(dict(_flat(source)))


def _one(context: Context, name: str, start_of_id: str) -> dict[str, Any]:
    """The document of index `name` whose id starts so. Raises UserError where none or several do."""
    found = context.store.search(name, query={"prefix": {f"{name}.id": start_of_id}}, size=2)["hits"]["hits"]
    if len(found) != 1:
        how_many = "no" if not found else "more than one"
        raise UserError(
            f"{how_many} {name} has an id that starts with {start_of_id!r}", remedy=f"`busyhour {name} list`"
        )
    source: dict[str, Any] = found[0]["_source"]
    return source


def _flat(source: dict[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    pairs: list[tuple[str, Any]] = []
    for name, value in source.items():
        if isinstance(value, dict):
            pairs += _flat(value, f"{prefix}{name}.")
        else:
            pairs.append((f"{prefix}{name}", value))
    return pairs
