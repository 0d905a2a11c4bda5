"""Watch files: the shipped ones hold, wrong ones are refused with file, path, value and the nearest right name."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from alerting import load_watches, read_watch, shipped_folder, watch_from
from contracts.errors import BusyhourError, DefinitionError, UserError

GOOD: dict[str, Any] = yaml.safe_load((shipped_folder() / "incident-open.yml").read_text(encoding="utf-8"))


def changed(path: str, value: Any) -> dict[str, Any]:
    """GOOD with one place set; None takes it away."""
    content = copy.deepcopy(GOOD)
    *parents, leaf = path.split("/")
    level = content
    for parent in parents:
        level = level[parent]
    if value is None:
        del level[leaf]
    else:
        level[leaf] = value
    return content


def test_shipped_watches_are_all_read_and_say_what_they_are_for() -> None:
    watches = load_watches()
    assert {watch.name for watch in watches} >= {"incident-open", "target-breach", "feed-silent", "books-unbalanced"}
    assert all(watch.metadata["purpose"] for watch in watches)


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("actoins", {}, ["actoins", "did you mean actions?"]),
        ("actions/ticket/tickt", {"title": "x"}, ["actions.ticket.tickt", "did you mean ticket?"]),
        ("actions/ticket/ticket/titel", "x", ["actions.ticket.ticket.titel", "'x'", "did you mean title?"]),
        ("condition", {"script": "return true"}, ["condition.script", "no scripts here"]),
        ("condition", {"compare": {"ctx.payload.count": {"gr": 1}}}, ["condition.compare.ctx.payload.count.gr", "gt"]),
        ("condition", {"compare": {"ctx.paylod.count": {"gt": 1}}}, ["ctx.paylod.count", "did you mean ctx.payload?"]),
        ("condition", {"compare": {"ctx.execution_time": {"gt": "<{now-5x}>"}}}, ["condition.compare", "5x"]),
        ("condition", {"array_compare": {"ctx.payload.values": {"path": "a"}}}, ["one comparison wanted, 0 given"]),
        ("condition", {"always": {}, "never": {}}, ["condition", "2 entries"]),
        ("trigger/schedule/interval", "5 parsecs", ["trigger.schedule.interval", "5 parsecs", "5m"]),
        ("trigger/schedule", {"cron": "0 0 * * *"}, ["trigger.schedule.cron", "5 fields"]),
        ("trigger/schedule", {"cron": "0 0 * * * *"}, ["trigger.schedule.cron", "exactly one"]),
        ("trigger/schedule", {"cron": "0 61 * * * ?"}, ["trigger.schedule.cron", "minute '61'", "0 to 59"]),
        ("trigger/schedule", {"crom": "0 0 * * * ?"}, ["trigger.schedule.crom", "did you mean cron?"]),
        ("trigger/schedule", {"interval": "5m", "daily": {}}, ["trigger.schedule", "2 schedules, one wanted"]),
        ("trigger/schedule", {"timezone": "UTC"}, ["trigger.schedule", "0 schedules"]),
        ("trigger/schedule", {"daily": {"at": "25:00"}}, ["trigger.schedule.daily", "25:00", "17:00"]),
        (
            "trigger/schedule",
            {"daily": {"at": "noon"}, "timezone": "Europe/Belin"},
            ["trigger.schedule.timezone", "Europe/Belin"],
        ),
        ("trigger/schedule", {"weekly": {"on": "freitag"}}, ["trigger.schedule.weekly", "freitag", "friday"]),
        ("trigger/schedule", {"monthly": {"at": "noon"}}, ["trigger.schedule.monthly", "on is missing"]),
        ("input", {"http": {"request": {"path": "/cdr-voip/_search"}}}, ["input.http.request.path", "_cat"]),
        (
            "input",
            {"chain": {"inputs": [{"a": {"esql": {"query": "FROM incdent"}}}]}},
            ["input.chain.a", "did you mean incident?"],
        ),
        (
            "metadata/no_data",
            {"when": {"compare": {"ctx.paylod.count": {"eq": 0}}}},
            ["metadata.no_data.when", "ctx.payload"],
        ),
        ("metadata/flapping", {"changes": 1}, ["metadata.flapping.changes"]),
        ("actions/note", {"notify": {"title": "x"}}, ["actions.note.notify", "to is missing"]),
        (
            "actions/note",
            {"foreach": "ctx.payload.hits.hits", "notify": {"to": "noc", "body": "{{ a.__class__ }}"}},
            ["actions.note.notify.body", "__class__"],
        ),
        (
            "actions/note",
            {
                "foreach": "ctx.payload.hits.hits",
                "notify": {"to": "noc", "title": "{% for a in range(9) %}{% endfor %}"},
            },
            ["actions.note.notify.title", "loop"],
        ),
        ("actions/note/throttle_period", "0s", ["actions.note.throttle_period", "0s"]),
        ("actions/note/logging/level", "warning", ["actions.note.logging.level", "'warning'", "did you mean warn?"]),
        ("actions/note/webhook", {"url": "http://x"}, ["actions.note", "2 kinds", "logging, webhook"]),
        (
            "actions/note",
            {"foreach": "ctx.payload.values"},
            ["actions.note", "0 kinds", "logging, index, webhook, ticket, notify"],
        ),
        ("actions/note", {"webhook": {"host": "x"}}, ["actions.note.webhook", "host and port"]),
        ("actions/note/webhook", {"url": "ftp://x"}, ["actions.note"]),
        ("actions/note/foreach", "ctx.payload.values", ["disagree on foreach"]),
        (
            "actions/note/logging/text",
            "{{ctx.vars.alrt.summary}}",
            ["actions.note.logging.text", "ctx.vars.alert.summary"],
        ),
        ("actions/note/logging/text", "{{#a}}", ["never closed"]),
        ("actions/note/logging/text", 7, ["actions.note.logging.text", "7", "string"]),
        ("input", {"esql": {"query": "FROM incidents | LIMIT 1"}}, ["incidents", "did you mean incident?"]),
        ("input", {"esql": {"query": "ROW a = 1"}}, ["input.esql.query", "FROM"]),
        (
            "input",
            {"esql": {"query": "FROM incident | WHERE x == {{ctx.payload.y}}"}},
            ["input.esql.query", "ctx.payload.y"],
        ),
        ("input", {"search": {"request": {"indices": "incident"}}}, ["input.search.request", "body is missing"]),
        ("metadata/alert/severity", None, ["metadata.alert", "severity is missing"]),
        ("metadata/alert/labels", {}, ["metadata.alert.labels"]),
        ("metadata/alert/lables", {}, ["metadata.alert.lables", "did you mean labels?"]),
        ("actions", {}, ["actions"]),
        ("trigger", None, ["trigger is missing"]),
    ],
)
def test_watch_is_refused_with_place_and_remedy_when(path: str, value: Any, words: list[str]) -> None:
    with pytest.raises(DefinitionError) as caught:
        watch_from(changed(path, value), "bad", "folder/bad.yml")
    text = caught.value.sentence()
    assert text.startswith("folder/bad.yml")
    for word in words:
        assert word in text, text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: 1\na: 2\n", "twice (line 2)"),
        ("a: &x [1]\nb: *x\n", "aliases"),
        ("a: [1\n", "not YAML"),
        ("- 1\n", "a mapping is wanted"),
        ("[1]: 2\n", "not YAML"),
        ("1: 2\n", "unknown key '1'"),
        ("", "a mapping is wanted"),
        ("!!python/object/apply:os.getcwd []\n", "not YAML"),
    ],
)
def test_watch_file_is_refused_when_its_yaml_is_not_plain(tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "w.yml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(DefinitionError, match=r"w\.yml") as caught:
        read_watch(file)
    assert words in caught.value.sentence()


def test_watch_file_is_refused_when_it_is_no_text_or_not_there(tmp_path: Path) -> None:
    (tmp_path / "b.yml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DefinitionError, match="UTF-8"):
        read_watch(tmp_path / "b.yml")
    with pytest.raises(UserError, match="cannot be read"):
        read_watch(tmp_path / "none.yml")
    with pytest.raises(UserError, match="no such folder"):
        load_watches(tmp_path / "nowhere")


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.just("{{ctx.payload.x}}"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
PLACES = [
    "metadata",
    "metadata/alert",
    "metadata/alert/labels",
    "trigger",
    "trigger/schedule/interval",
    "input",
    "input/esql",
    "condition",
    "condition/compare",
    "actions",
    "actions/note",
    "actions/note/foreach",
    "actions/ticket/ticket",
    "throttle_period",
    "transform",
]


@given(st.sampled_from(PLACES), ANYTHING)
def test_watch_of_any_content_is_taken_or_refused_in_our_words(path: str, value: Any) -> None:
    try:
        watch_from(changed(path, value), "any", "any.yml")
    except BusyhourError as error:
        assert isinstance(error, DefinitionError)
        assert "any.yml" in error.sentence()
    except KeyError:
        assert value is None  # `changed` took away what is not there
