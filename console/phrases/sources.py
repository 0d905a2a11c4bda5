"""Every message that stored sentences and errors are made from, read from the source: what the catalogues are held to."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import yaml

from alerting import watch as watches

ROOT = Path(watches.__file__).resolve().parent.parent
WATCHES = ROOT / "alerting" / "watches"
SPEAKING = ("detectors", "mediation", "alerting", "servicedesk")
"""Packages that write sentences into documents which the console shows."""
RAISING = tuple(
    f"{package}/{name}.py"
    for package, names in (
        ("alerting", ("acknowledging", "matchers", "silences")),
        ("detectors", ("feedback",)),
        ("infrastructure", ("exchange", "guarded", "patience", "store", "users")),
        ("servicedesk", ("assignment", "attachments", "desk", "lifecycle", "newticket", "notes", "profiles")),
        ("servicedesk", ("relations", "revising", "states")),
        ("servicedesk/channels", ("filing", "pipeline", "mail/send")),
    )
    for name in names
)
"""Modules of the library whose errors a page or a form of the console can show."""
_OTHER = {("api",), ("server.py",), ("background.py",), ("bench.py",)}  # of the console: no page shows theirs
_RAISED = re.compile(
    r"(?:[A-Z]\w*(?:Error|Refused|Unavailable)|__init__|NotFound|Denied|Unknown|TooMany|TooSlow|pause|_away)"
)
_NO_ERRORS = {"TypeError", "ValueError", "KeyError", "HTTPError", "URLError", "RequestValidationError", "OSError"}
_TEMPLATE = re.compile(r"\{\{\s*([\w.@]+?)\s*\}\}")
_HOLE = re.compile(r"%\(\w+\)s")
Named = dict[str, list[ast.expr]]
"""What a function calls by a name."""
LEAST_LETTERS = 4  # that are fixed: with less, a message would fit anything


@cache
def sentences() -> frozenset[str]:
    """Messages of what documents keep: arguments of `sentence`, and texts of the shipped watches."""
    found = {one for path in _files(SPEAKING) for one in _messages(path, frozenset({"sentence"}))}
    return frozenset(found) | {
        one for one in _of_watches() if _says_something(one)
    }  # what fits the former is told by its shapes


@cache
def errors() -> frozenset[str]:
    """Messages of the errors that pages can show, and of what they advise."""
    pages = [path for path in _files(["console"]) if path.relative_to(ROOT).parts[1:2] not in _OTHER]
    found = {one for path in (*pages, *_files(RAISING)) for one in _messages(path, frozenset())}
    return frozenset(one for one in found if _says_something(one) and " " in one)


def _files(names: Iterable[str]) -> Iterator[Path]:
    for name in names:
        place = ROOT / name
        yield from sorted(place.rglob("*.py")) if place.is_dir() else [place]


def _messages(path: Path, functions: frozenset[str]) -> Iterator[str]:
    """First arguments of calls of `functions`; without, of errors and their keywords `remedy`."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    functions_of = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    constants: Named = {}
    for node in tree.body:
        constants |= _assigned(node) if isinstance(node, ast.Assign) else {}
    for scope in (tree, *functions_of):
        named = {} if scope is tree else {**constants, **_assigned(scope)}
        for call in (node for node in ast.walk(scope) if isinstance(node, ast.Call)):
            name = _name(call.func)
            if functions:
                given = call.args[:1] if name in functions else []
            else:
                raised = _RAISED.fullmatch(name) is not None and name not in _NO_ERRORS
                remedies = [each.value for each in call.keywords if each.arg == "remedy"]
                given = [*call.args[:1], *remedies] if raised else []
            for value in given:
                yield from _texts(value, named)


def _assigned(scope: ast.AST) -> Named:
    """Texts that a function gives names to before it raises them."""
    found: Named = {}
    for node in ast.walk(scope):
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            found.setdefault(node.targets[0].id, []).append(node.value)
    return found


def _texts(value: ast.expr, named: Named) -> Iterator[str]:
    if isinstance(value, ast.Constant) and isinstance(value.value, str):
        yield value.value.replace("%", "%%") if not _HOLE.search(value.value) else value.value
    elif isinstance(value, ast.JoinedStr):
        yield _joined(value)
        for part in value.values:  # `… is {what if … else …}`: what stands there is a text of its own
            inner = part.value if isinstance(part, ast.FormattedValue) else part
            inner = inner.value if isinstance(inner, ast.Subscript) else inner  # `{WORDS[status]}: …`
            if isinstance(inner, ast.Name):
                yield from (text for each in named.get(inner.id, ()) for text in _texts(each, {}))
    elif isinstance(value, ast.IfExp):
        yield from (*_texts(value.body, named), *_texts(value.orelse, named))
    elif isinstance(value, ast.Name) and value.id in named:
        yield from (text for each in named[value.id] for text in _texts(each, {}))
    elif isinstance(value, ast.Dict):
        yield from (text for each in value.values for text in _texts(each, named))
    elif isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute) and value.func.attr == "get":
        yield from (text for each in (value.func.value, *value.args[1:]) for text in _texts(each, named))


def _joined(value: ast.JoinedStr) -> str:
    """An f-string as a message: each value a place, named after what stands there."""
    names: list[str] = []
    text = ""
    for part in value.values:
        if isinstance(part, ast.Constant):
            text += str(part.value).replace("%", "%%")
        elif isinstance(part, ast.FormattedValue):
            text += f"%({_unlike(_word(part.value), names)})s"
    return text


def _unlike(name: str, taken: list[str]) -> str:
    taken.append(name)
    count = taken.count(name)
    return name if count == 1 else f"{name}_{count}"


def _word(value: ast.expr) -> str:
    if isinstance(value, ast.Name | ast.Attribute):
        return _name(value).strip("_").lower()
    if isinstance(value, ast.Subscript | ast.BinOp):
        return _word(value.value if isinstance(value, ast.Subscript) else value.left)
    if isinstance(value, ast.Call):
        return _word(value.args[0]) if value.args else "value"
    return "value"


def _name(value: ast.expr) -> str:
    return value.id if isinstance(value, ast.Name) else value.attr if isinstance(value, ast.Attribute) else ""


def _of_watches() -> set[str]:
    """Summaries and reasons, titles and texts of tickets, a line each."""
    found: set[str] = set()
    for path in sorted(WATCHES.glob("*.yml")):
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        alert = content["metadata"]["alert"]
        texts = [alert.get("summary", ""), alert.get("reason", ""), content["metadata"].get("purpose", "")]
        for action in content["actions"].values():
            texts += [action.get("ticket", {}).get(name, "") for name in ("title", "body")]
        found |= {_of_template(line.strip()) for text in texts for line in str(text).splitlines()}
    return found


def _of_template(line: str) -> str:
    names: list[str] = []
    pieces = _TEMPLATE.split(line)
    text = pieces[0].replace("%", "%%")
    for path, literal in zip(pieces[1::2], pieces[2::2], strict=True):
        parts = [part for part in path.split(".") if part not in ("ctx", "payload", "_source", "vars")]
        name = re.sub(r"\W", "", "_".join(parts[-2:]))
        text += f"%({_unlike(name, names)})s" + literal.replace("%", "%%")
    return text


def _says_something(message: str) -> bool:
    return len(re.findall(r"[^\W\d_]", _HOLE.sub("", message))) >= LEAST_LETTERS
