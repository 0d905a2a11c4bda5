"""The rendered pipelines and inputs: checked in, readable by Logstash's grammar, and saying what the layouts say."""

from __future__ import annotations

import dataclasses
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from contracts.errors import LayoutError
from contracts.ids import concatenated, digest
from contracts.outcomes import Reason
from mediation.compile import Record, compile_layout
from mediation.layout import Column, Condition, Layout
from mediation.load import load_layouts
from mediation.logstash import render, write_rendered
from mediation.logstash.language import Config, literal, quoted, reference, written
from mediation.values import DECIMAL_PATTERN, INTEGER_PATTERN
from tests.stack.pipeline_language import Plugin, conditions, parse, plugins

ROOT = Path(__file__).resolve().parents[2]
LAYOUTS = load_layouts()
RUN_BY_LOGSTASH = [name for name, layout in LAYOUTS.items() if "logstash" in layout.runners]
FILES = render(LAYOUTS.values())
PIPELINES = {path: text for path, text in FILES.items() if path.endswith(".conf")}
STOCK = {
    "input": {"beats", "pipeline", "dead_letter_queue"},
    "filter": {"csv", "json", "date", "mutate", "translate", "fingerprint", "ruby"},
    "output": {"pipeline", "elasticsearch"},
}


def of(name: str) -> dict[str, Plugin]:
    """Filters of one layout by id, without the layout's name."""
    layout = LAYOUTS[name]
    parsed = parse(FILES[f"logstash/pipelines/{layout.family}.conf"])
    return {
        plugin.settings["id"].removeprefix(f"{name}."): plugin
        for plugin in plugins(parsed["filter"])
        if plugin.settings["id"].startswith(f"{name}.")
    }


def test_rendered_files_are_checked_in_when_layouts_changed() -> None:
    for path, text in FILES.items():
        assert (ROOT / path).read_text(encoding="utf-8") == text, f"{path} is stale: run `busyhour layouts render`"
    for folder in ("logstash/pipelines", "logstash/dictionaries", "filebeat/inputs.d"):
        assert {f"{folder}/{path.name}" for path in (ROOT / folder).iterdir()} == {
            path for path in FILES if path.startswith(f"{folder}/")
        }


def test_write_rendered_changes_what_differs_and_removes_what_nobody_asks_for(tmp_path: Path) -> None:
    assert sorted(write_rendered(tmp_path)) == sorted(FILES)
    assert write_rendered(tmp_path) == []
    (tmp_path / "logstash/pipelines/own.conf").write_text("# somebody's own\n")
    without = {name: layout for name, layout in LAYOUTS.items() if layout.family != "epc"}
    changed = write_rendered(tmp_path, without)
    assert {"logstash/pipelines/epc.conf", "filebeat/inputs.d/epc.yml", "logstash/pipelines.yml"} <= set(changed)
    assert not (tmp_path / "logstash/pipelines/epc.conf").exists()
    assert (tmp_path / "logstash/pipelines/own.conf").exists()


@pytest.mark.parametrize("path", PIPELINES)
def test_pipeline_is_of_the_language_and_of_stock_plugins(path: str) -> None:
    parsed = parse(PIPELINES[path])
    for section, body in parsed.items():
        for plugin in plugins(body):
            assert plugin.name in STOCK[section], plugin
            assert plugin.settings["id"]
    assert path.endswith("intake.conf") or "filter" in parsed


def test_plugin_ids_are_used_once() -> None:
    ids = [
        plugin.settings["id"]
        for text in PIPELINES.values()
        for body in parse(text).values()
        for plugin in plugins(body)
    ]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("path", PIPELINES)
def test_conditions_avoid_what_logstash_reads_otherwise(path: str) -> None:
    """A list of one never matches, and `@timestamp` without brackets is no field there."""
    for body in parse(PIPELINES[path]).values():
        for condition in conditions(body):
            text = " ".join(condition)
            assert not re.search(r"\bin \[ (\"[^\"]*\"|[0-9.-]+) \]", text), text
            assert "@timestamp" not in [
                word for word, before in zip(condition[1:], condition, strict=False) if before != "["
            ]


def test_ruby_scripts_exist_and_get_the_parameters_they_read() -> None:
    used = set()
    for text in PIPELINES.values():
        for body in parse(text).values():
            for plugin in plugins(body):
                if plugin.name != "ruby":
                    continue
                script = ROOT / "logstash" / plugin.settings["path"].split("}/", 1)[1]
                used.add(script)
                source = script.read_text(encoding="utf-8")
                needed = set(re.findall(r'params\.fetch\("(\w+)"\)', source))
                known = needed | set(re.findall(r'params\["(\w+)"\]', source))
                given = plugin.settings.get("script_params", {})
                assert needed <= set(given) <= known, plugin.settings["id"]
                assert not any(value is False for value in given.values()), (
                    "false would reach Ruby as the text `false`, which is true"
                )
    assert used == set((ROOT / "logstash/ruby").glob("*.rb"))


def test_ruby_scripts_are_ruby() -> None:
    ruby = shutil.which("ruby")
    if ruby is None:
        pytest.skip("no ruby here; it would check the syntax of logstash/ruby/*.rb")
    for script in sorted((ROOT / "logstash/ruby").glob("*.rb")):
        subprocess.run([ruby, "-c", str(script)], check=True, capture_output=True)


@pytest.mark.parametrize("name", RUN_BY_LOGSTASH)
def test_pipeline_says_what_the_layout_says(name: str) -> None:
    layout, found = LAYOUTS[name], of(name)
    _check_head(layout, found)
    for column in layout.columns:
        _check_column(layout, column, found)
    for time in layout.times:
        if time.paced_by:
            continue
        ids = rf"{re.escape(time.field)}(\.(UNIX(_[MU]S)?|text-\d))?"
        dates = [found[key].settings for key in found if re.fullmatch(ids, key)]
        forms = [form for date in dates for form in date["match"][1:]]
        assert forms == [{"UNIX_US": "UNIX_MS"}.get(form, form) for form in time.formats]
        for date in dates:
            assert date["timezone"] == layout.timezone
            assert reference(date["target"]) in (reference(time.field), f"[{reference(time.field)}]")
    identity = found["identity"].settings
    assert set(identity["source"]) == {f"[raw][{raw}]" for raw in layout.identity} | {"[cdr][layout]"}
    assert (identity["concatenate_sources"], identity["method"], "key" in identity) == (True, "SHA256", False)


def _check_head(layout: Layout, found: dict[str, Plugin]) -> None:
    line = found["line"].settings["script_params"]
    assert line["max_bytes"] == 1048576
    assert line.get("header") == (layout.separator.join(layout.header) if layout.headed else None)
    assert ("types" in line) == (layout.format.header == "names-and-types")
    assert line.get("strip", False) == layout.strip
    raws = [column.raw for column in layout.columns]
    if layout.format.kind == "csv":
        csv, count = found["csv"].settings, found["count"].settings["script_params"]
        assert (csv["separator"], csv["target"], len(csv["columns"])) == (layout.separator, "[raw]", len(layout.header))
        assert set(raws) >= {raw for raw in csv["columns"] if raw in raws}
        assert count["columns"] == len(layout.header)
        assert count.get("counts", []) == list(layout.format.counts)
    else:
        cells = found["cells"].settings["script_params"]
        assert cells["columns"] == {column.raw: column.name for column in layout.columns}
    parts = found["parts"].settings["script_params"] if "parts" in found else {}
    assert parts.get("absent", {}) == {column.raw: list(column.absent) for column in layout.columns if column.absent}
    assert {raw: part[1] for raw, part in parts.get("parts", {}).items()} == {
        column.raw: column.part for column in layout.columns if column.part
    }


def _check_column(layout: Layout, column: Column, found: dict[str, Plugin]) -> None:
    if column.type != "keyword":
        number = found[column.raw].settings["script_params"]
        assert number["pattern"] == (INTEGER_PATTERN if column.type == "integer" else DECIMAL_PATTERN)
        assert (number.get("min"), number.get("max")) == (column.low, column.high)
        assert (number.get("divide_by", 1), number.get("required", False)) == (column.divide_by, column.required)
        local = f"[@metadata][local][{column.field}]"
        stored = "" if not column.field or column.pii == "drop" else reference(column.field)
        assert number.get("field", "") == (local if column.field in layout.locals else stored)
    elif column.required:
        missing = found[f"{column.raw}.missing"].settings["add_field"]
        assert missing == {
            "[reject][reason]": "missing_value",
            "[reject][column]": column.raw,
            "[reject][detail]": "is empty",
        }
    if column.pii == "hash" and column.field:
        local = f"[@metadata][local][{column.field}]"
        target = local if column.field in layout.locals else reference(column.field)
        hashed = found[f"{column.raw}.hash"].settings
        assert hashed["key"] == "${BUSYHOUR_PII_KEY}"
        assert (hashed["method"], hashed["target"]) == ("SHA256", target)
        assert target in found["hashes.shorten"].settings["gsub"]
    if column.field and column.values and any(word != meaning for word, meaning in column.values.items()):
        assert found[f"{column.raw}.translate"].settings["dictionary"] == column.values


def test_reasons_are_those_of_the_contract() -> None:
    rendered = {
        fields["[reject][reason]"]
        for text in PIPELINES.values()
        for plugin in plugins(parse(text).get("filter", []))
        for key in ("add_field", "replace")
        if "[reject][reason]" in (fields := plugin.settings.get(key, {}))
    }
    scripts = {
        reason
        for script in (ROOT / "logstash/ruby").glob("*.rb")
        for reason in re.findall(r'"([a-z]+_[a-z_]+)"', script.read_text(encoding="utf-8"))
        if reason in set(Reason)
    }
    assert rendered | scripts == set(Reason)


def test_identity_of_both_runners_is_made_of_the_same_text() -> None:
    """What the fingerprint filter hashes, written out, gives the id of the Python runner."""
    layout = LAYOUTS["sms-busyhour"]
    line = "m1,SMS-MO,2026-11-20T10:00:00Z,,delivered,0,smsc-1,PLAN1,447700900123,,,,"
    record = compile_layout(layout, b"a key of the test").mediate(line)
    assert isinstance(record, Record)
    sources = dict.fromkeys(of(layout.name)["identity"].settings["source"], "")
    sources |= {"[raw][message_id]": "m1", "[raw][call_type]": "SMS-MO", "[cdr][layout]": layout.name}
    assert record.id == digest(concatenated(sources))


def test_new_layout_gets_its_block_input_and_route() -> None:
    new = dataclasses.replace(LAYOUTS["epc-busyhour"], name="epc-other", family="packet")
    files = render([*LAYOUTS.values(), new])
    assert 'if [fields][layout] == "epc-other"' in files["logstash/pipelines/packet.conf"]
    assert 'send_to => ["packet"]' in files["logstash/pipelines/intake.conf"]
    assert "packet" in [row["pipeline.id"] for row in yaml.safe_load(files["logstash/pipelines.yml"])]
    assert yaml.safe_load(files["filebeat/inputs.d/packet.yml"])[0]["fields"]["layout"] == "epc-other"


def test_a_reject_that_is_refused_itself_is_kept_among_the_dead_letters() -> None:
    """Logstash 8.19 drops what has `[@metadata][dead_letter_queue]` instead of writing it to a dead letter queue again."""
    last = parse(FILES["logstash/pipelines/dead-letters.conf"])["filter"][-1]
    assert (last.name, last.settings["remove_field"]) == ("mutate", ["[@metadata][dead_letter_queue]"])


def test_a_time_that_is_compared_outside_a_flag_is_refused_for_logstash() -> None:
    """Conditions of the pipeline language compare numbers and texts only."""
    layout = LAYOUTS["sms-busyhour"]
    when = (Condition("event.end", "before", other="event.start"),)
    derived = dataclasses.replace(layout.derived[0], when=when)
    with pytest.raises(LayoutError, match="in flags only"):
        render([dataclasses.replace(layout, derived=(derived,))])


def test_counts_since_1970_have_a_date_filter_each_where_several_forms_are_allowed() -> None:
    layout = LAYOUTS["sms-busyhour"]
    times = (dataclasses.replace(layout.times[0], formats=("UNIX_US", "UNIX", "ISO8601")), *layout.times[1:])
    text = render([dataclasses.replace(layout, times=times)])["logstash/pipelines/mobile.conf"]
    dates = [plugin for plugin in plugins(parse(text)["filter"]) if plugin.name == "date"]
    assert [date.settings["match"] for date in dates][:3] == [
        ["[@metadata][milliseconds]", "UNIX_MS"],
        ["[@metadata][time]", "UNIX"],
        ["[@metadata][time]", "ISO8601"],
    ]


def test_layout_that_logstash_cannot_run_is_left_out() -> None:
    layout = dataclasses.replace(LAYOUTS["epc-busyhour"], runners=("python",))
    assert "logstash/pipelines/epc.conf" not in render([layout])


@pytest.mark.parametrize("text", ["both \" and '", "ends with \\", "two\nlines"])
def test_text_is_refused_when_the_language_cannot_hold_it(text: str) -> None:
    with pytest.raises(LayoutError, match="cannot hold"):
        quoted(text)


@pytest.mark.parametrize("text", ["${HOME}", "a %{b} c"])
def test_text_is_refused_when_logstash_would_replace_it(text: str) -> None:
    with pytest.raises(LayoutError, match="replace"):
        literal(text)


@pytest.mark.parametrize("value", ["a", 'say "x"', 5, -1, 0.001, 1e-7, True, False, ["a", 1], {"a": {"b": ["c"]}}])
def test_values_are_read_back_as_written(value: Any) -> None:
    parsed = parse(f"filter {{ x {{ y => {written(value)} }} }}")
    assert parsed["filter"][0].settings["y"] == value


def test_two_plugins_cannot_have_one_id() -> None:
    out = Config()
    out.plugin("mutate", "same", {})
    with pytest.raises(LayoutError, match="same"):
        out.plugin("mutate", "same", {})
