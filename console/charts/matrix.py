"""Heat maps: a colour for each pair of categories, from blue over white to vermilion: low to high, or good to bad."""

from __future__ import annotations

from typing import Any

from console.charts.common import clickable, is_time, number, words
from dashboards.model import Panel
from infrastructure.esql import Table

_SCALE = ["#0072B2", "#9ecae1", "#f7f7f7", "#f4a582", "#D55E00"]


def picture(panel: Panel, table: Table) -> dict[str, Any]:
    """Rows without a number are left out, as a gap."""
    by = panel.by[0] if panel.by else ""
    timed = is_time(table.column(panel.x))
    cells = [
        (words(row[panel.x]), words(row[by]) if by else panel.title, number(row[panel.values[0]]))
        for row in table.dicts()
    ]
    across = list(dict.fromkeys(x for x, _, _ in cells))
    down = list(dict.fromkeys(y for _, y, _ in cells))
    x_at, y_at = ({name: at for at, name in enumerate(names)} for names in (across, down))
    values = [value for _, _, value in cells if value is not None] or [0]
    option = {
        "grid": {"left": 8, "right": 16, "top": 8, "bottom": 64, "containLabel": True},
        "tooltip": {"position": "top"},
        "xAxis": {"type": "category", "data": across, "splitArea": {"show": True}, "times": timed},
        "yAxis": {"type": "category", "data": down, "inverse": True},
        "visualMap": {
            "min": min(values),
            "max": max(values) if max(values) > min(values) else min(values) + 1,
            "calculable": True,
            "orient": "horizontal",
            "left": "center",
            "bottom": 0,
            "itemWidth": 12,
            "inRange": {"color": _SCALE[::-1] if panel.good == "high" else _SCALE},
        },
        "series": [
            {
                "type": "heatmap",
                "name": panel.title,
                "data": [[x_at[x], y_at[y], value] for x, y, value in cells if value is not None],
            }
        ],
    }
    return {"kind": "chart", "option": option, "click": {"field": clickable(panel, by), "from": "row"}, "cut": 0}
