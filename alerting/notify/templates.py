"""Texts of notifications: Jinja, of which only that is taken which cannot run long, grow large or reach behind the data.

Taken: values (`{{ alert.summary }}`), `if`, `for` over `alerts` or the `pairs` of something (two deep), comparisons,
`+ - / ~`, and the filters below. Not taken: calls, macros, includes, `set`, `*` and `**`, names that begin with `_`. So a
text is at most as long as its alerts make it; `MOST_CHARS` of it are sent.

A text sees `status` (firing, resolved or no_data), `severity` (the gravest), `alerts` (the first ones: `name status
severity summary reason labels starts_at ends_at id link`), `count`, `firing`, `resolved` (how many), `more` (not in
`alerts`), `group` (the labels that they agree in), `link` (of the console, "" without one).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from jinja2 import TemplateError, Undefined, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from alerting.template import as_json
from contracts.clock import parse_iso

LONGEST = 10_000  # characters of a template
MOST_CHARS = 20_000  # of what it says; a mail may be that long, a chat message is cut by who carries it
ROOTS = ("status", "severity", "alerts", "count", "firing", "resolved", "more", "group", "link")
_DEEPEST = 2
_TAKEN = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.Getattr, nodes.Getitem, nodes.Const, nodes.For,
    nodes.If, nodes.Filter, nodes.Compare, nodes.Operand, nodes.And, nodes.Or, nodes.Not, nodes.CondExpr, nodes.Concat,
    nodes.Test, nodes.Add, nodes.Sub, nodes.Div, nodes.FloorDiv, nodes.Neg, nodes.Tuple, nodes.Keyword,
)  # fmt: skip
_TESTS = ("defined", "undefined", "none", "string", "number", "even", "odd", "in")

TITLE = (
    "{% if status == 'resolved' %}Resolved{% else %}{{ severity|title }}{% endif %}: {% if count == 1 %}{{ alerts[0].summary }}"
    "{% else %}{{ count|number }} alerts{% for name, value in group|pairs %}, {{ name }} {{ value }}{% endfor %}{% endif %}"
)
BODY = """{% for alert in alerts %}{{ alert.severity|title }} {{ alert.status }}: {{ alert.summary }}
{{ alert.reason }}
Since {{ alert.starts_at|when }}{% if alert.ends_at %}, until {{ alert.ends_at|when }}{% endif %}{% if alert.link %}
{{ alert.link }}{% endif %}

{% endfor %}{% if more %}And {{ more|number }} more.
{% endif %}{% if link %}{{ link }}
{% endif %}"""


class BadTemplate(ValueError):
    """What is wrong with the text, and in which of its lines."""


def number(value: Any, digits: int = 2) -> str:
    """`12,345.6`: thousands grouped, at most so many decimals; what is no number stays as it is."""
    try:
        amount = float(value)
    except (TypeError, ValueError):
        return str(value)
    if amount != amount or amount in (float("inf"), float("-inf")):
        return str(value)
    text = f"{amount:,.{min(max(int(digits), 0), 10)}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def percent(value: Any, digits: int = 1) -> str:
    """A ratio of 0–1 as `98.2 %`."""
    try:
        return f"{number(float(value) * 100, digits)} %"
    except (TypeError, ValueError):
        return str(value)


def when(value: Any) -> str:
    """`Sat 21 Nov 2026 07:05 UTC` of an ISO time."""
    try:
        moment = value if isinstance(value, datetime) else parse_iso(str(value))
    except ValueError:
        return str(value)
    return moment.astimezone(UTC).strftime("%a %d %b %Y %H:%M UTC")


def pairs(value: Any) -> list[tuple[str, Any]]:
    """Names and values of labels, in order."""
    return sorted(value.items()) if isinstance(value, Mapping) else []


def _cut(value: Any, length: int = 200) -> str:
    text = str(value)
    most = min(max(int(length), 1), MOST_CHARS)
    return text if len(text) <= most else text[: most - 1] + "…"


def _join(value: Any, between: Any = "") -> str:
    """Texts put together, `MOST_CHARS` of them: joined again and again they would fill the memory."""
    texts = value if isinstance(value, str | list | tuple) else ()
    said, left, separator = [], MOST_CHARS, str(between)
    for number, each in enumerate(texts):
        piece = f"{separator}{each}" if number else str(each)
        said.append(piece[:left])
        left -= len(piece)
        if left <= 0:
            break
    return "".join(said)


def _tojson(value: Any) -> str:
    """JSON, `MOST_CHARS` of it: each time it is made JSON again, the escapes double."""
    return as_json(value)[:MOST_CHARS]


FILTERS: Mapping[str, Callable[..., Any]] = {
    "join": _join,
    "tojson": _tojson,
    "number": number,
    "percent": percent,
    "when": when,
    "pairs": pairs,
    "truncate": _cut,
}
_JINJA = ("default", "d", "lower", "upper", "title", "trim", "length", "count", "first", "last")


class _Environment(ImmutableSandboxedEnvironment):
    """Names reach keys of mappings and positions of lists, never attributes of Python objects."""

    def getattr(self, obj: Any, attribute: str) -> Any:
        return self.getitem(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        try:
            return obj[argument] if isinstance(obj, Mapping | list | tuple) else self.undefined(obj=obj, name=argument)
        except (KeyError, IndexError, TypeError):
            return self.undefined(obj=obj, name=argument)


def _environment() -> _Environment:
    made = _Environment(undefined=Undefined, autoescape=False, keep_trailing_newline=False)
    made.filters = {name: made.filters[name] for name in _JINJA} | dict(FILTERS)
    made.tests = {name: made.tests[name] for name in _TESTS}
    made.globals = {}
    return made


_ENVIRONMENT = _environment()


def check(text: str) -> None:
    """Raises BadTemplate on what cannot be read, or what is not taken."""
    if len(text) > LONGEST:
        raise BadTemplate(f"is longer than {LONGEST:,} characters")
    try:
        tree = _ENVIRONMENT.parse(text)
        _walk(tree, 0)
        _ENVIRONMENT.compile(tree)
    except TemplateError as error:
        line = getattr(error, "lineno", None)
        raise BadTemplate(f"{error.message or error}" + (f" (line {line})" if line else "")) from None
    except RecursionError:
        raise BadTemplate("is nested too deeply") from None


def _walk(node: nodes.Node, depth: int) -> None:
    wrong = _wrong(node, depth)
    if wrong:
        raise BadTemplate(f"{wrong} (line {node.lineno})")
    for child in node.iter_child_nodes():
        _walk(child, depth + isinstance(node, nodes.For))


def _wrong(node: nodes.Node, depth: int) -> str:
    if not isinstance(node, _TAKEN):
        return f"{type(node).__name__.lower()} is not taken in a text"
    if isinstance(node, nodes.For) and (depth >= _DEEPEST or node.recursive):
        return f"loops are taken {_DEEPEST} deep"
    if isinstance(node, nodes.For) and not _bounded_loop(node.iter):
        return "a loop goes over alerts, or over the pairs of something"
    name = node.attr if isinstance(node, nodes.Getattr) else node.name if isinstance(node, nodes.Name) else ""
    if isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Const):
        name = str(node.arg.value)
    if name.startswith("_"):
        return f"{name!r} cannot be reached"
    return ""


def _bounded_loop(over: nodes.Node) -> bool:
    """Not over a text, letter by letter: of what a text may hold nobody knows the length."""
    alerts = isinstance(over, nodes.Name) and over.name == "alerts"
    return alerts or (isinstance(over, nodes.Filter) and over.name == "pairs")


@lru_cache(maxsize=256)
def _compiled(text: str) -> Any:
    check(text)
    return _ENVIRONMENT.from_string(text)


def render(text: str, seen: Mapping[str, Any]) -> str:
    """At most `MOST_CHARS` of what a template says. Raises BadTemplate, also on what it does with a value that is not there."""
    try:
        return "".join(_bounded(_compiled(text).generate(dict(seen)))).strip()
    except (TemplateError, TypeError, ValueError, ZeroDivisionError, OverflowError) as error:
        raise BadTemplate(str(error)[:200]) from None


def _bounded(pieces: Iterator[str]) -> Iterator[str]:
    left = MOST_CHARS
    for piece in pieces:
        yield piece[:left]
        left -= len(piece)
        if left <= 0:
            yield "…"
            return
