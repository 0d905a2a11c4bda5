"""Parts of a whole: pie, donut, treemap; a mosaic and a waffle as bars of 100 %, which can be read off."""

from __future__ import annotations

from typing import Any

from console.charts import xy
from console.charts.common import MOST_SERIES, clickable, legend, number, series_colour, words
from dashboards.model import Panel
from infrastructure.esql import Table

Part = tuple[tuple[str, ...], float]


def picture(panel: Panel, table: Table) -> dict[str, Any]:
    """Largest part first; more than 24 are summed up as one."""
    rows = [
        (tuple(words(row[column]) for column in panel.by), float(number(row[panel.values[0]]) or 0))
        for row in table.dicts()
    ]
    found = sorted(rows, key=lambda part: -part[1])
    click = {"field": clickable(panel, panel.by[0]), "from": "name"}
    if panel.kind == "treemap":
        return {"kind": "chart", "option": _treemap(panel, found), "click": click, "cut": 0}
    if panel.kind in ("mosaic", "waffle", "region_map"):
        return {**_bars(panel, found), "click": click}
    return {
        "kind": "chart",
        "option": _pie(panel, _summed(found)),
        "click": click,
        "cut": max(0, len(found) - MOST_SERIES),
    }


def _summed(parts: list[Part]) -> list[Part]:
    rest = sum(size for _, size in parts[MOST_SERIES:])
    return [*parts[:MOST_SERIES], (("…",), rest)] if rest else parts[:MOST_SERIES]


def _pie(panel: Panel, parts: list[Part]) -> dict[str, Any]:
    return {
        "legend": legend(panel, shown=True),
        "tooltip": {"trigger": "item"},
        "series": [
            {
                "type": "pie",
                "name": panel.title,
                "radius": ["45%", "75%"] if panel.kind == "donut" else "75%",
                "center": ["40%" if panel.legend == "right" else "50%", "50%" if panel.legend == "right" else "45%"],
                "label": {"formatter": "{b} {d} %", "color": "@ink"},
                "avoidLabelOverlap": True,
                "data": [
                    {"name": " / ".join(names), "value": size, "itemStyle": {"color": series_colour(place)}}
                    for place, (names, size) in enumerate(parts)
                ],
            }
        ],
    }


def _treemap(panel: Panel, parts: list[Part]) -> dict[str, Any]:
    tops: dict[str, list[Part]] = {}
    for names, size in parts:
        tops.setdefault(names[0], []).append((names[1:], size))
    data = []
    for place, (name, below) in enumerate(tops.items()):
        node: dict[str, Any] = {"name": name, "value": sum(size for _, size in below)}
        node["itemStyle"] = {"color": series_colour(place), "borderColor": "@paper"}  # behind its heading
        if below[0][0]:
            node["children"] = [{"name": " / ".join(names), "value": size} for names, size in below]
        data.append(node)
    series = {
        "type": "treemap",
        "name": panel.title,
        "data": data,
        "roam": False,
        "nodeClick": False,
        "breadcrumb": {"show": False},
        "label": {"color": "#ffffff", "textBorderColor": "#000000", "textBorderWidth": 2},  # read on any colour
        "left": 8,
        "right": 8,
        "top": 4,
        "bottom": 8,
        "upperLabel": {"show": any("children" in node for node in data), "color": "@ink"},
    }
    return {"tooltip": {}, "series": [series]}


def _bars(panel: Panel, parts: list[Part]) -> dict[str, Any]:
    """The first column as bars, the second (or the whole) as their shares."""
    rows: list[list[Any]] = [[names[0] if len(names) > 1 else panel.title, names[-1], size] for names, size in parts]
    as_bars = Panel(
        name=panel.name,
        title=panel.title,
        kind="bar_horizontal_percentage_stacked",
        index=panel.index,
        query=panel.query,
        at=panel.at,
        values=("share",),
        x="of",
        by=("part",),
        legend=panel.legend,
    )
    return xy.picture(as_bars, Table(["of", "part", "share"], rows))
