"""`busyhour kpi forecast`: what comes, how sure that is, and when a line will be crossed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import click
import numpy as np

from cli.context import Context, examples, json_option, pass_context
from cli.kpi_options import registry_of
from cli.moments import moment
from cli.output import emit_json, emit_pairs, emit_table, shown
from contracts.clock import iso
from contracts.entities import Entity
from contracts.errors import UserError

if TYPE_CHECKING:  # imported when it is used, so that `kpi list` is quick
    from detectors.forecasting import Capacity, Outlook
    from detectors.forecasting.crossing import Crossing

_MOST_DAYS = 730


@click.command(
    epilog=examples(
        "busyhour kpi forecast --kpi voip.asr --entity trunk_group:TG2",
        "busyhour kpi forecast --kpi voip.carried_erlang --entity trunk_group:TG2 --days 60 --channels 60 --json",
    )
)
@click.option("--kpi", "name", required=True, help="KPI (id or alias), such as voip.asr.")
@click.option("--entity", required=True, help="TYPE:ID, such as trunk_group:TG2.")
@click.option("--days", type=click.IntRange(1, _MOST_DAYS), default=14, show_default=True, help="How far ahead.")
@click.option(
    "--until", help="Forecast from this time (UTC), as if nothing later were known; the newest point by default."
)
@click.option(
    "--level",
    type=click.FloatRange(0.5, 0.99),
    default=0.9,
    show_default=True,
    help="Share of values the interval holds.",
)
@click.option("--channels", type=int, help="Channels of the trunk group; by default from the table trunk_groups.")
@click.option(
    "--grade-of-service",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=0.01,
    show_default=True,
    help="Share of calls that may find all channels busy.",
)
@json_option
@pass_context
def forecast(
    context: Context,
    name: str,
    entity: str,
    days: int,
    until: str | None,
    level: float,
    channels: int | None,
    grade_of_service: float,
    as_json: bool,
) -> None:
    """Forecast a KPI of an entity from its stored hours (days where it is thin), with interval, crossings and accuracy.

    Accuracy is measured by forecasting the last days from the days before them, and kept. MASE below 1 is better than
    saying "as last week".
    """
    from detectors.forecasting import outlook

    definition = registry_of(context).find(name).definition()
    try:
        who = Entity.parse(entity)
    except ValueError as error:
        raise UserError(str(error), where="--entity", remedy="write it as trunk_group:TG2") from None
    zone = ZoneInfo(context.settings.text("network.timezone"))
    limit = None
    if definition.id.endswith(".carried_erlang") and who.type == "trunk_group":
        limit = _capacity(context, who, channels, grade_of_service)
    found = outlook(
        context.store,
        definition,
        who,
        days=days,
        zone=zone,
        capacity=limit,
        until=moment(until, datetime.min) if until else None,
        level=level,
    )
    answer = _answer(found, definition.id, entity, days, limit, zone)
    if as_json:
        emit_json(answer | {"points": _points(found)})
    else:
        _tell(found, answer, zone, definition.unit)


def _capacity(context: Context, trunk: Entity, channels: int | None, grade_of_service: float) -> Capacity | None:
    from detectors.forecasting import capacity, channels_of

    if channels is None:
        folder = context.settings.text("reference.folder")
        channels = channels_of(trunk.id, Path(folder) if folder else None)
    return None if channels is None else capacity(channels, grade_of_service)


def _answer(found: Outlook, kpi: str, entity: str, days: int, limit: Capacity | None, zone: ZoneInfo) -> dict[str, Any]:
    accuracy = found.forecast.accuracy._asdict()
    return {
        "kpi": kpi,
        "entity": entity,
        "from": iso(found.history.until),
        "days": days,
        "resolution_sec": found.history.step_sec,
        "level": found.forecast.level,
        "accuracy": accuracy,
        "accuracy_kept": found.kept,
        "target": _crossing(found, found.target, zone),
        "capacity": None
        if limit is None
        else limit._asdict() | (_crossing(found, found.capacity_crossing, zone) or {}),
    }


def _crossing(found: Outlook, crossing: Crossing | None, zone: ZoneInfo) -> dict[str, Any] | None:
    """Local dates; null: not within the forecast."""
    if crossing is None:
        return None
    first = found.history.until.astimezone(zone).date()
    dates = {
        word: None if day is None else str(first + timedelta(days=day))
        for word, day in (("crossed_expected", crossing.expected), ("crossed_possible", crossing.possible))
    }
    return {"line": crossing.line, **dates}


def _points(found: Outlook) -> list[dict[str, Any]]:
    said = found.forecast
    return [
        {"@timestamp": iso(found.start(row)), "mean": mean, "lower": lower, "upper": upper}
        for row, (mean, lower, upper) in enumerate(
            zip(said.mean.tolist(), said.lower.tolist(), said.upper.tolist(), strict=True)
        )
    ]


def _tell(found: Outlook, answer: dict[str, Any], zone: ZoneInfo, unit: str) -> None:
    said = found.forecast
    local = [found.start(row).astimezone(zone).date() for row in range(len(said.mean))]
    rows = []
    for day in dict.fromkeys(local):
        own = np.array([each == day for each in local])
        top = int(np.argmax(np.where(own, said.mean, -np.inf)))
        clock = f"{found.start(top).astimezone(zone):%H:%M}"
        rows.append([str(day), float(said.mean[own].mean()), clock, *(float(each[top]) for each in said[:3])])
    emit_table(
        ("day", f"mean [{unit}]", "highest at", "expected", "from", "to"),
        rows,
        title=f"{answer['kpi']} of {answer['entity']}, {answer['level']:.0%} interval, {zone.key}",
    )
    accuracy = said.accuracy
    inside = "not known, too few days" if accuracy.coverage is None else f"{accuracy.coverage:.1%}"
    emit_pairs(
        {
            "method": accuracy.method,
            "MASE (below 1: better than as last week)": f"{accuracy.mase:.3f} over {accuracy.origins} days, "
            f"{accuracy.horizon} buckets ahead each",
            "mean error, and of as last week": f"{shown(accuracy.mae)}, {shown(accuracy.naive_mae)} {unit}",
            "values inside the interval": inside,
            "measured before": _before(found.kept[:-1]),
            "target": _in_words(answer["target"], answer["days"], "no target in the catalogue"),
            "capacity": _in_words(
                answer["capacity"], answer["days"], "not asked: no trunk group's Erlang, or no channels"
            ),
        }
    )


def _before(kept: Sequence[Mapping[str, Any]]) -> str:
    """Accuracy of earlier forecasts, the last five."""
    if not kept:
        return "never"
    return f"{len(kept)} times, MASE {shown([round(each['mase'], 3) for each in kept[-5:]])}"


def _in_words(crossing: dict[str, Any] | None, days: int, none: str) -> str:
    if crossing is None:
        return none
    expected, possible = crossing["crossed_expected"], crossing["crossed_possible"]
    line = f"{shown(crossing['line'])}"
    if "channels" in crossing:
        line += f" E carried at {crossing['grade_of_service']:.1%} blocking of {crossing['channels']} channels"
    if expected is None and possible is None:
        return f"{line}: holds for {days} days"
    return f"{line}: crossed on {expected or 'no day expected'}, by the interval from {possible or 'no day'} on"
