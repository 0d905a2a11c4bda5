"""A store after some days of traffic went the whole way: generate → ingest → roll up → train → detect → alert → tickets."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from alerting import run_watches
from datagen import default_incidents, generate
from detectors import detect, train
from infrastructure.store import Store
from kpis.pipeline import rollup
from mediation import ingest
from mediation.correlate import correlate
from mediation.sources import watch_sources
from servicedesk import AlertTickets, load_customers

ROOT = Path(__file__).resolve().parents[2]
START = datetime(2026, 11, 9, tzinfo=UTC)
RATE = {"voip": 3200, "sms": 2400, "epc": 1500}  # records a day: a third of the demo's, enough to find its incidents
TRAINED, JUDGED = (
    timedelta(days=7),
    timedelta(days=3),
)  # the fewest days that a baseline needs; the days of the incidents
_PERIOD = re.compile(r"-(\d{8})-(\d{2})")


@dataclass(frozen=True, slots=True)
class Loaded:
    """`since` ≤ t < `until` has incidents, alerts and tickets."""

    store: Store
    since: datetime
    until: datetime


def fill(store: Store, folder: Path) -> Loaded:
    """The whole way once, on an empty store."""
    until = START + TRAINED + JUDGED
    made = generate(
        folder, start=START, days=(until - START).days, rate=RATE, seed=20, incidents=default_incidents(until)
    )
    _deliver_in_time(folder / "cdr")
    load_customers(store, made.customers)
    ingest(store, [folder / "cdr"])
    ingest(store, [ROOT / "sample_data"])
    watch_sources(store, now=until + timedelta(hours=12))  # long after the last file: the sources are silent
    correlate(store)
    rollup(store)
    train(store, until=until - JUDGED)
    detect(store, since=until - JUDGED, until=until)
    run_watches(store, since=until - JUDGED, until=until, every=timedelta(minutes=5), opener=AlertTickets(store))
    store.refresh("cdr-file", "cdr-gap", "incident", "anomaly", "alert", "notification", "ticket", "service-state")
    return Loaded(store, until - JUDGED, until)


def _deliver_in_time(folder: Path) -> None:
    """Gives each file the time at which its hour was over, as a switch would have delivered it."""
    for path in folder.rglob("*.csv"):
        period = _PERIOD.search(path.name)
        if period is not None:
            end = datetime.strptime("".join(period.groups()), "%Y%m%d%H").replace(tzinfo=UTC) + timedelta(hours=1)
            os.utime(path, (end.timestamp(), end.timestamp()))
