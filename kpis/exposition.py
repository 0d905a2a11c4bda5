"""The newest value of every KPI in Prometheus' text format, to be pulled: what `/metrics` answers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector

from contracts.clock import epoch_ms, parse_iso
from infrastructure.store import Store
from kpis.points import newest
from kpis.tracking import Registry, Tracked

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
_LABELS = ("kpi", "entity_type", "entity", "unit")
_RESOLUTIONS = (3600, 86400)


def exposition(store: Store, registry: Registry) -> bytes:
    """Gauges `busyhour_kpi`, its bucket's start `busyhour_kpi_timestamp_seconds`, `busyhour_kpi_target`, and
    `busyhour_kpi_target_missed` (1: missed), of at most kpi.metrics.series series; the rest is counted.

    Of each KPI the newest hour with a value, a day where it has no hours.
    """
    page = CollectorRegistry(auto_describe=False)
    page.register(_Page(_found(store, registry), store.settings.number("kpi.metrics.series")))
    return generate_latest(page)


def _found(store: Store, registry: Registry) -> Iterator[tuple[Tracked, str, str, dict[str, Any]]]:
    for resolution in _RESOLUTIONS:
        chosen = {
            one.id: one
            for one in registry.active()
            if resolution in one.resolutions and (resolution == 3600 or 3600 not in one.resolutions)
        }
        if chosen:
            for source in newest(store, resolution, list(chosen)):
                one = chosen[source["kpi"]["id"]]
                if source["kpi"]["version"] == one.version:
                    yield one, source["entity"]["type"], source["entity"]["id"], source


class _Page(Collector):
    def __init__(self, rows: Iterator[tuple[Tracked, str, str, dict[str, Any]]], most: int) -> None:
        self._rows, self._most = rows, most

    def collect(self) -> Iterator[Metric]:
        value = GaugeMetricFamily("busyhour_kpi", "Newest value of a KPI, in its unit.", labels=_LABELS)
        at = GaugeMetricFamily("busyhour_kpi_timestamp_seconds", "Start of the bucket it is of.", labels=_LABELS)
        target = GaugeMetricFamily("busyhour_kpi_target", "What it should hold.", labels=(*_LABELS, "op"))
        missed = GaugeMetricFamily("busyhour_kpi_target_missed", "1 where the target is missed.", labels=_LABELS)
        left_out = 0
        for count, (one, kind, name, source) in enumerate(self._rows):
            if count >= self._most:
                left_out += 1
                continue
            labels = [one.id, kind, name, one.unit]
            number = float(source["kpi"]["value"])
            value.add_metric(labels, number)
            at.add_metric(labels, epoch_ms(parse_iso(source["@timestamp"])) / 1000)
            limits = one.limits_of(f"{kind}:{name}")
            if limits.target is not None:
                target.add_metric([*labels, limits.target.op], limits.target.value)
                missed.add_metric(labels, float(not limits.target.holds(number)))
        yield from (value, at, target, missed)
        yield GaugeMetricFamily(
            "busyhour_kpi_series_left_out", "Series beyond kpi.metrics.series.", value=float(left_out)
        )
