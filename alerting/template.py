"""The part of Mustache that watches use: how a text draws values from the execution context.

Understood: `{{path}}`, `{{{path}}}` (the same: nothing is escaped, since texts are not HTML), sections
`{{#path}}…{{/path}}` and `{{^path}}…{{/path}}`, `{{.}}`, comments `{{! … }}`, and Elasticsearch's own functions
`{{#toJson}}path{{/toJson}}` and `{{#join}}path{{/join}}`. A path goes through keys and list positions with dots:
`ctx.payload.hits.hits.0._source.incident.id`. It reaches plain values only: no attributes, no calls. A path that leads
nowhere is empty, as Mustache has it; which roots exist is checked when a watch is loaded (`context.py`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

_TAG = re.compile(r"\{\{\{\s*(?P<raw>[^{}]*?)\s*\}\}\}|\{\{\s*(?P<mark>[#^/!&]?)\s*(?P<name>[^{}]*?)\s*\}\}")
_FUNCTIONS = ("toJson", "join")
_DEPTH = 20  # sections in sections; no honest text comes near
MOST_PIECES = 200_000  # of one rendering: sections inside each other multiply what they go over
MOST_CHARS = 5_000_000
MISSING = object()


class TemplateError(ValueError):
    """The text is not a template: what is wrong, in words."""


@dataclass(slots=True)
class _Section:
    mark: str
    name: str
    parts: list[Any] = field(default_factory=list)


@dataclass(slots=True)
class _Value:
    path: str


def parse(text: str) -> list[Any]:
    """Tree of a template. Raises TemplateError on sections that do not close, or braces that are no tag."""
    stack = [_Section("", "")]
    at = 0
    for match in _TAG.finditer(text):
        stack[-1].parts.append(text[at : match.start()])
        at = match.end()
        _tag(stack, match)
    stack[-1].parts.append(text[at:])
    if len(stack) > 1:
        raise TemplateError(f"section {{{{#{stack[-1].name}}}}} is never closed")
    if any("{{" in part for part in stack[0].parts if isinstance(part, str)):
        raise TemplateError("{{ without its }}")
    return stack[0].parts


def _tag(stack: list[_Section], match: re.Match[str]) -> None:
    mark, name = match["mark"] or "", match["raw"] or match["name"] or ""
    if mark == "!":
        return
    if not name:
        raise TemplateError("{{}} names nothing")
    if mark in ("#", "^"):
        if len(stack) > _DEPTH:
            raise TemplateError(f"sections are nested deeper than {_DEPTH}")
        section = _Section(mark, name)
        stack[-1].parts.append(section)
        stack.append(section)
    elif mark == "/":
        if len(stack) == 1 or stack[-1].name != name:
            raise TemplateError(f"{{{{/{name}}}}} closes what is not open")
        stack.pop()
    else:
        stack[-1].parts.append(_Value(name))


def paths(text: str) -> list[str]:
    """Every path that the template reads from the top of the context, in order. Raises TemplateError."""
    return list(_paths(parse(text), inside=False))


def _paths(parts: Sequence[Any], inside: bool) -> Iterator[str]:
    for part in parts:
        if isinstance(part, _Value):
            if not inside or part.path.startswith("ctx."):
                yield part.path
        elif isinstance(part, _Section):
            if part.name in _FUNCTIONS:
                yield _argument(part)
            else:
                yield part.name
                yield from _paths(part.parts, inside=True)


def _argument(section: _Section) -> str:
    if not all(isinstance(part, str) for part in section.parts):
        raise TemplateError(f"{{{{#{section.name}}}}} holds one path and nothing else")
    return "".join(section.parts).strip()


def render(text: str, context: Mapping[str, Any]) -> str:
    """The text with its values. Raises TemplateError as `parse` does, and on what would be longer than the bounds above."""
    said, chars = [], 0
    for piece in _render(parse(text), [context]):
        said.append(piece)
        chars += len(piece)
        if len(said) > MOST_PIECES or chars > MOST_CHARS:
            raise TemplateError(
                f"says more than {MOST_CHARS:,} characters, or goes over more than {MOST_PIECES:,} parts"
            )
    return "".join(said)


def render_all(value: Any, context: Mapping[str, Any]) -> Any:
    """A copy of a nested value with every text in it rendered: values never break out of the place they stand in."""
    if isinstance(value, str):
        return render(value, context)
    if isinstance(value, Mapping):
        return {key: render_all(item, context) for key, item in value.items()}
    if isinstance(value, list):
        return [render_all(item, context) for item in value]
    return value


def _render(parts: Sequence[Any], stack: list[Any]) -> Iterator[str]:
    for part in parts:
        if isinstance(part, str):
            yield part
        elif isinstance(part, _Value):
            yield shown(_look_up(part.path, stack))
        elif part.name in _FUNCTIONS:
            found = _look_up(_argument(part), stack)
            yield as_json(None if found is MISSING else found) if part.name == "toJson" else _joined(found)
        else:
            yield from _section(part, stack)


def _section(section: _Section, stack: list[Any]) -> Iterator[str]:
    value = _look_up(section.name, stack)
    empty = value is MISSING or value in (None, False, "") or value == [] or value == {}
    if section.mark == "^":
        if empty:
            yield from _render(section.parts, stack)
    elif not empty:
        for element in value if isinstance(value, list) else [value]:
            yield from _render(section.parts, [*stack, element])


def _look_up(path: str, stack: Sequence[Any]) -> Any:
    if path == ".":
        return stack[-1]
    for frame in reversed(stack):
        found = at_path(frame, path)
        if found is not MISSING:
            return found
    return MISSING


def at_path(value: Any, path: str) -> Any:
    """What stands at a dotted path of nested dicts and lists, MISSING when nothing does."""
    for step in path.split("."):
        if isinstance(value, Mapping) and step in value:
            value = value[step]
        elif isinstance(value, list) and step.isascii() and step.isdigit() and int(step) < len(value):
            value = value[int(step)]
        else:
            return MISSING
    return value


def shown(value: Any) -> str:
    """A value in a text: numbers to six digits, lists with commas, nested values as JSON, nothing as nothing."""
    if value is MISSING or value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:.6g}" if abs(value) < 1e6 else f"{value:.0f}"
    if isinstance(value, list):
        return _joined(value)
    return as_json(value) if isinstance(value, Mapping) else str(value)


def _joined(value: Any) -> str:
    return ", ".join(shown(item) for item in value) if isinstance(value, list) else shown(value)


def as_json(value: Any) -> str:
    return orjson.dumps(value, default=str).decode()
