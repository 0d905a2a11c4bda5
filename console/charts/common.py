"""What charts share: colours as tokens, columns as times or categories, what a click means."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from contracts.indices import BY_NAME
from dashboards.kinds import MEANINGS, colour
from dashboards.model import Panel

FILTERED = ("keyword", "integer", "long", "boolean")  # types of fields that a click can filter by
SERIES_COLOURS = 8  # tokens @series-0 to @series-7
MOST_SERIES = 24  # more cannot be told apart; the largest are shown
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d")
_THEMED = {"black": "@ink", "target": "@ink", "grey": "@band", "band": "@band"}


def is_time(values: Sequence[Any]) -> bool:
    """A column of times, as Elasticsearch answers them."""
    first = next((value for value in values if value is not None), None)
    return isinstance(first, str) and _TIME.match(first) is not None


def token(name: str) -> str:
    """A colour of a definition: black and grey follow the theme, the others are the same in both."""
    return _THEMED.get(name) or _THEMED.get(MEANINGS.get(name, ""), "") or colour(name)


def series_colour(number: int) -> str:
    return f"@series-{number % SERIES_COLOURS}"


def words(value: Any) -> str:
    """A category's name; a list (several values of one record) with commas."""
    if value is None:
        return "–"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def number(value: Any) -> float | int | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def clickable(panel: Panel, column: str) -> str:
    """The field that a click on a value of this column filters by; "" where the column is no field or the panel has no links."""
    if not panel.links or not panel.index:
        return ""
    known = any(field.name == column and field.type in FILTERED for field in BY_NAME[panel.index].fields)
    return column if known else ""


def legend(panel: Panel, *, shown: bool) -> dict[str, Any]:
    """Below or beside, never over the picture."""
    if not shown or panel.legend == "none":
        return {"show": False}
    if panel.legend in ("top", "bottom"):
        return {"type": "scroll", panel.legend: 0}
    return {"type": "scroll", "orient": "vertical", panel.legend: 0, "top": "middle"}


def grid(panel: Panel, *, with_legend: bool) -> dict[str, Any]:
    """Room for the axes, and for the legend where there is one."""
    room = {"left": 8, "right": 16, "top": 16, "bottom": 8, "containLabel": True}
    if with_legend and panel.legend != "none":
        room |= {panel.legend: 150 if panel.legend in ("left", "right") else 36}
    return room
