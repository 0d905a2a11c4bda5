"""Installing watches elsewhere: bodies held against Watcher's and Kibana's documented formats, and what is refused."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from click.testing import CliRunner

from alerting import load_watches
from alerting.push import Inexpressible, kibana_rule, push_rules, push_watches, watcher_body
from alerting.watch import NoData
from cli.main import cli
from contracts.clock import iso
from contracts.errors import UserError
from contracts.settings import read
from infrastructure.store import Operation, Store
from tests.dashboards.fake_kibana import FakeKibana, serve

WATCHES = {watch.name: watch for watch in load_watches()}
# As Elasticsearch 8.19 documents a watch; anything else it refuses ("unexpected field").
WATCH_KEYS = {
    "trigger",
    "input",
    "condition",
    "transform",
    "actions",
    "metadata",
    "throttle_period",
    "throttle_period_in_millis",
}
ACTION_KEYS = {"condition", "transform", "foreach", "max_iterations", "throttle_period", "throttle_period_in_millis"}
INPUTS = {"simple", "search", "http", "chain"}
CONDITIONS = {"always", "never", "compare", "script", "array_compare"}
KINDS = {
    "logging": {"text", "category", "level"},
    "webhook": {
        "scheme", "host", "port", "path", "method", "params", "headers", "body", "url", "auth", "proxy", "connection_timeout",
        "read_timeout",
    },
}  # fmt: skip


def watcher_takes(body: dict[str, Any]) -> str:
    """What Watcher's PUT would refuse; "" when nothing."""
    if unknown := set(body) - WATCH_KEYS:
        return f"unexpected field {unknown}"
    if not {"trigger", "input", "actions"} <= set(body) or len(body["input"]) != 1 or not set(body["input"]) <= INPUTS:
        return "input"
    if "condition" in body and (len(body["condition"]) != 1 or not set(body["condition"]) <= CONDITIONS):
        return "condition"
    for action in body["actions"].values():
        kinds = set(action) - ACTION_KEYS
        if len(kinds) != 1 or not kinds <= set(KINDS):
            return f"action kinds {kinds}"
        (kind,) = kinds
        if unknown := set(action[kind]) - KINDS[kind]:
            return f"unexpected field {unknown}"
    return ""


class Licensed:
    """An Elasticsearch with Watcher, as far as pushing goes: the licence, and PUT as it documents it."""

    def __init__(self, licence: str = "platinum") -> None:
        self.licence, self.watches, self.exchange = licence, {}, self

    def ask(self, method: str, path: str, body: Any = None, **_: Any) -> dict[str, Any]:
        if path == "/_license":
            return {"license": {"type": self.licence, "status": "active"}}
        assert method == "PUT"
        assert path.startswith("/_watcher/watch/busyhour-")
        wrong = watcher_takes(body)
        assert not wrong, wrong
        created = path not in self.watches
        self.watches[path] = body
        return {"_id": path.rsplit("/", 1)[1], "_version": 1, "created": created}


def test_what_watcher_can_express_is_installed_and_the_rest_refused_with_a_reason() -> None:
    store: Any = Licensed()
    report = push_watches(store, list(WATCHES.values()))
    rows = {row.watch: row for row in report.rows}
    assert rows["feed-silent"].outcome == "installed"
    assert (rows["incident-open"].outcome, rows["incident-open"].why) == (
        "installed",
        "left out: ticket: ticket is not Watcher's",
    )
    assert (rows["target-breach"].outcome, rows["target-breach"].why) == ("refused", "Watcher has no input of ES|QL")
    assert "without an address" in rows["disk-full"].why
    assert {row.outcome for row in push_watches(store, [WATCHES["feed-silent"]]).rows} == {"changed"}
    text = store.watches["/_watcher/watch/busyhour-feed-silent"]["actions"]["note"]["logging"]["text"]
    assert "ctx.vars" not in text
    assert "{{ctx.payload._source.anomaly.reason}}" in text


def test_watcher_is_not_tried_when_the_licence_has_none(store: Store) -> None:
    report = push_watches(store, [WATCHES["feed-silent"]])
    assert (report.licensed, report.rows) == (False, [])
    assert "basic" in report.why


def test_fake_watcher_refuses_what_the_real_one_would() -> None:
    body, _ = watcher_body(WATCHES["feed-silent"])
    assert watcher_takes(body) == ""
    assert watcher_takes({**body, "silences": []})
    assert watcher_takes({**body, "input": {"esql": {}}})
    assert watcher_takes({**body, "actions": {"a": {"ticket": {}}}})


@pytest.fixture
def kibana() -> Iterator[FakeKibana]:
    fake = FakeKibana()
    server = serve(fake)
    yield fake
    server.shutdown()
    server.server_close()


def test_watches_over_esql_become_rules_of_kibana_once(kibana: FakeKibana) -> None:
    settings = read({"KIBANA_URL": kibana.url})
    report = push_rules(settings, list(WATCHES.values()))
    outcomes = {row.watch: row.outcome for row in report.rows}
    rules = kibana.spaces["busyhour"].rules
    assert sum(outcome == "installed" for outcome in outcomes.values()) == len(rules) >= 12
    assert outcomes["incident-open"] == outcomes["disk-full"] == outcomes["fraud-sms-flood"] == "refused"
    assert all("{{" not in rule["params"]["esqlQuery"]["esql"] for rule in rules.values())
    again = push_rules(settings, list(WATCHES.values()))
    assert {row.outcome for row in again.rows} == {"changed", "refused"}
    assert kibana.spaces["busyhour"].rules.keys() == rules.keys()


@pytest.mark.parametrize(
    "name", [name for name, watch in WATCHES.items() if "esql" in watch.input and watch.schedule.regular]
)
def test_query_of_a_rule_is_one_that_elasticsearch_takes(store: Store, name: str) -> None:
    assert store.esql(kibana_rule(WATCHES[name]).query).rows is not None


def test_rule_is_refused_for_what_it_cannot_say() -> None:
    with pytest.raises(Inexpressible, match="times of day"):
        kibana_rule(WATCHES["fraud-sms-flood"])


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"condition": {"never": {}}}, "no other condition"),
        ({"condition": {"compare": {"ctx.payload.count": {"gt": 5}}}}, "no other condition"),
        ({"condition": {"array_compare": {"ctx.payload.values": {"path": "value", "lt": {"value": 9}}}}}, "no other"),
        ({"foreach": ""}, "an alert of each row"),
        ({"ends_at": "{{ctx.payload.until}}"}, "is over"),
        ({"no_data": NoData(when={"compare": {"ctx.payload.count": {"eq": 0}}})}, "data is missing"),
        ({"no_data": NoData(each={"compare": {"ctx.payload.known": {"lt": 3}}})}, "data is missing"),
        ({"no_data": NoData(each={"compare": {"ctx.payload.known": {"eq": "{{ctx.metadata.x}}"}}})}, "data is missing"),
    ],
)
def test_rule_is_refused_where_it_would_fire_otherwise_than_the_watch(changes: dict[str, Any], why: str) -> None:
    with pytest.raises(Inexpressible, match=why):
        kibana_rule(replace(WATCHES["service-bad"], **changes))


def test_rule_does_not_fire_for_rows_of_which_nothing_can_be_said(store: Store) -> None:
    rows = [("voip", 30.0, "bad"), ("sms", 20.0, "unknown")]
    now = store.clock()
    store.write_all([
        Operation("index", store.place("service-state", now), name, {
            "@timestamp": iso(now - timedelta(minutes=6)), "event": {"ingested": iso(now)},
            "service": {"name": name}, "state": {"value": value, "word": word},
        })
        for name, value, word in rows
    ])  # fmt: skip
    store.refresh("service-state")
    found = store.esql(kibana_rule(WATCHES["service-bad"]).query).dicts()
    assert [row["service.name"] for row in found] == ["voip"]


def test_push_command_says_what_became_of_each_watch(kibana: FakeKibana, node_settings: Any) -> None:
    environment = {"KIBANA_URL": kibana.url, "BUSYHOUR_HOME": node_settings.text("home")}
    result = CliRunner().invoke(cli, ["watch", "push", "--to", "kibana", "target-breach"], env=environment)
    assert result.exit_code == 0, result.output
    assert "installed" in result.output
    result = CliRunner().invoke(cli, ["watch", "push", "--to", "kibana", "incident-open"], env=environment)
    assert result.exit_code == 1
    assert "asks otherwise" in result.output
    result = CliRunner().invoke(cli, ["watch", "push", "--to", "watcher", "incident-open"], env=environment)
    assert isinstance(result.exception, UserError)
    assert "basic" in str(result.exception)
