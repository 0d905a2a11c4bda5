"""A watch file's content against the JSON Schema and what a schema cannot say; what is wrong, where, and what was meant."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources
from typing import Any, cast

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from alerting.condition import check_operand
from alerting.context import ACTION_ROOTS, INPUT_ROOTS, PAYLOAD_ROOTS, unknown
from alerting.durations import duration
from alerting.http_input import OWN_PATHS, of_others
from alerting.inputs import indices_of, links
from alerting.notify.templates import BadTemplate
from alerting.notify.templates import check as check_text
from alerting.schedules import KINDS as SCHEDULES
from alerting.schedules import read_schedule
from alerting.template import TemplateError, paths
from alerting.watch import KINDS
from contracts.errors import DefinitionError
from contracts.indices import BY_NAME

_OF_GROUPS = ("group_wait", "group_interval", "repeat_interval")
_SHOWN = 80  # characters of a wrong value that an error repeats


@cache
def _validator() -> Draft202012Validator:
    return Draft202012Validator(
        json.loads(resources.files("alerting").joinpath("watch-schema.json").read_text("utf-8"))
    )


def check(content: Any, file: str) -> None:
    """Raises DefinitionError naming the file, the path in it, the value and the nearest right name."""
    if not isinstance(content, Mapping):
        raise DefinitionError("holds no watch: a mapping is wanted", where=file, remedy="see the shipped watches")
    errors = sorted(_validator().iter_errors(content), key=lambda error: (len(error.absolute_path), str(error.path)))
    if errors:
        raise _told(_plainest(errors), file)
    for rule in (_durations, _schedule, _requests, _templates, _texts_of_notices, _conditions, _indices):
        for place, problem in rule(content):
            raise DefinitionError(problem, where=f"{file}: {place}")
    _one_foreach(content, file)


def _plainest(errors: list[ValidationError]) -> ValidationError:
    """An unknown key explains a missing one, so it is told first."""
    return next((error for error in errors if error.validator == "additionalProperties"), errors[0])


def _told(error: ValidationError, file: str) -> DefinitionError:
    place = ".".join(str(part) for part in error.absolute_path) or "top level"
    rule, value, found = error.validator, error.instance, cast(Any, error.validator_value)
    if rule == "additionalProperties":
        return _unknown_key(error, file, place)
    if rule == "oneOf":
        what = _one_of(error)
    elif rule == "enum":
        words = [str(word) for word in found]
        what = f"{_short(value)} is not one of {', '.join(words)}{_nearest(str(value), words)}"
    elif rule == "required":
        what = f"{', '.join(name for name in found if name not in cast(Any, value))} is missing"
    elif rule in ("minProperties", "maxProperties"):
        allowed = sorted(cast(Any, error.schema).get("properties", {}))
        what = f"has {len(cast(Any, value))} entries" + (f", one wanted of {', '.join(allowed)}" if allowed else "")
    else:
        what = f"{_short(value)}: {_reason(error)}"
    return DefinitionError(what, where=f"{file}: {place}")


def _unknown_key(error: ValidationError, file: str, place: str) -> DefinitionError:
    known, content = sorted(cast(Any, error.schema)["properties"]), cast(Any, error.instance)
    wrong = next(key for key in content if key not in known)
    where = f"{file}: {wrong if place == 'top level' else f'{place}.{wrong}'}"
    what = f"unknown key {str(wrong)!r} (value {_short(content[wrong])}){_nearest(str(wrong), known)}"
    scripts = "; there are no scripts here" if wrong == "script" else ""
    return DefinitionError(what + scripts, where=where, remedy=f"known here: {', '.join(known)}")


def _one_of(error: ValidationError) -> str:
    if error.absolute_path and error.absolute_path[-1] == "webhook":
        return "names where to send either by url, or by host and port"
    found = [kind for kind in KINDS if isinstance(error.instance, Mapping) and kind in error.instance]
    if error.absolute_path and error.absolute_path[0] == "actions":
        return f"holds {len(found)} kinds of action ({', '.join(found) or 'none'}), one wanted of {', '.join(KINDS)}"
    if error.absolute_path and error.absolute_path[-1] == "indices":
        return f"{_short(error.instance)} is neither a name nor a list of one name"
    return f"{_short(error.instance)} is neither one value nor a list of them"


def _reason(error: ValidationError) -> str:
    if error.validator == "type":
        wanted = error.validator_value
        return f"{' or '.join(wanted) if isinstance(wanted, list) else wanted} wanted"
    if error.validator == "pattern":
        return f"does not match {error.validator_value}"
    if error.validator == "minLength":
        return "is empty or too short"
    return error.message[:200]


def _durations(content: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    metadata, actions = content["metadata"], content["actions"]
    flapping = metadata.get("flapping")
    given = [
        ("trigger.schedule.interval", content["trigger"]["schedule"].get("interval")),
        ("metadata.repeat_interval", metadata.get("repeat_interval")),
        ("metadata.window", metadata.get("window")),
        ("metadata.flapping.within", flapping.get("within") if isinstance(flapping, Mapping) else None),
        ("throttle_period", content.get("throttle_period")),
        *((f"actions.{name}.throttle_period", action.get("throttle_period")) for name, action in actions.items()),
    ]
    for name, action in actions.items():
        notify = action.get("notify", {})
        given += [(f"actions.{name}.notify.{word}", notify.get(word)) for word in _OF_GROUPS]
    for place, value in given:
        if value is not None:
            try:
                duration(value)
            except ValueError as error:
                yield place, str(error)


def _schedule(content: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    spec = content["trigger"]["schedule"]
    kinds = [name for name in spec if name != "timezone"]
    if len(kinds) != 1:
        yield "trigger.schedule", f"has {len(kinds)} schedules, one wanted of {', '.join(SCHEDULES)}"
    elif kinds[0] == "interval" and "timezone" in spec:
        yield "trigger.schedule.timezone", "an interval knows no time zone"
    else:
        try:
            read_schedule(spec)
        except ValueError as error:
            zone = str(error).startswith("unknown time zone")
            yield f"trigger.schedule.{'timezone' if zone else kinds[0]}", str(error)


def _requests(content: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Where http inputs ask: elsewhere, or of Elasticsearch itself only how it is."""
    for place, spec in _inputs("input", content["input"]):
        request = spec.get("http", {}).get("request", {})
        path = str(request.get("path", ""))
        if "http" in spec and not of_others(spec["http"]) and not path.startswith(OWN_PATHS):
            yield (
                f"{place}.http.request.path",
                f"{_short(path)} is nothing that a watch may ask Elasticsearch: one of {', '.join(OWN_PATHS)}, or give a host",
            )


def _inputs(place: str, spec: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """An input and, of a chain, each of its links."""
    found = links(spec)
    if not found:
        yield place, spec
    for number, (name, inner) in enumerate(found):
        yield from _inputs(f"{place}.chain.{name or number}", inner)


def _templates(content: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    roots = PAYLOAD_ROOTS if "chain" in content["input"] else INPUT_ROOTS
    sections: list[tuple[str, Any, tuple[str, ...]]] = [
        ("input", content["input"], roots),
        ("transform", content.get("transform", {}), PAYLOAD_ROOTS),
        ("metadata.alert", content["metadata"]["alert"], PAYLOAD_ROOTS),
    ]
    for name, action in content["actions"].items():
        kind = next(kind for kind in KINDS if kind in action)
        if kind != "notify":
            sections.append((f"actions.{name}.{kind}", action[kind], ACTION_ROOTS))
    for place, value, known in sections:
        for inner, text in _texts(value, place):
            yield from _template(inner, text, known)


def _texts_of_notices(content: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, action in content["actions"].items():
        for word in ("title", "body"):
            if word in action.get("notify", {}):
                try:
                    check_text(action["notify"][word])
                except BadTemplate as error:
                    yield f"actions.{name}.notify.{word}", str(error)


def _texts(value: Any, place: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield place, value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _texts(item, f"{place}.{key}")
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _texts(item, f"{place}.{number}")


def _template(place: str, text: str, roots: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    try:
        wrong = unknown(paths(text), roots)
    except TemplateError as error:
        yield place, f"{_short(text)}: {error}"
        return
    if wrong is not None:
        path, near = wrong
        yield place, f"{{{{{path}}}}} is nothing that can be read here" + (f"; did you mean {near}?" if near else "")


def _conditions(content: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    given = [("condition", content.get("condition", {}))]
    given += [("metadata.alert.condition", content["metadata"]["alert"].get("condition", {}))]
    missing = content["metadata"].get("no_data", {})
    given += [(f"metadata.no_data.{word}", missing[word]) for word in ("when", "each") if word in missing]
    given += [(f"actions.{name}.condition", action.get("condition", {})) for name, action in content["actions"].items()]
    for place, condition in given:
        for kind in ("compare", "array_compare"):
            for path, wanted in condition.get(kind, {}).items():
                yield from _comparison(f"{place}.{kind}.{path}", path, wanted, kind)


def _comparison(place: str, path: str, wanted: Mapping[str, Any], kind: str) -> Iterator[tuple[str, str]]:
    wrong = unknown([path], PAYLOAD_ROOTS)
    if wrong is not None:
        yield place, f"{path} is nothing that can be compared" + (f"; did you mean {wrong[1]}?" if wrong[1] else "")
    operators = [name for name in wanted if name != "path" or kind == "compare"]
    if len(operators) != 1:
        yield place, f"one comparison wanted, {len(operators)} given"
        return
    rule = wanted[operators[0]]
    try:
        check_operand(rule["value"] if kind == "array_compare" else rule)
    except ValueError as error:
        yield place, str(error)


def _indices(content: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    reading = [*_inputs("input", content["input"]), *_inputs("transform", content.get("transform", {}))]
    given = [(place, name) for place, spec in reading for name in indices_of(spec)]
    given += [(f"actions.{n}.index.index", a["index"]["index"]) for n, a in content["actions"].items() if "index" in a]
    for place, name in given:
        if name not in BY_NAME:
            yield place, f"unknown index {name!r}{_nearest(name, list(BY_NAME))}"
    for place, spec in reading:
        if "esql" in spec and not indices_of(spec):
            yield f"{place}.esql.query", "starts with FROM and the name of one index of ours"


def _one_foreach(content: Mapping[str, Any], file: str) -> None:
    """An alert is one element, so that all actions must mean the same elements."""
    found = {action.get("foreach", "") for action in content["actions"].values()}
    if len(found) > 1:
        words = " and ".join(repr(path) if path else "none" for path in sorted(found))
        raise DefinitionError(f"actions disagree on foreach: {words}", where=f"{file}: actions")


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


def _nearest(name: str, names: list[str]) -> str:
    close = difflib.get_close_matches(name, names, n=1)
    return f"; did you mean {close[0]}?" if close else ""
