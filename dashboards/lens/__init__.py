"""A panel as Kibana's Lens keeps it: the `attributes` of a by-value chart on ES|QL.

One module a family of charts; the keys are those that Kibana 8.19 and 9.2 write themselves (tests/dashboards/lens_keys.json).
"""

from __future__ import annotations

from typing import Any

from dashboards.kinds import KINDS
from dashboards.lens import gauge, heatmap, metric, partition, region_map, table, tag_cloud, xy
from dashboards.lens.common import Chart, assembled
from dashboards.model import Panel

__all__ = ["attributes"]

_FAMILIES = {
    "metric": metric.chart,
    "xy": xy.chart,
    "heatmap": heatmap.chart,
    "partition": partition.chart,
    "gauge": gauge.chart,
    "table": table.chart,
    "tag_cloud": tag_cloud.chart,
    "region_map": region_map.chart,
}


def attributes(panel: Panel, time_field: str) -> dict[str, Any]:
    """Lens attributes of `panel`, which is no text; `time_field` of its index, empty where there is none."""
    chart: Chart = _FAMILIES[KINDS[panel.kind].family](panel)
    return assembled(panel, chart, time_field)
