"""Alerts: watches in Elasticsearch Watcher's schema over what the detectors found, told to people and systems."""

from alerting.book import history
from alerting.catalogue import load_watches, read_watch, shipped_folder, watch_from
from alerting.delivery import Tally
from alerting.dry_run import WouldFire, dry_run
from alerting.listing import list_alerts, list_notifications
from alerting.pipeline import AlertReport, run_watches
from alerting.ports import TicketOpener, TicketRequest
from alerting.watch import Watch

__all__ = [
    "AlertReport",
    "Tally",
    "TicketOpener",
    "TicketRequest",
    "Watch",
    "WouldFire",
    "dry_run",
    "history",
    "list_alerts",
    "list_notifications",
    "load_watches",
    "read_watch",
    "run_watches",
    "shipped_folder",
    "watch_from",
]
