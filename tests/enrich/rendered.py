"""Runs rendered filters: mutate and translate here, ruby scripts in a real Ruby. Only what enrichment renders is known."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from mediation.layout import Layout
from mediation.logstash.language import Config
from mediation.logstash.writer import FilterWriter
from tests.stack.pipeline_language import Branch, Plugin, parse

ROOT = Path(__file__).resolve().parents[2]
HOST = Path(__file__).with_name("script_host.rb")
_VARIABLE = re.compile(r"\$\{([A-Z_]+)(?::([^}]*))?\}")
Event = dict[str, Any]


def ruby() -> str:
    """The program, or a skip that says why."""
    found = shutil.which("ruby")
    if found is None:
        pytest.skip("no ruby here; it would run the scripts of logstash/ruby")
    return found


def run_script(script: str, params: Mapping[str, Any], events: Sequence[Event]) -> Any:
    """Events that come out of `logstash/ruby/SCRIPT.rb`, or {"error": what it refused at its start}."""
    job = {"path": str(ROOT / "logstash/ruby" / f"{script}.rb"), "params": dict(params), "events": list(events)}
    done = subprocess.run([ruby(), str(HOST)], input=json.dumps(job), capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def writer(layout: Layout) -> FilterWriter:
    return FilterWriter(Config(), layout)


def run_filters(text: str, events: Sequence[Event], environment: Mapping[str, str], root: Path = ROOT) -> list[Event]:
    """Events after the filters in `text`; dictionaries are read below `root`."""
    variables = {"PIPELINE_HOME": str(root / "logstash"), **environment}
    body = parse(f"filter {{\n{text}\n}}")["filter"]
    return _run(body, [json.loads(json.dumps(event)) for event in events], variables)


def _run(body: Sequence[Any], events: list[Event], variables: Mapping[str, str]) -> list[Event]:
    for part in body:
        if isinstance(part, Branch):
            events = [_branch(part, event, variables) for event in events]
        else:
            events = _plugin(part, events, variables)
    return events


def _branch(branch: Branch, event: Event, variables: Mapping[str, str]) -> Event:
    for condition, body in branch.arms:
        if not condition or _holds(condition, event):
            return _run(body, [event], variables)[0]
    return event


def _plugin(plugin: Plugin, events: list[Event], variables: Mapping[str, str]) -> list[Event]:
    settings = _replaced(plugin.settings, variables)
    if plugin.name == "ruby":
        return list(run_script(Path(settings["path"]).stem, settings["script_params"], events))
    for event in events:
        _PLUGINS[plugin.name](event, settings)
    return events


def _mutate(event: Event, settings: Mapping[str, Any]) -> None:
    for source, target in settings.get("copy", {}).items():
        if _get(event, source) is not None:
            _set(event, target, _get(event, source))
    changes = settings.get("gsub", [])
    for field, pattern, replacement in zip(changes[::3], changes[1::3], changes[2::3], strict=True):
        if isinstance(_get(event, field), str):
            _set(event, field, re.sub(pattern.replace(r"\z", r"\Z"), replacement, _get(event, field)))


def _translate(event: Event, settings: Mapping[str, Any]) -> None:
    table = _dictionary(settings["dictionary_path"])
    value = _get(event, settings["source"])
    found = None if value is None else table.get(str(value), settings.get("fallback"))
    if found is not None:
        _set(event, settings["target"], found)


@cache
def _dictionary(path: str) -> dict[str, str]:
    table: dict[str, str] = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    assert all(isinstance(key, str) and isinstance(value, str) for key, value in table.items())
    return table


_PLUGINS = {"mutate": _mutate, "translate": _translate}


def _replaced(value: Any, variables: Mapping[str, str]) -> Any:
    """As Logstash replaces `${NAME:default}`, however deep it stands."""
    if isinstance(value, dict):
        return {key: _replaced(entry, variables) for key, entry in value.items()}
    if isinstance(value, list):
        return [_replaced(entry, variables) for entry in value]
    if isinstance(value, str):
        return _VARIABLE.sub(lambda match: variables.get(match[1], match[2]), value)
    return value


def _path(field: str) -> list[str]:
    return field[1:-1].split("][")


def _get(event: Event, field: str) -> Any:
    node: Any = event
    for name in _path(field):
        node = node.get(name) if isinstance(node, dict) else None
    return node


def _set(event: Event, field: str, value: Any) -> None:
    *parents, last = _path(field)
    node = event
    for name in parents:
        node = node.setdefault(name, {})
    node[last] = value


def _holds(condition: Sequence[str], event: Event) -> bool:
    """Conditions as Logstash reads them: an absent field and false are false, every number is true."""
    words, fields, index = list(condition), [], 0
    out = []
    while index < len(words):
        if words[index] == "[" and re.fullmatch(r"[@A-Za-z_][\w.@-]*", words[index + 1]):
            name = ""
            while index < len(words) and words[index] == "[":
                name += f"[{words[index + 1]}]"
                index += 3
            fields.append(_get(event, name))
            out.append(f"F({len(fields) - 1})")
            continue
        out.append({"!": " not "}.get(words[index], f" {words[index]} "))
        index += 1
    text = re.sub(r"(?<![=n!] )(F\(\d+\))(?=\s*(?:\)|and|or|$))", r"T(\1)", "".join(out).strip())
    return bool(eval(text, {"F": fields.__getitem__, "T": lambda value: value is not None and value is not False}))  # noqa: S307


def rendered(parts: FilterWriter) -> str:
    return parts.out.text()
