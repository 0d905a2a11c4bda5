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
from alerting.inputs import indices_of
from alerting.template import TemplateError, paths
from alerting.watch import KINDS
from contracts.errors import DefinitionError
from contracts.indices import BY_NAME

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
    for place, problem in (*_durations(content), *_templates(content), *_conditions(content), *_indices(content)):
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
    return f"{_short(error.instance)} is neither a name nor a list of one name"


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
    given = [
        ("trigger.schedule.interval", content["trigger"]["schedule"]["interval"]),
        ("metadata.repeat_interval", content["metadata"].get("repeat_interval")),
        ("throttle_period", content.get("throttle_period")),
        *((f"actions.{name}.throttle_period", a.get("throttle_period")) for name, a in content["actions"].items()),
    ]
    for place, value in given:
        if value is not None:
            try:
                duration(value)
            except ValueError as error:
                yield place, str(error)


def _templates(content: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    sections: list[tuple[str, Any, tuple[str, ...]]] = [
        ("input", content["input"], INPUT_ROOTS),
        ("transform", content.get("transform", {}), PAYLOAD_ROOTS),
        ("metadata.alert", content["metadata"]["alert"], PAYLOAD_ROOTS),
    ]
    for name, action in content["actions"].items():
        kind = next(kind for kind in KINDS if kind in action)
        sections.append((f"actions.{name}.{kind}", action[kind], ACTION_ROOTS))
    for place, value, roots in sections:
        for inner, text in _texts(value, place):
            yield from _template(inner, text, roots)


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
    given = [("input", name) for name in indices_of(content["input"])]
    given += [("transform", name) for name in indices_of(content.get("transform", {}))]
    given += [(f"actions.{n}.index.index", a["index"]["index"]) for n, a in content["actions"].items() if "index" in a]
    for place, name in given:
        if name not in BY_NAME:
            yield place, f"unknown index {name!r}{_nearest(name, list(BY_NAME))}"
    if not indices_of(content["input"]):
        yield "input.esql.query", "starts with FROM and the name of one index of ours"


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
