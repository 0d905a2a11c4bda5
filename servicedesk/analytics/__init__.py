"""How the desk does: its report over a period, and its backlog as KPI points.

The other KPIs of the desk are definitions (kpis/tracking/shipped/desk_analytics.yml), collected like every KPI.
"""

from servicedesk.analytics.backlog import write_backlog
from servicedesk.analytics.report import Figures, Reason, Report, report

__all__ = ["Figures", "Reason", "Report", "report", "write_backlog"]
