"""What a demo shows of KPI tracking: values collected, the report as files, and a few lines about them."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from infrastructure.store import Store
from kpis.collecting import UsageValues, collect
from reports.content import Content
from reports.gathering import gather
from reports.pipeline import write
from usage.engine import UsageStore
from usage.tariffs import TariffTable


class Shown(NamedTuple):
    """`lines`: two or three sentences; `files`: the report as page and PDF."""

    lines: tuple[str, ...]
    files: tuple[Path, ...]
    content: Content


def kpi_report(
    store: Store,
    folder: Path,
    start: datetime,
    end: datetime,
    *,
    usage: tuple[UsageStore, TariffTable] | None = None,
    port: UsageValues | None = None,
) -> Shown:
    """Collects what is due, and writes the report over start ≤ t < end, whole UTC days, into a folder."""
    collected = collect(store, usage=port, until=end)
    content = gather(store, start, end, usage=usage)
    files = tuple(folder / f"kpi-report.{form}" for form in ("html", "pdf"))
    for path in files:
        write(content, path.suffix[1:], path)
    missed = ", ".join(dict.fromkeys(line.kpi for line in content.missed))
    changed = [line for line in content.lines if line.changes and line.level]
    lines = [
        f"{content.headline()}; {sum(collected.written.values()):,} points collected beside the roll-up's",
        f"missed: {missed}" if missed else "no target was missed",
    ]
    if changed:
        last = changed[0].changes[-1]
        lines.append(f"{changed[0].kpi} of {changed[0].entity} changed its level on {last.at:%Y-%m-%d}")
    return Shown(tuple(lines), files, content)
