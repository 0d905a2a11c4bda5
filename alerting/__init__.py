"""Alerts: watches in Elasticsearch Watcher's schema over what the detectors found, told to people and systems."""

from alerting.acknowledging import acknowledge
from alerting.book import history
from alerting.catalogue import load_watches, read_watch, shipped_folder, watch_from
from alerting.delivery import Tally
from alerting.dry_run import WouldFire, dry_run
from alerting.listing import list_alerts, list_notifications
from alerting.matchers import Matcher, matcher
from alerting.pipeline import AlertReport, run_watches
from alerting.ports import TicketOpener, TicketRequest
from alerting.silences import Silence, add_silence, expire_silence, list_silences
from alerting.watch import Watch

__all__ = [
    "AlertReport",
    "Matcher",
    "Silence",
    "Tally",
    "TicketOpener",
    "TicketRequest",
    "Watch",
    "WouldFire",
    "acknowledge",
    "add_silence",
    "dry_run",
    "expire_silence",
    "history",
    "list_alerts",
    "list_notifications",
    "list_silences",
    "load_watches",
    "matcher",
    "read_watch",
    "run_watches",
    "shipped_folder",
    "watch_from",
]
