"""One message of several alerts: what its templates see, and what a webhook is sent (Alertmanager's format, version 4)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from alerting.alert import FIRING, NO_DATA, RESOLVED
from alerting.notify.templates import BODY, TITLE, BadTemplate, render
from alerting.severity import WORDS

MOST_SHOWN = 20  # alerts named in a text; the rest is a number
MOST_LISTED = 200  # alerts in a webhook; Alertmanager's `truncatedAlerts` says how many more


class Told(NamedTuple):
    """One alert of a message: `words` are those of a text (name, status, severity, summary, reason, labels …)."""

    alert_id: str
    status: str
    severity: str
    words: Mapping[str, Any]


class Message(NamedTuple):
    """`key`: the same at every try. `status`: the worst of its alerts. `total`: alerts in all."""

    key: str
    title: str
    body: str
    status: str
    severity: str
    total: int
    payload: Mapping[str, Any]


def compose(
    key: str,
    group: str,
    told: Sequence[Told],
    *,
    counts: Mapping[str, int],
    labels: Mapping[str, str],
    texts: Mapping[str, str],
    receiver: str,
    link: str = "",
) -> Message:
    """A message of the alerts `told` (the first ones, the gravest first). `counts`: alerts by status, all of them."""
    total = sum(counts.values())
    status = next((word for word in (FIRING, NO_DATA) if counts.get(word)), RESOLVED)
    severity = min((one.severity for one in told), key=WORDS.index, default="warning")
    shown = [dict(one.words, status=one.status, severity=one.severity) for one in told[:MOST_SHOWN]]
    seen = {
        "status": status,
        "severity": severity,
        "alerts": shown,
        "count": total,
        "firing": counts.get(FIRING, 0) + counts.get(NO_DATA, 0),
        "resolved": counts.get(RESOLVED, 0),
        "more": max(0, total - len(shown)),
        "group": labels,
        "link": link,
    }
    payload = _payload(group, told[:MOST_LISTED], status, receiver, labels, total, link)
    title = " ".join(_rendered(texts.get("title", ""), TITLE, seen).split())[:250]
    return Message(key, title, _rendered(texts.get("body", ""), BODY, seen), status, severity, total, payload)


def _rendered(text: str, usual: str, seen: Mapping[str, Any]) -> str:
    """A text that fails on what it is given must not swallow the alert: the usual one is sent, and says so."""
    if not text:
        return render(usual, seen)
    try:
        return render(text, seen)
    except BadTemplate as error:
        return f"{render(usual, seen)}\n(the template failed: {error})"


def _payload(
    group: str, told: Sequence[Told], status: str, receiver: str, labels: Mapping[str, str], total: int, link: str
) -> dict[str, Any]:
    alerts = [_alert(one) for one in told]
    return {
        "version": "4",
        "groupKey": group,
        "truncatedAlerts": total - len(alerts),
        "status": RESOLVED if status == RESOLVED else FIRING,
        "receiver": receiver,
        "groupLabels": dict(labels),
        "commonLabels": _common([alert["labels"] for alert in alerts]),
        "commonAnnotations": _common([alert["annotations"] for alert in alerts]),
        "externalURL": link,
        "alerts": alerts,
    }


def _alert(one: Told) -> dict[str, Any]:
    words = one.words
    return {
        "status": RESOLVED if one.status == RESOLVED else FIRING,
        "labels": {**words.get("labels", {}), "alertname": words.get("name", ""), "severity": one.severity},
        "annotations": {"summary": words.get("summary", ""), "description": words.get("reason", "")},
        "startsAt": words.get("starts_at", ""),
        "endsAt": words.get("ends_at") or "0001-01-01T00:00:00Z",
        "generatorURL": words.get("link", ""),
        "fingerprint": words.get("fingerprint", ""),
    }


def _common(rows: Sequence[Mapping[str, str]]) -> dict[str, str]:
    if not rows:
        return {}
    return {name: value for name, value in rows[0].items() if all(row.get(name) == value for row in rows)}
