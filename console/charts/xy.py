"""Lines, areas and bars over time or categories."""

from __future__ import annotations

from typing import Any, NamedTuple

from console.charts.common import (
    MOST_SERIES,
    clickable,
    grid,
    is_time,
    legend,
    number,
    series_colour,
    token,
    words,
)
from dashboards.model import Panel
from infrastructure.esql import Table

Row = list[Any]


class Series(NamedTuple):
    """`points`: y by x, in the order of x."""

    name: str
    column: str
    points: dict[Any, float | int]


def picture(panel: Panel, table: Table) -> dict[str, Any]:
    """x, y and breakdown of the panel as series; percentages are worked out here, of the sum at each x."""
    xs = table.column(panel.x)
    timed = is_time(xs)
    places = list(dict.fromkeys(xs if timed else map(words, xs)))
    every = _series(panel, table, timed=timed)
    shown = sorted(every, key=lambda one: -sum(map(abs, one.points.values())))[:MOST_SERIES]
    # By name, so that an entity has the same colour on every panel as long as the same ones are there.
    kept = sorted(shown, key=lambda one: one.name) if panel.by else every
    if "percentage" in panel.kind:
        kept = _shares(kept)
    horizontal = "horizontal" in panel.kind
    along: dict[str, Any] = {"type": "time"} if timed else {"type": "category", "data": places}
    up: dict[str, Any] = {"type": "value", "scale": panel.kind == "line"}
    if "percentage" in panel.kind:
        up |= {"max": 100}
    if horizontal:
        along |= {"inverse": True}
    with_legend = len(kept) > 1
    option = {
        "grid": grid(panel, with_legend=with_legend),
        "legend": legend(panel, shown=with_legend),
        "tooltip": {"trigger": "axis", "axisPointer": {"type": "line" if panel.kind == "line" else "shadow"}},
        "xAxis": up if horizontal else along,
        "yAxis": along if horizontal else up,
        "series": [_drawn(panel, one, place, places, horizontal=horizontal) for place, one in enumerate(kept)],
    }
    if option["series"] and panel.thresholds:
        option["series"][0]["markLine"] = _lines(panel, horizontal=horizontal)  # type: ignore[index]
    by = panel.by[0] if panel.by else panel.x
    click = {"field": clickable(panel, by), "from": "series" if panel.by else "name"}
    return {"kind": "chart", "option": option, "click": click, "cut": len(every) - len(kept)}


def _series(panel: Panel, table: Table, *, timed: bool) -> list[Series]:
    at = {name: position for position, name in enumerate(table.columns)}
    found: dict[tuple[str, str], dict[Any, float | int]] = {}
    for row in table.rows:
        x = row[at[panel.x]] if timed else words(row[at[panel.x]])
        group = words(row[at[panel.by[0]]]) if panel.by else ""
        for column in panel.values:
            points = found.setdefault((group, column), {})
            y = number(row[at[column]])
            if y is not None:
                points[x] = y
    several = len(panel.values) > 1
    return [
        Series(f"{group} {column}".strip() if several or not group else group, column, points)
        for (group, column), points in found.items()
    ]


def _shares(series: list[Series]) -> list[Series]:
    total: dict[Any, float] = {}
    for one in series:
        for x, y in one.points.items():
            total[x] = total.get(x, 0.0) + y
    return [
        one._replace(points={x: round(100 * y / total[x], 2) if total[x] else 0 for x, y in one.points.items()})
        for one in series
    ]


def _drawn(panel: Panel, one: Series, place: int, places: list[Any], *, horizontal: bool) -> dict[str, Any]:
    stacked = "stacked" in panel.kind
    band = panel.colours.get(one.column) == "band"
    paint = token(panel.colours[one.column]) if one.column in panel.colours and not panel.by else series_colour(place)
    # Parts that lie on one another need a value at every place.
    pairs = [(x, one.points.get(x, 0 if stacked else None)) for x in places] if stacked else list(one.points.items())
    drawn: dict[str, Any] = {
        "name": one.name,
        "type": "bar" if panel.kind.startswith("bar") else "line",
        "data": [[y, x] if horizontal else [x, y] for x, y in pairs],
        "itemStyle": {"color": paint},
    }
    if stacked:
        drawn["stack"] = "all"
    if drawn["type"] == "line":
        drawn |= {"showSymbol": len(pairs) < 3, "lineStyle": {"width": 1 if band else 2, "color": paint}}
        drawn["lineStyle"] |= {"type": "dashed"} if band else {}
    else:
        drawn["barMaxWidth"] = 40
    if panel.kind.startswith("area"):
        drawn["areaStyle"] = {"opacity": 0.4}
    return drawn


def _lines(panel: Panel, *, horizontal: bool) -> dict[str, Any]:
    axis = "xAxis" if horizontal else "yAxis"
    return {
        "symbol": "none",
        "silent": True,
        "label": {"formatter": "{b}", "position": "insideEndTop", "color": "@ink"},
        "data": [
            {axis: each.value, "name": each.label, "lineStyle": {"color": token(each.colour), "type": "solid"}}
            for each in panel.thresholds
        ],
    }
