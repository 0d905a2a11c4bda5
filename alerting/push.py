"""Watches installed elsewhere: into Watcher where the licence has it, or as Kibana's ES|QL rules.

Both know less than our runner: no silences, inhibition, maintenance, flap damping, want of data, tickets, resolving. A
watch or an action that they cannot express is refused with its reason, never changed into something else. Formats:
Elasticsearch's `PUT _watcher/watch/ID`, Kibana's `POST /api/alerting/rule/ID` (`dashboards.rules`), both 8.19.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from alerting.durations import spoken
from alerting.http_input import of_others
from alerting.inputs import indices_of, links
from alerting.template import paths
from alerting.ticks import CHANGES
from alerting.watch import Action, Watch
from contracts.errors import BusyhourError, StoreUnavailable
from contracts.settings import Settings
from dashboards.model import Rule
from dashboards.rules import rule_request
from infrastructure.exchange import path_of
from infrastructure.kibana import Kibana, account
from infrastructure.store import Store
from kpis import compiler

LICENCES = ("trial", "gold", "platinum", "enterprise")  # that have Watcher
_LONG_WINDOW, _SHORT_WINDOW = "30d", "1d"
_TICK = re.compile(r'TO_DATETIME\("\{\{ctx\.trigger\.scheduled_time\}\}"\)')
_COLUMN = re.compile(r"ctx\.payload\.([A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*)")
_ROWS = "ctx.payload.values"
# Conditions that say no more than that there is a row.
_ANY_ROW: tuple[Mapping[str, Any], ...] = (
    {"always": {}},
    *({"compare": {"ctx.payload.count": one}} for one in ({"gt": 0}, {"gte": 1}, {"not_eq": 0})),
)
_WORD = re.compile(r"\{\{\s*ctx\.vars\.alert\.([a-z_.]+)\s*\}\}")


class Inexpressible(Exception):
    """Why the other side cannot have it."""


@dataclass(slots=True)
class Row:
    """`outcome`: installed, changed, refused; `why` of a refusal, or what was left out."""

    watch: str
    outcome: str
    why: str = ""


@dataclass(slots=True)
class Pushed:
    """`licensed`: the other side takes watches at all; `why` not."""

    where: str
    licensed: bool = True
    why: str = ""
    rows: list[Row] = field(default_factory=list)


def push_watches(store: Store, watches: Sequence[Watch]) -> Pushed:
    """Into Watcher of the same Elasticsearch. Again changes nothing else. Raises StoreUnavailable; a refusal is a row."""
    licence = store.exchange.ask("GET", "/_license").get("license", {})
    if licence.get("type") not in LICENCES or licence.get("status") != "active":
        return Pushed("watcher", False, f"the licence is {licence.get('type')}, {licence.get('status')}")
    report = Pushed("watcher")
    for watch in watches:
        try:
            body, left = watcher_body(watch)
            place = path_of("_watcher", "watch", f"busyhour-{watch.name}")
            answer = store.exchange.ask("PUT", place, body, writes=True)
        except StoreUnavailable:
            raise
        except (Inexpressible, BusyhourError) as error:
            report.rows.append(Row(watch.name, "refused", str(error)))
        else:
            report.rows.append(Row(watch.name, "installed" if answer.get("created") else "changed", left))
    return report


def watcher_body(watch: Watch) -> tuple[dict[str, Any], str]:
    """Body of `PUT _watcher/watch/ID`, and the actions that are left out. Raises Inexpressible."""
    content = watch.content
    _check_input(content["input"])
    if "transform" in content:
        _check_input(content["transform"])
    if watch.each is not None or watch.no_data is not None:
        raise Inexpressible("its conditions of single elements or of missing data are not Watcher's")
    actions, left = {}, []
    for action in watch.actions:
        spec = content["actions"].get(action.name)
        if spec is None:
            continue  # of a route
        try:
            actions[action.name] = _action(watch, action, spec)
        except Inexpressible as error:
            left.append(f"{action.name}: {error}")
    if not actions:
        raise Inexpressible("; ".join(left) or "it has no action")
    body = {
        word: content[word]
        for word in ("trigger", "input", "condition", "transform", "throttle_period")
        if word in content
    }
    body["metadata"] = {**content["metadata"], "name": watch.metadata.get("purpose", watch.name)}
    body["actions"] = actions
    return body, f"left out: {'; '.join(left)}" if left else ""


def _check_input(spec: Mapping[str, Any]) -> None:
    for _, inner in links(spec):
        _check_input(inner)
    if "esql" in spec:
        raise Inexpressible("Watcher has no input of ES|QL")
    if "http" in spec and not of_others(spec["http"]):
        raise Inexpressible("it asks Elasticsearch without an address; Watcher wants host, port and an account")


def _action(watch: Watch, action: Action, spec: Mapping[str, Any]) -> dict[str, Any]:
    if action.kind not in ("logging", "webhook"):
        raise Inexpressible(f"{action.kind} is not Watcher's")
    if "signed_by" in action.config:
        raise Inexpressible("Watcher signs nothing")
    made = {word: spec[word] for word in ("condition", "throttle_period", "foreach", "max_iterations") if word in spec}
    made[action.kind] = {key: _inlined(value, watch) for key, value in action.config.items()}
    if action.kind == "webhook" and "body" not in action.config:
        raise Inexpressible("without a body it sends Alertmanager's format, which Watcher does not know")
    return made


def _inlined(value: Any, watch: Watch) -> Any:
    """`ctx.vars.alert.summary` is ours: in its place stands the text that it is made from."""
    if isinstance(value, Mapping):
        return {key: _inlined(inner, watch) for key, inner in value.items()}
    if not isinstance(value, str):
        return value
    text = _WORD.sub(lambda match: _word(match[1], watch), value)
    if any(path.startswith("ctx.vars") for path in paths(text)):
        raise Inexpressible("it says things of an alert that only our runner knows")
    return text


def _word(word: str, watch: Watch) -> str:
    if word == "name":
        return "{{ctx.watch_id}}"
    if word.startswith("labels.") and word[7:] in watch.labels:
        return watch.labels[word[7:]]
    if word in ("summary", "reason", "severity", "incident"):
        return str(getattr(watch, word))
    raise Inexpressible(f"ctx.vars.alert.{word} is known to our runner only")


def push_rules(settings: Settings, watches: Sequence[Watch]) -> Pushed:
    """As rules of the Kibana that `kibana.url` names. Raises what its class raises; what cannot be a rule is a row."""
    report = Pushed("kibana")
    kibana = Kibana(account(settings), settings.text("kibana.space"))
    try:
        kibana.version()
        kibana.ensure_space("Busyhour")
        for watch in watches:
            try:
                request = rule_request(kibana_rule(watch))
            except Inexpressible as error:
                report.rows.append(Row(watch.name, "refused", str(error)))
                continue
            made = kibana.put_rule(request["id"], request["body"])
            left = "left out: its alerts of missing data" if watch.no_data is not None else ""
            report.rows.append(Row(watch.name, "installed" if made else "changed", left))
    finally:
        kibana.close()
    return report


def kibana_rule(watch: Watch) -> Rule:
    """The rule of a watch over ES|QL: an alert a row. Raises Inexpressible."""
    if "esql" not in watch.input:
        raise Inexpressible("a rule asks ES|QL, this watch asks otherwise")
    regular = watch.schedule.regular
    if regular is None:
        raise Inexpressible("a rule runs at an even pace, not at times of day")
    if watch.transform is not None or watch.each is not None:
        raise Inexpressible("a rule knows no transform and no conditions of single rows")
    if watch.foreach != _ROWS or watch.condition not in _ANY_ROW:
        raise Inexpressible("a rule makes an alert of each row there is, and knows no other condition")
    if watch.ends_at:
        raise Inexpressible("a rule does not know of a row that its matter is over")
    query = _TICK.sub("NOW()", watch.input["esql"]["query"]) + _without_missing(watch)
    if "{{" in query:
        raise Inexpressible("its query draws values from the watch")
    (index, *_) = indices_of(watch.input)
    time = CHANGES.get(index, ("@timestamp" if "@timestamp" in query else "event.ingested",))[0]
    return Rule(
        name=f"watch-{watch.name}",
        title=str(watch.metadata.get("purpose", watch.name)),
        description=f"The watch {watch.name}",
        index=index,
        time=time,
        query=query,
        every=spoken(regular),
        window=_SHORT_WINDOW if time == "@timestamp" else _LONG_WINDOW,
        tags=("watch", watch.name),
    )


def _without_missing(watch: Watch) -> str:
    """What leaves rows out of which nothing can be said: to a rule they would be alerts like any other."""
    if watch.no_data is None:
        return ""
    compared = list((watch.no_data.each or {}).get("compare", {}).items())
    if watch.no_data.when is None and len(compared) == 1:
        path, rule = compared[0]
        column, value = _COLUMN.fullmatch(path), rule.get("eq")
        if column is not None and isinstance(value, int | str) and "{" not in str(value):
            return f"\n| WHERE COALESCE(NOT ({compiler.field(column[1])} == {compiler.constant(value)}), true)\n"
    raise Inexpressible("a rule does not know that data is missing")
