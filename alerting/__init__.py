"""Alerts: watches in Elasticsearch Watcher's schema over what the detectors found, told to people and systems."""

from alerting.acknowledging import acknowledge
from alerting.book import history
from alerting.catalogue import all_watches, load_watches, read_watch, shipped_folder, watch_from
from alerting.delivery import Tally
from alerting.dry_run import WouldFire, dry_run
from alerting.from_target import Level, TargetWatch, from_target
from alerting.listing import list_alerts, list_notifications
from alerting.matchers import Matcher, matcher
from alerting.notify.letters import retry_notifications, send_notifications
from alerting.notify.targets import Notifications, Target, notifications_of, read_notifications
from alerting.pipeline import AlertReport, run_watches
from alerting.ports import TicketOpener, TicketRequest
from alerting.silences import Silence, add_silence, expire_silence, list_silences
from alerting.standing import set_active, standing_of, watch_history
from alerting.watch import Watch

__all__ = [
    "AlertReport",
    "Level",
    "Matcher",
    "Notifications",
    "Silence",
    "Tally",
    "Target",
    "TargetWatch",
    "TicketOpener",
    "TicketRequest",
    "Watch",
    "WouldFire",
    "acknowledge",
    "add_silence",
    "all_watches",
    "dry_run",
    "expire_silence",
    "from_target",
    "history",
    "list_alerts",
    "list_notifications",
    "list_silences",
    "load_watches",
    "matcher",
    "notifications_of",
    "read_notifications",
    "read_watch",
    "retry_notifications",
    "run_watches",
    "send_notifications",
    "set_active",
    "shipped_folder",
    "standing_of",
    "watch_from",
    "watch_history",
]
