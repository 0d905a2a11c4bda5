"""Kibana alerting rules on ES|QL, as bodies of `POST /api/alerting/rule/ID`: what a basic licence has in Watcher's place.

Rules can be exported and imported as saved objects of the type `alert`, too, but come out disabled and without their API
key, since they are encrypted; made by the API they run at once, as who made them. Of actions, a basic licence has the
server log and an index; ours have none: who wants to be told adds a connector in Kibana.
"""

from __future__ import annotations

from typing import Any

from dashboards.board import stable_uuid
from dashboards.model import Rule

_UNITS = {"s": "s", "m": "m", "h": "h", "d": "d"}
MOST_ROWS = 100  # rows of an answer that a rule looks at


def rule_request(rule: Rule) -> dict[str, Any]:
    """`id` and `body`. The id is a UUID: Kibana takes no other for what it encrypts."""
    return {"id": stable_uuid("rule", rule.name), "body": _body(rule)}


def _body(rule: Rule) -> dict[str, Any]:
    return {
        "name": f"Busyhour: {rule.title}",
        "rule_type_id": ".es-query",
        "consumer": "stackAlerts",
        "enabled": True,
        "schedule": {"interval": rule.every},
        "tags": ["busyhour", *rule.tags],
        "actions": [],
        "params": {
            "searchType": "esqlQuery",
            "esqlQuery": {"esql": rule.query},
            "timeField": rule.time,
            "timeWindowSize": int(rule.window[:-1]),
            "timeWindowUnit": _UNITS[rule.window[-1]],
            "threshold": [0],
            "thresholdComparator": ">",
            "size": MOST_ROWS,
            "aggType": "count",
            "groupBy": "row",
            "excludeHitsFromPreviousRun": False,
        },
    }
