"""What needs no axes: tiles with a number, gauges, tables, words."""

from __future__ import annotations

from typing import Any

from console.charts.common import clickable, number, token, words
from dashboards.model import Panel
from infrastructure.esql import Table

MOST_ROWS = 200  # of a table on a page; the CSV has all


def tiles(panel: Panel, table: Table) -> dict[str, Any]:
    """A tile for each row: label, value, colour of the highest threshold that it reaches, what stands below."""
    by = panel.by[0] if panel.by else ""
    shown = [
        {
            "label": words(row[by]) if by else "",
            "value": row[panel.values[0]],
            "colour": _colour(panel, number(row[panel.values[0]])),
            "below": row[panel.extra["secondary"]] if "secondary" in panel.extra else None,
            "most": number(row[panel.extra["max"]]) if "max" in panel.extra else None,
        }
        for row in table.dicts()
    ]
    return {
        "kind": "tiles",
        "tiles": shown[:MOST_ROWS],
        "field": clickable(panel, by),
        "cut": max(0, len(shown) - MOST_ROWS),
    }


def _colour(panel: Panel, value: float | int | None) -> str:
    reached = [each for each in panel.thresholds if value is not None and value >= each.value]
    return token(max(reached, key=lambda each: each.value).colour) if reached else ""


def gauge(panel: Panel, table: Table) -> dict[str, Any]:
    """From the columns min to max, with the goal in words."""
    row = table.dicts()[0]
    ends = {part: number(row[column]) for part, column in panel.extra.items()}
    series: dict[str, Any] = {
        "type": "gauge",
        "name": panel.title,
        "min": ends.get("min") or 0,
        "max": ends.get("max") or 100,
        "progress": {"show": True, "itemStyle": {"color": "@series-0"}},
        "itemStyle": {"color": "@series-0"},
        "radius": "85%",
        "center": ["50%", "55%"],
        "splitNumber": 1,  # the ends only: a label in the middle would lie under the arc
        "axisLine": {"lineStyle": {"color": [[1, "@grid"]]}},
        "pointer": {"show": False},
        "axisTick": {"show": False},
        "splitLine": {"show": False},
        "axisLabel": {"color": "@ink", "distance": -22, "fontSize": 11},
        "detail": {"color": "@ink", "fontSize": 26, "offsetCenter": [0, 0]},
        "title": {"color": "@ink", "offsetCenter": [0, "30%"]},
        "data": [{"value": row[panel.values[0]], "name": panel.unit}],
    }
    return {
        "kind": "chart",
        "option": {"tooltip": {}, "series": [series]},
        "goal": ends.get("goal"),
        "click": {},
        "cut": 0,
    }


def table(panel: Panel, answer: Table) -> dict[str, Any]:
    """The panel's columns in its order."""
    at = [answer.columns.index(name) for name in panel.values]
    rows = [[row[position] for position in at] for row in answer.rows[:MOST_ROWS]]
    return {
        "kind": "table",
        "columns": [{"name": name, "field": clickable(panel, name)} for name in panel.values],
        "rows": rows,
        "cut": max(0, len(answer.rows) - MOST_ROWS),
    }


def words_of(panel: Panel, answer: Table) -> list[dict[str, Any]]:
    by = panel.by[0]
    return [{"text": words(row[by]), "value": number(row[panel.values[0]]) or 0} for row in answer.dicts()]


def cloud(panel: Panel, answer: Table) -> dict[str, Any]:
    """Words, largest first, with the share of the largest (0–1)."""
    found = sorted(words_of(panel, answer), key=lambda each: -each["value"])[:MOST_ROWS]
    most = max((each["value"] for each in found), default=0) or 1
    return {
        "kind": "words",
        "words": [{**each, "share": round(each["value"] / most, 3)} for each in found],
        "field": clickable(panel, panel.by[0]),
        "cut": 0,
    }
