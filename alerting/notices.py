"""A notice: what one action tells of one change, made from what the alert's document holds and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from alerting.alert import RESOLVED, Notice
from alerting.book import as_list
from alerting.context import context
from alerting.fingerprint import notification_id
from alerting.muting import facts_of
from alerting.watch import Action, Grouping, Watch
from contracts.clock import parse_iso
from contracts.ids import joined

_WORDS = ("fingerprint", "name", "severity", "summary", "reason", "labels", "starts_at")


def notice_of(
    alert_id: str, source: Mapping[str, Any], watch: Watch, entry: Mapping[str, Any], action: Action
) -> Notice:
    """`entry`: the change of the alert's history that it tells of."""
    alert = source["alert"]
    at, incident = parse_iso(entry["at"]), source.get("incident", {}).get("id", "")
    told = words_of(alert_id, source, entry["event"], entry["at"])
    return Notice(
        id=notification_id(alert_id, entry["event"], at, action.name),
        alert_id=alert_id,
        fingerprint=alert["fingerprint"],
        watch=watch.name,
        event=entry["event"],
        at=at,
        why=entry["why"],
        again=entry.get("again", False),
        severity=alert["severity"],
        starts_at=parse_iso(alert["starts_at"]),
        incident=incident,
        action=action.name,
        kind=action.kind,
        config=action.config,
        context=context(watch.name, watch.metadata, at, orjson.loads(alert["payload"]), alert=told),
    )


def words_of(alert_id: str, source: Mapping[str, Any], status: str, at: str) -> dict[str, Any]:
    """`ctx.vars.alert` of a text: the alert as it is, at the moment that it changed to `status`."""
    alert = source["alert"]
    told = {key: alert[key] for key in _WORDS}
    ends_at = at if status == RESOLVED else ""
    incident = source.get("incident", {}).get("id", "")
    return {**told, "id": alert_id, "status": status, "ends_at": ends_at, "incident": incident}


def facts_of_alert(source: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    alert = source["alert"]
    about = {name: as_list(values) for name, values in alert.get("about", {}).items()}
    return facts_of(alert["name"], alert["severity"], alert["labels"], about)


def group_labels(grouping: Grouping, source: Mapping[str, Any]) -> dict[str, str]:
    """What alerts of a group agree in; a name that an alert does not have is left out."""
    facts = facts_of_alert(source)
    return {name: ", ".join(sorted(facts[name])) for name in grouping.by if facts.get(name)}


def group_key(action: Action, labels: Mapping[str, str]) -> str:
    """Identity of a group: whom it goes to, and the values that its alerts agree in."""
    by = action.grouping.by if action.grouping else ()
    return joined(("group", action.config["to"], *(f"{name}={labels.get(name, '')}" for name in sorted(by))))
