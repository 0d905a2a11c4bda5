"""KPIs that people manage: definitions in versions, the shipped ones with what is laid over them. Where values come from is said
in each; making them is `kpis.collecting`'s matter, entering them by hand `kpis.entering`'s.
"""

from kpis.tracking.model import LEVELS, Limits, Measure, Target, Tracked
from kpis.tracking.registry import Registry, load

__all__ = ["LEVELS", "Limits", "Measure", "Registry", "Target", "Tracked", "load"]
