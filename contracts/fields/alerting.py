"""Fields of alerts, silences and notifications."""

from __future__ import annotations

from contracts.fields.base import EVENT, F

ALERT = (
    *EVENT,
    F("alert.fingerprint", "keyword", "digest of its labels"),
    F("alert.name", "keyword", "the watch"),
    F("alert.status", "keyword", "firing or resolved"),
    F("alert.severity", "keyword", "critical, major, minor or warning"),
    F("alert.starts_at", "date", "first firing"),
    F("alert.ends_at", "date", "when it resolved"),
    F("alert.last_fired", "date", "last time the condition held"),
    F("alert.last_notified", "date", "last time its actions ran"),
    F("alert.labels", "flattened", "what it is about"),
    F("alert.about", "flattened", "what it touches beside its labels: service, entity, folder …"),
    F("alert.summary", "text", "one line"),
    F("alert.reason", "text", "in words"),
    F("alert.acknowledged", "boolean", "somebody has it"),
    F("alert.silenced", "boolean", "a silence matches"),
    F("alert.inhibited", "boolean", "another alert explains it"),
    F("alert.unsettled", "boolean", "a change of state whose notifications are not all finished"),
    F("alert.payload", "blob", "the row it fired on, as JSON"),
    F("alert.history", "blob", "what happened to it: at, event, by, why"),
    F("incident.id", "keyword", "incident it tells of"),
    F("ticket.id", "keyword", "ticket it opened"),
)
SILENCE = (
    *EVENT,
    F("silence.matchers", "keyword", 'all of them must match an alert, such as service="voip"'),
    F("silence.starts_at", "date", "when it begins"),
    F("silence.ends_at", "date", "when it ends"),
    F("silence.created_by", "keyword", "who silenced"),
    F("silence.expired_by", "keyword", "who ended it early"),
    F("silence.comment", "text", "why"),
)
NOTIFICATION = (
    *EVENT,
    F("alert.fingerprint", "keyword", "alert it tells of"),
    F("alert.name", "keyword", "the watch"),
    F("alert.status", "keyword", "firing or resolved: what it tells"),
    F("notification.action", "keyword", "name of the action in the watch"),
    F("notification.kind", "keyword", "logging, index, webhook or ticket"),
    F("notification.status", "keyword", "pending, sent or failed"),
    F("notification.attempts", "integer", "tries so far"),
    F("notification.detail", "blob", "answer or error"),
    F("notification.body", "blob", "what was said"),
)
