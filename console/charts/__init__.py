"""Pictures of panels: what the page's script draws, from a panel and the answer to its query. Pure.

A picture is a plain object, `{kind: chart | tiles | table | words, …}`. A chart has an Apache ECharts `option`; colours that
depend on the theme are tokens (`@ink`, `@series-0`), which the script replaces. Numbers and times are put into words there,
too, in the viewer's language and zone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from console.charts import matrix, parts, plain, xy
from dashboards.kinds import KINDS
from dashboards.model import Panel
from infrastructure.esql import Table

Picture = dict[str, Any]
_BY_FAMILY: dict[str, Callable[[Panel, Table], Picture]] = {
    "xy": xy.picture,
    "heatmap": matrix.picture,
    "partition": parts.picture,
    "gauge": plain.gauge,
    "metric": plain.tiles,
    "table": plain.table,
    "tag_cloud": plain.cloud,
    "region_map": parts.picture,
}


def picture(panel: Panel, table: Table) -> Picture:
    """The picture of a panel of any kind but text. `table` has at least one row and the panel's columns."""
    return _BY_FAMILY[KINDS[panel.kind].family](panel, table)
