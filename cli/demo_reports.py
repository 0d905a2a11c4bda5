"""The demo's last part: customers' usage in its own SQL store, and the KPI report as files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from cli.kpi_ports import UsageDays
from contracts.settings import Settings
from infrastructure.store import Store
from reports.demonstration import kpi_report
from usage.analytics.period import Period
from usage.analytics.pipeline import report
from usage.analytics.report import Report
from usage.engine import UsageStore
from usage.migrate import set_up
from usage.sync import sync
from usage.tariffs import load_tariffs


@dataclass
class DemoReports:
    """`usage`: the network's and the revenue's report over the demo's time; `kpis`: sentences about the KPI report's `files`."""

    balanced: bool = False
    usage: list[Report] = field(default_factory=list)
    kpis: tuple[str, ...] = ()
    files: tuple[Path, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        return {"usage_balanced": self.balanced, "kpi_report": [str(path) for path in self.files]}


def bring_usage(settings: Settings, store: Store, say: Callable[[str], None]) -> bool:
    """Brings customers and CDRs into the usage store (by default SQLite in the home); whether the counts balance."""
    usage = UsageStore.open(settings, say=say)
    try:
        set_up(usage)
        return sync(store, usage).balanced
    finally:
        usage.close()


def make(
    settings: Settings, store: Store, folder: Path, start: datetime, end: datetime, say: Callable[[str], None]
) -> DemoReports:
    """Asks the usage store, and writes the KPI report into `folder`."""
    usage, done = UsageStore.open(settings, say=say), DemoReports()
    try:
        tariffs, period = load_tariffs(settings), Period.of(start, end, ZoneInfo(settings.text("network.timezone")))
        done.usage = [report(usage, name, period, tariffs) for name in ("network", "revenue")]
        shown = kpi_report(store, folder, start, end, usage=(usage, tariffs), port=UsageDays(usage))
        done.kpis, done.files = shown.lines, shown.files
    finally:
        usage.close()
    return done
