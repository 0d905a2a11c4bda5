"""Values of tracked KPIs, made automatically: from our own indices, from other KPIs, from outside. `collect` is the job."""

from kpis.collecting.gaps import Gap, gaps
from kpis.collecting.interface import Collector, UsageValues
from kpis.collecting.pipeline import CollectReport, collect

__all__ = ["CollectReport", "Collector", "Gap", "UsageValues", "collect", "gaps"]
