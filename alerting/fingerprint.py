"""Step 2: who is who. Two findings with the same fingerprint are the same alert."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from contracts.clock import iso
from contracts.ids import concatenated, joined


def fingerprint(watch: str, labels: Mapping[str, str]) -> str:
    """Identity of what an alert is about: its labels and the watch's name (as Alertmanager's label set with alertname)."""
    return joined(("alert", concatenated({**labels, "alertname": watch})))


def alert_id(mark: str, starts_at: datetime) -> str:
    """Identity of one alert: fingerprint and first firing, so that the same thing happening again is another alert."""
    return joined((mark, iso(starts_at)))


def notification_id(alert: str, event: str, at: datetime, action: str) -> str:
    """Identity of one telling of one change: whoever repeats it after a crash says the same id."""
    return joined((alert, event, iso(at), action))
