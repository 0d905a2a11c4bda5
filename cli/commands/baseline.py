"""`busyhour baseline`: what is normal, hour by hour of the week."""

from __future__ import annotations

from typing import Any

import click

from cli.context import Context, examples, json_option, pass_context
from cli.output import emit_json, emit_table
from contracts.entities import Entity
from contracts.errors import UserError
from detectors import baseline_hours
from detectors.reading import other_zone

_WIDTH = 48  # of the plot, in characters
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


@click.group(epilog=examples("busyhour baseline show --kpi voip.asr --entity trunk_group:TG2"))
def baseline() -> None:
    """What is normal for each KPI and entity at each hour of the week."""


@baseline.command(epilog=examples("busyhour baseline show --kpi voip.asr --entity trunk_group:TG2 --day Fri"))
@click.option("--kpi", required=True, help="KPI id, such as voip.asr.")
@click.option("--entity", required=True, help="TYPE:ID, such as trunk_group:TG2.")
@click.option("--day", type=click.Choice(_DAYS, case_sensitive=False), help="Only this day of the week.")
@json_option
@pass_context
def show(context: Context, kpi: str, entity: str, day: str | None, as_json: bool) -> None:
    """Show expected value and normal band for each hour of the week."""
    try:
        rows = baseline_hours(context.store, kpi, Entity.parse(entity))
    except ValueError as error:
        raise UserError(str(error), where="--entity") from None
    if day:
        rows = [row for row in rows if _DAYS[row["hour_of_week"] // 24].lower() == day.lower()]
    if as_json:
        emit_json({"kpi": kpi, "entity": entity, "hours": rows})
        return
    zone = other_zone(context.store)
    if not rows and zone:
        raise UserError(
            f"the baselines were learned in {zone}, network.timezone is {context.settings.text('network.timezone')}",
            remedy="`busyhour train` learns them anew",
        )
    emit_table(
        ("hour", "expected", "from", "to", "samples", "normal band, and what is expected in it"),
        [[_hour(row), *_numbers(row), _band(row, rows)] for row in rows],
        title=f"{kpi} of {entity}",
        empty="no baseline: not enough history, or no such KPI or entity (`busyhour train`)",
    )


def _hour(row: dict[str, Any]) -> str:
    return f"{_DAYS[row['hour_of_week'] // 24]} {row['hour_of_week'] % 24:02d}:00"


def _numbers(row: dict[str, Any]) -> list[Any]:
    return [row.get(name) for name in ("expected", "lower", "upper", "samples")]


def _band(row: dict[str, Any], rows: list[dict[str, Any]]) -> str:
    """The hour on one scale with the others: `├──●─┤` from the lower to the upper end of the band."""
    known = [number for each in rows for number in _ends(each)]
    low, high = min(known, default=0.0), max(known, default=0.0)
    if not _ends(row) or high <= low:
        return ""

    def column(value: float) -> int:
        return round((_WIDTH - 1) * (value - low) / (high - low))

    left, middle, right = (column(value) for value in _ends(row))
    line = [" "] * _WIDTH
    line[left : right + 1] = "─" * (right + 1 - left)
    line[left], line[right], line[middle] = "├", "┤", "●"
    return "".join(line).rstrip()


def _ends(row: dict[str, Any]) -> list[float]:
    """Lower end, expected, upper end; an end that is not known is where the expected value is. [] where nothing is."""
    expected = row.get("expected")
    if expected is None:
        return []
    ends = (row.get("lower"), row.get("upper"))
    low, high = (expected if end is None else end for end in ends)
    return [min(low, expected), expected, max(high, expected)]
