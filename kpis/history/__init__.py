"""What became of a KPI over time: merged over windows, trend and change points, seasons, beside itself and beside its peers."""

from kpis.history.compare import Comparison, compare
from kpis.history.overview import daily, overview
from kpis.history.ranking import Ranked, Ranking, rank
from kpis.history.seasons import Seasons, seasons
from kpis.history.series import Series, series
from kpis.history.trend import Change, Trend, trend
from kpis.history.windows import Merged, merged, merged_by_entity

__all__ = [
    "Change",
    "Comparison",
    "Merged",
    "Ranked",
    "Ranking",
    "Seasons",
    "Series",
    "Trend",
    "compare",
    "daily",
    "merged",
    "merged_by_entity",
    "overview",
    "rank",
    "seasons",
    "series",
    "trend",
]
